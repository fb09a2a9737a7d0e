"""Answers that were made before anybody asked, beside what they hold for."""

from __future__ import annotations

import os
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from segue.errors import StorageError
from segue.own_folder import own_folder

__all__ = ["AheadFile", "MadeAhead"]

_VERSION: Final = 1
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
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


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
        self._own = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._opening = threading.Lock()

    def find(self, user_id: str) -> MadeAhead | None:
        """The answer to a user; None: there is none.

        Raises:
            StorageError: The file cannot be read.
        """
        if not self.path.exists():
            return None
        with self._connection() as connection:
            row = connection.execute(
                f"select {_COLUMNS} from answers where user_id = ?", (user_id,)
            ).fetchone()
            return None if row is None else _read(row)

    def put(self, answers: Sequence[MadeAhead]) -> None:
        """Keep answers, in place of those that there were.

        Raises:
            StorageError: They cannot be written.
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
            StorageError: It cannot be removed.
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

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """The connection of the thread, also after a fork."""
        try:
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
        except (sqlite3.Error, OSError, zlib.error) as error:
            raise StorageError(
                f"{self.path} cannot be used: {error}",
                cure="Free space or mend permissions; the file may be removed.",
            ) from error

    def _connect(self) -> sqlite3.Connection:
        own_folder(self.path.parent)
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        made = sqlite3.connect(
            self.path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False
        )
        with self._opening:
            self._opened.append(made)
        made.execute("pragma journal_mode = wal")
        made.execute("pragma synchronous = normal")
        if made.execute("pragma user_version").fetchone()[0] < _VERSION:
            made.executescript(f"begin immediate; {_TABLE} commit;")
            made.execute(f"pragma user_version = {_VERSION}")
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


def _read(row: tuple[Any, ...]) -> MadeAhead:
    user, position, said, latest, last_played, moment, body = row
    return MadeAhead(
        user,
        position,
        said,
        None if latest is None else _moment(latest),
        None if last_played is None else _moment(last_played),
        _moment(moment),
        zlib.decompress(body),
    )


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def _moment(us: int) -> datetime:
    return _EPOCH + us * _MICROSECOND
