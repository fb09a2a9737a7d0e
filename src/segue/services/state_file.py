"""Small facts that outlive a process: one SQLite file, shared by processes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from segue.errors import BusyError, StorageError, WarehouseError

__all__ = ["SERVICES", "Schema", "StateFile", "microseconds", "moment"]

_WAIT_S: Final = 10.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Schema:
    """What such a file is made of.

    Args:
        tables: SQL that makes what is not there yet.
        holds: What is lost with the file, in words.
        version: Of the tables; a file of a later one is not touched.
        wal: Whether readers and a writer work side by side; without it, a full disk can be read.
    """

    tables: str
    holds: str
    version: int = 1
    wal: bool = True


SERVICES: Final = Schema(
    """
create table if not exists requests (
    service text not null, at_us integer not null, purpose text not null
) strict;
create index if not exists requests_by_time on requests (service, at_us);
create table if not exists blocks (
    service text primary key, until_us integer not null, reason text not null
) strict, without rowid;
create table if not exists sign_ins (
    service text not null, user_id text not null, account text not null, scope text not null,
    authorised_us integer, expires_us integer, ended text not null,
    primary key (service, user_id)
) strict, without rowid;
create table if not exists marks (
    service text not null, user_id text not null, name text not null, value text not null,
    primary key (service, user_id, name)
) strict, without rowid;
""",
    "counts and places to go on from, no plays",
)
"""What is known of foreign services between two requests."""


class StateFile:
    """Opens the file for one short piece of work after another; keeps no connection.

    Args:
        path: The database; made when needed, with its folder, for its owner only.
        schema: Its tables.
    """

    def __init__(self, path: Path, schema: Schema = SERVICES) -> None:
        self.path = path.absolute()
        self.schema = schema

    @property
    def exists(self) -> bool:
        """Whether anything was ever written."""
        return self.path.exists()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is the only one; kept for good when it ends without an error.

        Raises:
            BusyError: Others have been writing for too long.
            StorageError: The file cannot be written.
            WarehouseError: It is damaged, or was written by a newer Segue.
        """
        with self._connected() as connection:
            connection.execute("begin immediate")
            try:
                yield connection
                connection.execute("commit")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("rollback")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The file as it is; see `writing` for errors."""
        with self._connected() as connection:
            yield connection

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with self._guarded():
            self._touch()
            connection = sqlite3.connect(self.path, timeout=_WAIT_S, isolation_level=None)
            try:
                self._prepare(connection)
                yield connection
            finally:
                connection.close()

    def _touch(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StorageError(
                f"{self.path} cannot be written: {error.strerror}",
                cure="Name another data home with SEGUE_HOME, or mend its permissions.",
            ) from error

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("pragma secure_delete = on")
        (version,) = connection.execute("pragma user_version").fetchone()
        if version > self.schema.version:
            raise WarehouseError(
                f"{self.path} was written by a newer Segue",
                cure="Install the newer version again.",
            )
        if version < self.schema.version:
            if self.schema.wal:
                connection.execute("pragma journal_mode = wal")
            connection.executescript(f"begin immediate; {self.schema.tables} commit;")
            connection.execute(f"pragma user_version = {self.schema.version}")

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise BusyError(
                    f"others have been writing to {self.path} for {_WAIT_S:.0f} s",
                    cure="Try again later.",
                ) from error
            raise StorageError(
                f"{self.path} cannot be used: {error}",
                cure="Free space or mend permissions, then try again.",
            ) from error
        except sqlite3.DatabaseError as error:
            raise WarehouseError(
                f"{self.path} is damaged: {error}",
                cure=f"Move it away: it holds {self.schema.holds}.",
            ) from error


def microseconds(when: datetime) -> int:
    """Since 1970."""
    return (when - _EPOCH) // _MICROSECOND


def moment(us: int) -> datetime:
    """The moment so many microseconds after 1970, aware UTC."""
    return _EPOCH + us * _MICROSECOND
