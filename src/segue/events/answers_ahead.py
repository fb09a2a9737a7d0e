"""Answers that were made before anybody asked, beside what they hold for."""

from __future__ import annotations

import os
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from segue.errors import WarehouseError
from segue.sqlite import SqliteFile, microseconds, moment

__all__ = ["AheadFile", "MadeAhead"]

_TABLE: Final = """
create table if not exists answers (
    user_id text primary key,
    position integer not null,
    said integer not null,
    latest_us integer,
    last_played_us integer,
    moment_us integer not null,
    body blob not null
) strict;
"""
_COLUMNS: Final = "user_id, position, said, latest_us, last_played_us, moment_us, body"
_WAIT_S: Final = 5.0
_LEVEL: Final = 6


@dataclass(frozen=True, slots=True)
class MadeAhead:
    """An answer, and what has to be so still for it to be the answer.

    Args:
        position: Of the user's last event in the log; 0: there is none.
        said: How many words of the user came beside the service.
        latest: The latest time that an event of the user names, aware UTC; None: there is none.
        last_played_at: The user's last play that is published, aware UTC; None: there is none.
        moment: The moment that it is for, aware UTC.
        body: All of it, as it is sent.
    """

    user_id: str
    position: int
    said: int
    latest: datetime | None
    last_played_at: datetime | None
    moment: datetime
    body: bytes = field(repr=False)


class AheadFile:
    """Answers to one question, made of one bundle and one snapshot; in a file of SQLite.

    It may be removed at any time: nothing is in it that could not be made again. One process
    writes, others read; thread-safe.

    Args:
        path: The database; made with the first answer, for its owner only.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._file = SqliteFile(
            self.path,
            _TABLE,
            if_full="Free space or mend permissions; the file may be removed.",
            if_damaged="Remove it: the answers are made again.",
            overwrite=False,
            synchronous="normal",
            wait_s=_WAIT_S,
        )
        self._own = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._opening = threading.Lock()

    def find(self, user_id: str) -> MadeAhead | None:
        """The answer to a user; None: there is none.

        Raises:
            WarehouseError: The file cannot be read, or is damaged.
        """
        if not self.path.exists():
            return None
        with self._connection() as connection:
            row = connection.execute(
                f"select {_COLUMNS} from answers where user_id = ?", (user_id,)
            ).fetchone()
        return None if row is None else self._read(row)

    def put(self, answers: Sequence[MadeAhead]) -> None:
        """Keep answers, in place of those that there were.

        Raises:
            WarehouseError: They cannot be written.
        """
        with self._connection() as connection:
            connection.execute("begin immediate")
            connection.executemany(
                "insert or replace into answers values (?, ?, ?, ?, ?, ?, ?)",
                [_row(one) for one in answers],
            )
            connection.execute("commit")

    def forget(self, user_id: str) -> None:
        """Remove the answer to a user, and overwrite it.

        Raises:
            WarehouseError: It cannot be removed.
        """
        if not self.path.exists():
            return
        with self._connection() as connection:
            connection.execute("pragma secure_delete = on")
            connection.execute("delete from answers where user_id = ?", (user_id,))
            connection.execute("pragma wal_checkpoint(truncate)")

    def close(self) -> None:
        """Let go of the file."""
        with self._opening:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
            self._own = threading.local()

    def _read(self, row: tuple[Any, ...]) -> MadeAhead:
        user, position, said, latest, last_played, at, packed = row
        try:
            body = zlib.decompress(packed)
        except zlib.error as error:
            raise WarehouseError(
                f"{self.path} is damaged: {error}", cure=self._file.if_damaged
            ) from error
        return MadeAhead(
            user,
            position,
            said,
            None if latest is None else moment(latest),
            None if last_played is None else moment(last_played),
            moment(at),
            body,
        )

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """The connection of the thread, also after a fork."""
        with self._file.guarded():
            mine = getattr(self._own, "connection", None)
            if mine is None or self._own.process != os.getpid():
                mine = self._connect()
                self._own.connection, self._own.process = mine, os.getpid()
            try:
                yield mine
            except BaseException:
                with suppress(sqlite3.Error):
                    mine.rollback()
                raise

    def _connect(self) -> sqlite3.Connection:
        self._file.make()
        made = self._file.connect()
        with self._opening:
            self._opened.append(made)
        self._file.prepare(made)
        return made


def _row(one: MadeAhead) -> tuple[Any, ...]:
    return (
        one.user_id,
        one.position,
        one.said,
        _us(one.latest),
        _us(one.last_played_at),
        _us(one.moment),
        zlib.compress(one.body, _LEVEL),
    )


def _us(when: datetime | None) -> int | None:
    return None if when is None else microseconds(when)
