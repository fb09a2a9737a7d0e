"""What every store of secrets promises."""

from __future__ import annotations

import logging
import stat
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError
from pydantic import SecretStr

from segue.errors import SecretError
from segue.secrets.aws_secrets_manager import AwsSecretsManager
from segue.secrets.base import Place, SecretStore
from segue.secrets.encrypted_file import EncryptedFile
from segue.secrets.environment import Environment, EnvironmentFirst
from segue.secrets.os_keyring import OsKeyring
from tests.s3_server import S3Server, keys

STORES: Final = ("file", "file with a passphrase", "keyring", "aws", "environment first")
TOKEN: Final = "very-s3cret-token"


class ListKeyring(KeyringBackend):
    """A keyring that lasts as long as the test."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring says no types
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError("no such password")


@pytest.fixture(params=STORES)
def opened(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], SecretStore]]:
    """Opens the same store again and again."""
    folder, which = tmp_path / "secrets", request.param
    if which == "aws":
        server: S3Server = request.getfixturevalue("s3")
        for name, value in keys().items():
            monkeypatch.setenv(name, value)
        place = Place(folder, prefix=f"test-{uuid.uuid4().hex}", endpoint_url=server.url)
        yield lambda: AwsSecretsManager(place)
    elif which == "keyring":
        backend = ListKeyring()
        yield lambda: OsKeyring(Place(folder), backend)
    elif which == "environment first":
        nothing = Environment("spotify/me", {"refresh_token": "TOKEN"}, {})
        yield lambda: EnvironmentFirst(nothing, EncryptedFile(Place(folder)), ("refresh_token",))
    else:
        phrase = SecretStr("open sesame") if "passphrase" in which else None
        yield lambda: EncryptedFile(Place(folder, phrase))


@pytest.fixture
def store(opened: Callable[[], SecretStore]) -> SecretStore:
    return opened()


def test_what_is_written_is_read_again(
    store: SecretStore, opened: Callable[[], SecretStore]
) -> None:
    assert store.read("spotify/ann") == {}
    fields = {"refresh_token": TOKEN, "scope": "user-read “all” ✓"}
    store.write("spotify/ann", fields)
    assert store.read("spotify/ann") == opened().read("spotify/ann") == fields
    assert store.read("spotify/ben") == {}


def test_a_change_leaves_other_fields_and_secrets_alone(store: SecretStore) -> None:
    store.write("one", {"a": "1", "b": "2"})
    store.write("two", {"a": "x"})
    store.write("one", {"b": None, "c": "3"})
    assert store.read("one") == {"a": "1", "c": "3"}
    assert store.read("two") == {"a": "x"}
    store.write("one", {})
    assert store.read("one") == {"a": "1", "c": "3"}


def test_a_secret_can_be_removed_and_made_again(store: SecretStore) -> None:
    store.write("one", {"a": "1"})
    store.write("two", {"a": "2"})
    assert store.delete("one")
    assert not store.delete("one")
    assert store.read("one") == {}
    store.write("one", {"b": "3"})
    assert store.read("one") == {"b": "3"}
    assert store.read("two") == {"a": "2"}


@pytest.mark.parametrize("name", ["spotify/ann b", "spotify/Zoë", "a=b:c*?", "x" * 200])
def test_names_are_told_apart_whatever_they_are_made_of(store: SecretStore, name: str) -> None:
    store.write(name, {"a": name})
    store.write("other", {"a": "1"})
    assert store.read(name) == {"a": name}


@pytest.mark.parametrize("name", ["", "x" * 201, "a\nb"])
def test_names_that_cannot_be_are_refused(store: SecretStore, name: str) -> None:
    for ask in (store.read, store.delete, lambda name: store.write(name, {"a": "1"})):
        with pytest.raises(SecretError, match="cannot be called"):
            ask(name)


def test_of_changes_at_the_same_time_none_is_lost(opened: Callable[[], SecretStore]) -> None:
    first = opened()
    first.write("one", {"begun": "yes"})
    faults: list[Exception] = []

    def write(number: int) -> None:
        try:
            opened().write("one", {f"field {number}": "x"})
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert first.read("one") == {"begun": "yes", **{f"field {n}": "x" for n in range(4)}}


def test_nothing_secret_is_said_or_can_be_read_by_others(
    store: SecretStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store.write("spotify/ann", {"refresh_token": TOKEN})
    store.write("spotify/ann", {"refresh_token": f"{TOKEN}-rotated"})
    store.read("spotify/ann")
    said = " ".join(
        record.getMessage() for record in caplog.records if record.name.startswith("segue")
    )
    assert TOKEN not in said + repr(store) + store.where
    for path in tmp_path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()
