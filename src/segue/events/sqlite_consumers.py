"""How far each consumer has got with a log in SQLite, and what it keeps: beside the log's file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from segue.events.base import Parked
from segue.sqlite import OwnConnections, SqliteFile, microseconds, moment, transaction

__all__ = ["CONSUMER_TABLES", "SqliteConsumers"]

CONSUMER_TABLES: Final = ("cursors", "states", "parked")
"""Logs of the first version had these in their own file."""

_NAME: Final = "consumers.sqlite"
_CHECKPOINT_PAGES: Final = 8_192
_FIRST: Final = 1
_TABLES: Final = """
create table if not exists cursors (consumer text primary key, position integer not null) strict;
create table if not exists states (
    consumer text not null, key text not null, value blob not null, primary key (consumer, key)
) strict, without rowid;
create table if not exists parked (
    consumer text not null,
    position integer not null,
    error text not null,
    at_us integer not null,
    primary key (consumer, position)
) strict, without rowid;
"""


class SqliteConsumers:
    """Places in a log, and what is kept with each; both are written at once.

    It is a file of its own since one at a time may write to a file of SQLite: consumers write the
    records of thousands of users at once, and whoever reports an event would wait for them. What
    is here never is ahead of the log: an event can be read once it is on the disk.

    Args:
        log: The file of the log.
        wait_s: So long is waited for others who write.
    """

    def __init__(self, log: Path, *, wait_s: float) -> None:
        self.path = log.with_name(_NAME)
        self.journal = self.path.with_name(f"{_NAME}-wal")
        self._file = SqliteFile(
            self.path,
            _TABLES,
            name="the file of what consumers of events keep",
            if_full="Free space or mend permissions; what was accepted is still there.",
            if_damaged="Put a backup of it in its place; `segue restore` does.",
            overwrite=False,  # but where a user is forgotten
            wait_s=wait_s,
        )
        self._connections = OwnConnections(self._file, checkpoint_pages=_CHECKPOINT_PAGES)
        self._file.make()
        with self._file.guarded():
            self._file.prepare(self._connections.mine())

    def take_over(self, log: Path) -> None:
        """Bring here what a log of the first version has in its own file, in place of what is here.

        Nobody writes to the log meanwhile. Killed in between, all of it is done again: the log is
        of the first version until somebody says otherwise, and nobody consumes before that.
        """
        connection = self._connections.mine()
        with self._file.guarded():
            connection.execute("attach database ? as log", (str(log),))
            try:
                with transaction(connection):
                    (version,) = connection.execute("pragma log.user_version").fetchone()
                    for table in CONSUMER_TABLES if version == _FIRST else ():
                        connection.execute(f"delete from main.{table}")
                        connection.execute(f"insert into main.{table} select * from log.{table}")
            finally:
                connection.execute("detach database log")

    def cursor(self, consumer: str) -> int:
        """See `EventLog`, as for all that follows."""
        found = self._fetch("select position from cursors where consumer = ?", (consumer,))
        return int(found[0][0]) if found else 0

    def advance(
        self,
        consumer: str,
        position: int,
        *,
        state: Mapping[str, bytes],
        parked: Sequence[Parked],
        unparked: Sequence[int],
    ) -> None:
        """What is kept is written in the order in which it lies in the file, which takes less."""
        with self._writing() as connection:
            connection.executemany(
                "insert into states values (?, ?, ?)"
                " on conflict (consumer, key) do update set value = excluded.value",
                [(consumer, key, value) for key, value in sorted(state.items())],
            )
            connection.executemany(
                "insert or replace into parked values (?, ?, ?, ?)",
                [(consumer, one.position, one.error, microseconds(one.at)) for one in parked],
            )
            connection.executemany(
                "delete from parked where consumer = ? and position = ?",
                [(consumer, position) for position in unparked],
            )
            connection.execute(
                "insert into cursors values (?, ?)"
                " on conflict (consumer) do update set position = excluded.position",
                (consumer, position),
            )

    def states(self, consumer: str, keys: Collection[str]) -> Mapping[str, bytes]:
        """Those with nothing are left away."""
        found = self._fetch(
            "select key, value from states"
            " where consumer = ? and key in (select value from json_each(?))",
            (consumer, json.dumps(list(keys))),
        )
        return {key: bytes(value) for key, value in found}

    def state(self, consumer: str, key: str) -> bytes | None:
        """None: nothing."""
        found = self._fetch(
            "select value from states where consumer = ? and key = ?", (consumer, key)
        )
        return bytes(found[0][0]) if found else None

    def keys(self, consumer: str, *, after: str, limit: int) -> Sequence[str]:
        """In order."""
        found = self._fetch(
            "select key from states where consumer = ? and key > ? order by key limit ?",
            (consumer, after, limit),
        )
        return [key for (key,) in found]

    def parked(self, consumer: str) -> Sequence[Parked]:
        """In order."""
        found = self._fetch(
            "select position, error, at_us from parked where consumer = ? order by position",
            (consumer,),
        )
        return [Parked(position, error, moment(at)) for position, error, at in found]

    def all_parked(self) -> Sequence[int]:
        """Positions that are parked for anybody."""
        return [at for (at,) in self._fetch("select distinct position from parked", ())]

    def restart(self, consumer: str) -> None:
        """No cursor, no state, nothing parked."""
        with self._writing() as connection:
            for table in CONSUMER_TABLES:
                connection.execute(f"delete from {table} where consumer = ?", (consumer,))

    def forget(self, user_id: str, positions: Sequence[int]) -> None:
        """Remove what is kept under a user's id, and what is parked; bytes are overwritten."""
        with self._writing() as connection:
            connection.execute("pragma secure_delete = on")
            connection.executemany(
                "delete from parked where position = ?", [(at,) for at in positions]
            )
            connection.execute("delete from states where key = ?", (user_id,))
        with self._file.guarded():
            self._connections.mine().execute("pragma wal_checkpoint(truncate)")

    def close(self) -> None:
        """Let go of the file."""
        self._connections.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._file.guarded(), transaction(self._connections.mine()) as connection:
            yield connection

    def _fetch(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        with self._file.guarded():
            return self._connections.mine().execute(sql, values).fetchall()
