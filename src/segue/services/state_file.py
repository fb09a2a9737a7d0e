"""Small facts that outlive a process: one SQLite file, shared by processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segue.sqlite import SqliteFile, transaction

if TYPE_CHECKING:
    import sqlite3

__all__ = ["SERVICES", "Schema", "StateFile"]


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
        self._file = SqliteFile(
            self.path,
            schema.tables,
            if_damaged=f"Move it away: it holds {schema.holds}.",
            version=schema.version,
            wal=schema.wal,
        )

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
        with self._file.opened() as connection, transaction(connection):
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The file as it is; see `writing` for errors."""
        with self._file.opened() as connection:
            yield connection
