"""Secrets: what opens the file, what goes wrong, and which store a home has."""

from __future__ import annotations

import json
import logging
import multiprocessing
from pathlib import Path
from typing import Final

import pytest
from keyring.errors import KeyringLocked
from pydantic import SecretStr

from segue.errors import ConfigError, SecretError, StorageError, UnreachableError
from segue.flows.wiring import Wiring
from segue.secrets.aws_secrets_manager import AwsSecretsManager
from segue.secrets.base import Place
from segue.secrets.encrypted_file import EncryptedFile
from segue.secrets.environment import Environment, EnvironmentFirst
from segue.secrets.os_keyring import OsKeyring
from segue.settings import load_settings
from tests.contracts.test_secret_stores import TOKEN, ListKeyring
from tests.s3_server import S3Server, keys

ANN: Final = "spotify/ann"


def _file(folder: Path, phrase: str | None = None) -> EncryptedFile:
    return EncryptedFile(Place(folder, None if phrase is None else SecretStr(phrase)))


# --- the encrypted file -------------------------------------------------------------------------


def test_only_the_passphrase_opens_the_file(tmp_path: Path) -> None:
    _file(tmp_path, "right").write(ANN, {"a": TOKEN})
    assert _file(tmp_path, "right").read(ANN) == {"a": TOKEN}
    with pytest.raises(SecretError, match="this passphrase") as wrong:
        _file(tmp_path, "wrong").read(ANN)
    assert "wrong" not in str(wrong.value)
    with pytest.raises(SecretError, match="SEGUE_SECRETS__PASSPHRASE"):
        _file(tmp_path).write(ANN, {"a": "2"})
    assert not (tmp_path / "secrets.key").exists()


def test_a_passphrase_given_later_locks_the_file_and_removes_the_key(tmp_path: Path) -> None:
    _file(tmp_path).write(ANN, {"a": TOKEN})
    assert (tmp_path / "secrets.key").exists()
    late = _file(tmp_path, "late")
    assert late.read(ANN) == {"a": TOKEN}
    late.write(ANN, {"b": "2"})
    assert not (tmp_path / "secrets.key").exists()
    with pytest.raises(SecretError, match="passphrase"):
        _file(tmp_path).read(ANN)
    assert _file(tmp_path, "late").read(ANN) == {"a": TOKEN, "b": "2"}


@pytest.mark.parametrize("phrase", [None, "phrase"])
@pytest.mark.parametrize("place", [0, 5, 40, -40, -1])
def test_a_changed_byte_is_an_error_that_says_what_to_do(
    tmp_path: Path, phrase: str | None, place: int
) -> None:
    _file(tmp_path, phrase).write(ANN, {"a": TOKEN})
    path = tmp_path / "secrets.enc"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(SecretError) as fault:
        _file(tmp_path, phrase).read(ANN)
    assert fault.value.cure
    with pytest.raises(SecretError):  # nothing is written over what may still be mended
        _file(tmp_path, phrase).write(ANN, {"a": "2"})
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"{}\n", b"[1]\nabc", b"\xff\xfe"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    _file(tmp_path).write(ANN, {"a": "1"})
    (tmp_path / "secrets.enc").write_bytes(content)
    with pytest.raises(SecretError, match="damaged"):
        _file(tmp_path).read(ANN)


def test_a_file_of_a_newer_segue_is_left_alone(tmp_path: Path) -> None:
    _file(tmp_path).write(ANN, {"a": "1"})
    (tmp_path / "secrets.enc").write_bytes(json.dumps({"format": 2}).encode() + b"\nrest")
    with pytest.raises(SecretError, match="newer Segue"):
        _file(tmp_path).write(ANN, {"a": "2"})


def test_a_lost_key_is_told(tmp_path: Path) -> None:
    _file(tmp_path).write(ANN, {"a": "1"})
    (tmp_path / "secrets.key").unlink()
    with pytest.raises(SecretError, match="is gone") as lost:
        _file(tmp_path).read(ANN)
    assert "sign in" in lost.value.cure
    (tmp_path / "secrets.key").write_bytes(b"short")
    with pytest.raises(SecretError, match="is no key"):
        _file(tmp_path).read(ANN)


def test_files_that_others_could_read_are_closed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _file(tmp_path).write(ANN, {"a": TOKEN})
    (tmp_path / "secrets.enc").chmod(0o644)
    with caplog.at_level(logging.WARNING):
        assert _file(tmp_path).read(ANN) == {"a": TOKEN}
    assert (tmp_path / "secrets.enc").stat().st_mode & 0o777 == 0o600
    assert "could be read by others" in caplog.text
    assert TOKEN not in caplog.text


def _write_some(folder: Path, number: int) -> None:
    for round_ in range(5):
        _file(folder).write(f"user {number}", {f"field {round_}": "x"})
        _file(folder).write("all", {f"{number}.{round_}": "x"})


def test_processes_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_write_some, args=(tmp_path, n)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert len(_file(tmp_path).read("all")) == 15
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "lock",
        "secrets.enc",
        "secrets.key",
    ]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be kept"):
        _file(tmp_path / "file" / "secrets").write(ANN, {"a": "1"})


# --- keyring ------------------------------------------------------------------------------------


class LockedKeyring(ListKeyring):
    """Whoever sits at the screen says no."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("the user dismissed the prompt")


def test_a_locked_keyring_is_told(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="cannot be used: KeyringLocked") as locked:
        OsKeyring(Place(tmp_path), LockedKeyring()).read(ANN)
    assert "SEGUE_SECRETS__STORE=file" in locked.value.cure


def test_an_entry_of_somebody_else_is_not_read_as_ours(tmp_path: Path) -> None:
    keyring = ListKeyring()
    keyring.entries["segue", ANN] = "my password"
    with pytest.raises(SecretError, match="is not Segue's") as strange:
        OsKeyring(Place(tmp_path), keyring).read(ANN)
    assert "my password" not in str(strange.value)


def test_a_home_stays_with_its_store(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    assert Wiring(settings).secrets.name == "file"  # this session has no keyring
    OsKeyring(Place(tmp_path / "secrets"), ListKeyring()).write(ANN, {"a": "1"})
    assert Wiring(settings).secrets.name == "keyring"
    with pytest.raises(SecretError, match="no keyring"):
        Wiring(settings).secrets.read(ANN)


def test_a_store_that_does_not_exist_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGUE_SECRETS__STORE", "pocket")
    with pytest.raises(ConfigError, match="aws, file, keyring"):
        _ = Wiring(load_settings(home=tmp_path)).secrets


# --- AWS ----------------------------------------------------------------------------------------


def _aws(folder: Path, url: str) -> AwsSecretsManager:
    return AwsSecretsManager(Place(folder, prefix="unit", endpoint_url=url))


def test_aws_keeps_one_json_object_under_its_fields_names(
    tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    for name, value in keys().items():
        monkeypatch.setenv(name, value)
    _aws(tmp_path, s3.url).write("spotify/me", {"spotify_client_id": "i", "refresh_token": "r"})
    _aws(tmp_path, s3.url).write("spotify/me", {"refresh_token": "r2"})
    found = boto3.client("secretsmanager", endpoint_url=s3.url).get_secret_value(
        SecretId="unit/spotify/me", VersionStage="AWSCURRENT"
    )
    assert json.loads(found["SecretString"]) == {"spotify_client_id": "i", "refresh_token": "r2"}
    boto3.client("secretsmanager", endpoint_url=s3.url).create_secret(
        Name="unit/notes", SecretString="my own notes"
    )
    with pytest.raises(SecretError, match="no JSON object") as strange:
        _aws(tmp_path, s3.url).read("notes")
    assert "my own notes" not in str(strange.value)


def test_aws_without_an_answer_or_credentials_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**keys(), "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnreachableError, match="does not answer"):
        _aws(tmp_path, "http://127.0.0.1:9").read(ANN)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SecretError, match="no credentials"):
        _aws(tmp_path, "http://127.0.0.1:9").read(ANN)


# --- the environment ----------------------------------------------------------------------------

VARIABLES: Final = {"spotify_client_id": "SPOTIFY_CLIENT_ID", "refresh_token": "SPOTIFY_REFRESH"}
DERIVED: Final = ("refresh_token", "access_token")


def _first(folder: Path, **values: str) -> EnvironmentFirst:
    return EnvironmentFirst(Environment(ANN, VARIABLES, values), _file(folder), DERIVED)


def test_the_environment_may_only_be_read() -> None:
    store = Environment(ANN, VARIABLES, {"SPOTIFY_REFRESH": f" {TOKEN} ", "OTHER": "x"})
    assert store.read(ANN) == {"refresh_token": TOKEN}
    assert store.read("spotify/ben") == {}
    assert not store.delete("spotify/ben")
    for change in (lambda: store.write(ANN, {"a": "1"}), lambda: store.delete(ANN)):
        with pytest.raises(SecretError, match="not Segue's to change") as refused:
            change()
        assert "SPOTIFY_REFRESH" in refused.value.cure
        assert TOKEN not in str(refused.value) + store.where


def test_what_is_made_of_the_environment_counts_until_that_changes(tmp_path: Path) -> None:
    store = _first(tmp_path, SPOTIFY_CLIENT_ID="id", SPOTIFY_REFRESH="r1")
    assert store.read(ANN) == {"spotify_client_id": "id", "refresh_token": "r1"}
    store.write(ANN, {"access_token": "a"})
    assert store.read(ANN) == {
        "spotify_client_id": "id",
        "refresh_token": "r1",
        "access_token": "a",
    }
    store.write(ANN, {"refresh_token": "r2", "access_token": "b"})  # Spotify rotated it
    again = _first(tmp_path, SPOTIFY_CLIENT_ID="id", SPOTIFY_REFRESH="r1")
    assert again.read(ANN)["refresh_token"] == "r2"
    other = _first(tmp_path, SPOTIFY_REFRESH="new")
    assert other.read(ANN) == {"refresh_token": "new"}
    other.write(ANN, {"access_token": "c"})
    assert other.read(ANN) == {"refresh_token": "new", "access_token": "c"}
    assert _first(tmp_path).read(ANN) == {}


def test_a_sign_in_of_its_own_stays_when_the_environment_names_the_app(tmp_path: Path) -> None:
    _first(tmp_path).write(ANN, {"refresh_token": "own", "access_token": "a"})
    named = _first(tmp_path, SPOTIFY_CLIENT_ID="id")
    assert named.read(ANN) == {
        "spotify_client_id": "id",
        "refresh_token": "own",
        "access_token": "a",
    }
    assert named.delete(ANN)
    assert named.read(ANN) == {"spotify_client_id": "id"}
