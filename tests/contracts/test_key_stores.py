"""What every store of API keys promises."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from segue.access.api_key import ApiKey
from segue.access.base import KeyStore, KnownKey
from segue.access.postgresql_keys import PostgreSQLKeys
from segue.access.sqlite_keys import SqliteKeys
from segue.access.tokens import Token, opens
from segue.errors import ConfigError
from tests.postgresql_live import live_address

NOW: Final = datetime(2026, 3, 1, 12, 0, 0, 7, tzinfo=UTC)
MAKERS: Final[dict[str, Callable[[Path], KeyStore]]] = {
    "postgresql": lambda folder: PostgreSQLKeys(live_address(folder)),
    "sqlite": lambda folder: SqliteKeys(folder / "keys.sqlite"),
}


@pytest.fixture(params=sorted(MAKERS))
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], KeyStore]:
    """Opens the same store again and again."""
    return lambda: MAKERS[request.param](tmp_path)


@pytest.fixture
def store(make: Callable[[], KeyStore]) -> Iterator[KeyStore]:
    opened = make()
    yield opened
    opened.close()


def _known(number: int, user: str | None = None) -> KnownKey:
    key = ApiKey(f"{number:012x}", f"key {number}", frozenset({"ingest"}), NOW, user_id=user)
    return KnownKey(key, bytes([number]) * 32)


def test_a_key_is_found_as_it_was_added(store: KeyStore) -> None:
    token = Token.new()
    full = ApiKey(
        token.key_id,
        "the “web” player",
        frozenset({"ingest", "recommend"}),
        created_at=NOW,
        user_id="ann",
        source="spotify_api",
        rate=2.5,
        last_used_at=NOW + timedelta(days=1),
    )
    store.add(KnownKey(full, token.digest))
    found = store.find(token.key_id)
    assert found == KnownKey(full, token.digest)
    assert opens(token.text, found.digest)
    store.add(_known(1))
    plain = store.find(f"{1:012x}")
    assert plain is not None
    assert plain.key == _known(1).key
    assert store.find("ffffffffffff") is None


def test_an_id_is_given_once(store: KeyStore) -> None:
    store.add(_known(1))
    with pytest.raises(ConfigError, match="already"):
        store.add(replace(_known(1), digest=bytes(32)))
    found = store.find(_known(1).key.key_id)
    assert found == _known(1)


def test_keys_come_in_pages_by_their_ids(store: KeyStore) -> None:
    for number in (3, 1, 2):
        store.add(_known(number))
    first = store.page(limit=2)
    rest = store.page(after=first[-1].key_id, limit=2)
    assert [key.label for key in (*first, *rest)] == ["key 1", "key 2", "key 3"]
    assert store.page(after=rest[-1].key_id) == []


def test_what_is_revoked_stays_revoked_from_then(store: KeyStore) -> None:
    store.add(_known(1))
    store.add(_known(2))
    key_id = _known(1).key.key_id
    assert store.revoke(key_id, NOW).revoked_at == NOW
    assert store.revoke(key_id, NOW + timedelta(days=1)).revoked_at == NOW
    assert [key.revoked_at for key in store.page()] == [NOW, None]
    with pytest.raises(ConfigError, match="no key"):
        store.revoke("ffffffffffff", NOW)


def test_the_version_tells_of_every_change_of_what_keys_may_do(store: KeyStore) -> None:
    seen = [store.version()]
    for change in (
        lambda: store.add(_known(1, "ann")),
        lambda: store.revoke(_known(1).key.key_id, NOW),
        lambda: store.forget("ann"),
    ):
        change()
        seen.append(store.version())
    assert seen[0] == 0
    assert seen == sorted(set(seen))
    store.used({_known(1).key.key_id: NOW})
    assert store.forget("nobody") == 0
    assert store.revoke(_add(store, 2), NOW).revoked_at == NOW
    last = store.version()
    store.revoke(_known(2).key.key_id, NOW)
    assert store.version() == last


def _add(store: KeyStore, number: int) -> str:
    store.add(_known(number))
    return _known(number).key.key_id


def test_last_use_only_moves_forward(store: KeyStore) -> None:
    key_id = _add(store, 1)
    for at in (NOW, NOW - timedelta(hours=1)):
        store.used({key_id: at, "ffffffffffff": at})
    assert [key.last_used_at for key in store.page()] == [NOW]
    store.used({})


def test_a_user_is_forgotten_with_all_keys(store: KeyStore) -> None:
    for number, user in enumerate(("ann", "ann", "bob", None)):
        store.add(_known(number, user))
    assert store.forget("ann") == 2
    assert [key.user_id for key in store.page()] == ["bob", None]


def test_another_opening_sees_changes_at_once(
    make: Callable[[], KeyStore], store: KeyStore
) -> None:
    other = make()
    key_id = _add(store, 1)
    assert other.version() == store.version() > 0
    assert other.find(key_id) == _known(1)
    other.revoke(key_id, NOW)
    assert [key.revoked_at for key in store.page()] == [NOW]
    other.close()


def test_threads_may_use_it_at_once(store: KeyStore) -> None:
    def work(first: int) -> None:
        for number in range(first, first + 10):
            _add(store, number)
            store.used({_known(number).key.key_id: NOW})

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 20, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store.page()
    assert len(found) == 30
    assert {key.last_used_at for key in found} == {NOW}
    assert store.version() == 30
