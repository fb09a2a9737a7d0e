"""API keys in one SQLite file, readable for its owner only."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from segue.access.api_key import ApiKey
from segue.access.base import KnownKey
from segue.access.key_rows import FACTS, absent, known_of, row_of, taken
from segue.errors import WarehouseError
from segue.sqlite import SqliteFile, microseconds, moment, transaction

__all__ = ["SqliteKeys"]

_TABLES: Final = """
create table if not exists keys (
    key_id text primary key,
    label text not null,
    digest blob not null,
    scopes text not null,
    user_id text,
    source text,
    rate real,
    created_us integer not null,
    last_used_us integer,
    revoked_us integer
) strict, without rowid;
create index if not exists keys_of_user on keys (user_id) where user_id is not null;
create table if not exists changes (number integer not null) strict;
insert into changes select 0 where not exists (select 1 from changes);
"""
_COLUMNS: Final = ", ".join((*FACTS, "created_us", "last_used_us", "revoked_us"))
_CHANGED: Final = "update changes set number = number + 1"


class SqliteKeys:
    """Keys in a file of SQLite; each change is flushed to the disk.

    Where the file was replaced (a home was restored), the new one is used from the next call on.

    Args:
        path: The database; it and its folder are made when needed, for their owner only.
    """

    name: ClassVar[str] = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._file = SqliteFile(
            self.path,
            _TABLES,
            name="the file of API keys",
            if_damaged="Move the file away and make new keys with `segue keys create`.",
        )
        self._lock = threading.Lock()
        self._opened: tuple[sqlite3.Connection, int, int] | None = None

    def add(self, known: KnownKey) -> None:
        """Keep a new key. See `KeyStore`."""
        with self._writing() as connection:
            if _rows(connection, "where key_id = ?", known.key.key_id):
                raise taken(known.key.key_id)
            row = row_of(known, microseconds)
            connection.execute(f"insert into keys ({_COLUMNS}) values ({'?, ' * 9}?)", row)
            connection.execute(_CHANGED)

    def find(self, key_id: str) -> KnownKey | None:
        """The key of this id, revoked or not; None: there is none."""
        with self._connected() as connection:
            found = _rows(connection, "where key_id = ?", key_id)
        return found[0] if found else None

    def page(self, *, after: str = "", limit: int = 1000) -> Sequence[ApiKey]:
        """The next keys behind an id, by their ids."""
        with self._connected() as connection:
            found = _rows(connection, "where key_id > ? order by key_id limit ?", after, limit)
        return [one.key for one in found]

    def revoke(self, key_id: str, at: datetime) -> ApiKey:
        """Let a key open nothing from now on. See `KeyStore`."""
        with self._writing() as connection:
            changed = connection.execute(
                "update keys set revoked_us = ? where key_id = ? and revoked_us is null",
                (microseconds(at), key_id),
            )
            if changed.rowcount:
                connection.execute(_CHANGED)
            found = _rows(connection, "where key_id = ?", key_id)
        if not found:
            raise absent(key_id)
        return found[0].key

    def used(self, moments: Mapping[str, datetime]) -> None:
        """Note when keys were last used; ids that are not there are passed over."""
        with self._writing() as connection:
            connection.executemany(
                "update keys set last_used_us = max(coalesce(last_used_us, ?1), ?1)"
                " where key_id = ?2",
                [(microseconds(at), key_id) for key_id, at in moments.items()],
            )

    def forget(self, user_id: str) -> int:
        """Remove the keys of one user; how many. The bytes are overwritten."""
        with self._writing() as connection:
            gone = connection.execute("delete from keys where user_id = ?", (user_id,)).rowcount
            if gone:
                connection.execute(_CHANGED)
        with self._connected() as connection:
            connection.execute("pragma wal_checkpoint(truncate)")
        return gone

    def version(self) -> int:
        """A number that grows with every change of what keys may do; 0: there never was a key."""
        with self._connected() as connection:
            (number,) = connection.execute("select number from changes").fetchone()
        return int(number)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._let_go()

    # --- the file -------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._connected() as connection, transaction(connection):
            yield connection

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """The one connection, for one thread at a time, to the file that is there now."""
        with self._lock, self._file.guarded():
            if self._opened is None or self._opened[1:] != (self._inode(), os.getpid()):
                self._let_go()
                self._open()
            assert self._opened is not None
            yield self._opened[0]

    def _open(self) -> None:
        self._file.make()
        connection = self._file.connect()
        self._opened = connection, self._inode(), os.getpid()
        try:
            self._file.prepare(connection)
        except WarehouseError:
            self._let_go()
            raise

    def _let_go(self) -> None:
        if self._opened is not None:
            if self._opened[2] == os.getpid():  # a connection of before a fork is not ours
                self._opened[0].close()
            self._opened = None

    def _inode(self) -> int:
        with suppress(OSError):
            return self.path.stat().st_ino
        return 0


def _rows(connection: sqlite3.Connection, rest: str, *values: Any) -> list[KnownKey]:
    rows = connection.execute(f"select {_COLUMNS} from keys {rest}", values).fetchall()
    return [known_of(row, moment) for row in rows]
