"""Tokens and keys: what opens, for whom, and for how long."""

from __future__ import annotations

import sqlite3
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from segue.access.keyring import Keyring, Unsure
from segue.access.sqlite_keys import SqliteKeys
from segue.access.tokens import Token, key_id_of, opens
from segue.errors import ConfigError, StorageError, WarehouseError
from segue.flows.keys import create_key, every_key

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteKeys]:
    opened = SqliteKeys(tmp_path / "access" / "keys.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def ring(store: SqliteKeys) -> Iterator[Keyring]:
    made = Keyring(store, clock=lambda: NOW)
    made.start()
    yield made
    made.close()


def test_a_token_opens_only_its_own_digest() -> None:
    token, other = Token.new(), Token.new()
    assert key_id_of(token.text) == token.key_id
    assert opens(token.text, token.digest)
    assert not opens(other.text, token.digest)
    assert not opens(token.text, None)
    assert token.text not in repr(token)


@pytest.mark.parametrize(
    "text", ["", "segue_", "segue_0123456789ab_", "Segue_0123456789ab_" + 43 * "x", 9999 * "x"]
)
def test_what_is_no_token_has_no_key(text: str) -> None:
    assert key_id_of(text) is None
    assert key_id_of(f"segue_0123456789ab_{43 * 'x'}\n") is None


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"scopes": ["read"]}, "no scope “read”"),
        ({"scopes": []}, "needs a scope"),
        ({"label": " "}, "1 to 200 characters"),
        ({"label": "a\nb"}, "1 to 200 characters"),
        ({"user_id": ""}, "not empty"),
        ({"user_id": "ann", "scopes": ["admin"]}, "cannot be admin"),
        ({"source": "Spotify API"}, "no name of a source"),
        ({"rate": 0.0}, "cannot be"),
        ({"rate": float("nan")}, "cannot be"),
    ],
)
def test_a_key_that_cannot_be_is_refused(
    store: SqliteKeys, wrong: dict[str, object], named: str
) -> None:
    given: dict[str, object] = {"label": "test", "scopes": ["ingest"], **wrong}
    with pytest.raises(ConfigError, match=named):
        create_key(store, now=NOW, **given)  # type: ignore[arg-type]  # wrong on purpose
    assert list(every_key(store)) == []


def test_admin_may_do_everything(store: SqliteKeys) -> None:
    admin, _ = create_key(store, "a", ["admin"], now=NOW)
    ingest, _ = create_key(store, "i", ["ingest"], now=NOW, user_id="ann")
    assert admin.may("ingest")
    assert admin.may("recommend")
    assert not ingest.may("recommend")
    assert ingest.sees("ann")
    assert not ingest.sees("bob")
    assert admin.sees("bob")


def test_the_file_holds_no_token_and_is_private(store: SqliteKeys) -> None:
    _, token = create_key(store, "a", ["admin"], now=NOW)
    for path in store.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert token.text.rpartition("_")[2].encode() not in path.read_bytes()
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_a_ring_knows_a_key_once_it_was_looked_up(store: SqliteKeys, ring: Keyring) -> None:
    assert ring.empty
    key, token = create_key(store, "a", ["admin"], now=NOW)
    assert ring.at_hand(token.text) is Unsure.ASK
    assert ring.look_up(token.text) == key
    assert ring.at_hand(token.text) == key
    forged = f"segue_{key.key_id}_{43 * 'x'}"
    assert ring.at_hand(forged) is None
    assert ring.look_up(Token.new().text) is None
    assert ring.look_up("nonsense") is None
    assert ring.at_hand("nonsense") is None


def test_a_revoked_key_opens_nothing_within_a_second(store: SqliteKeys, ring: Keyring) -> None:
    key, token = create_key(store, "a", ["admin"], now=NOW)
    assert ring.look_up(token.text) == key
    SqliteKeys(store.path).revoke(key.key_id, NOW)
    since = time.monotonic()
    while ring.at_hand(token.text) is not Unsure.ASK:
        assert time.monotonic() - since < 5
        time.sleep(0.01)
    assert ring.look_up(token.text) is None
    assert ring.at_hand(token.text) is None
    assert not ring.empty


def test_use_is_noted_at_the_end_at_the_latest(store: SqliteKeys) -> None:
    _, token = create_key(store, "a", ["admin"], now=NOW)
    create_key(store, "b", ["admin"], now=NOW)
    ring = Keyring(store, clock=lambda: NOW)
    ring.look_up(token.text)
    ring.close()
    assert {key.label: key.last_used_at for key in every_key(store)} == {"a": NOW, "b": None}


def test_a_file_that_was_replaced_is_the_one_in_use(store: SqliteKeys, tmp_path: Path) -> None:
    create_key(store, "old", ["admin"], now=NOW)
    other = SqliteKeys(tmp_path / "other" / "keys.sqlite")
    create_key(other, "new", ["admin"], now=NOW)
    other.close()
    store.path.parent.rename(tmp_path / "aside")
    other.path.parent.rename(store.path.parent)
    assert [key.label for key in every_key(store)] == ["new"]


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    damaged = tmp_path / "keys.sqlite"
    damaged.write_bytes(b"no database" * 1000)
    with pytest.raises(WarehouseError, match="damaged"):
        SqliteKeys(damaged).version()
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        SqliteKeys(tmp_path / "file" / "keys.sqlite").version()
    newer = SqliteKeys(tmp_path / "newer.sqlite")
    newer.version()
    newer.close()
    sqlite3.connect(newer.path).execute("pragma user_version = 99").connection.close()
    with pytest.raises(WarehouseError, match="newer Segue"):
        newer.version()
