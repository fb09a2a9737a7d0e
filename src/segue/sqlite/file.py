"""A file of SQLite: private, of known tables, and with words for whatever is wrong with it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from segue.errors import BusyError, StorageError, WarehouseError
from segue.own_folder import own_folder

__all__ = ["SqliteFile", "transaction"]

_LOOK_S: Final = 0.001


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """Where a database is, what it is made of, and what to say when it cannot be used.

    Args:
        path: Made when needed, with its folder, for its owner only.
        tables: SQL that makes what is not there yet.
        name: What the path is called in messages, such as “the event log”; empty: the path.
        if_full: What to do when it cannot be written.
        if_damaged: What to do when it is not as it was written.
        version: Of the tables; a file of a later one is not touched.
        wal: Whether readers and a writer work side by side; without it, a full disk can be read.
        overwrite: Whether bytes that are deleted are overwritten.
        synchronous: "full": a commit is on the disk; "normal": a crash may take the last ones.
        wait_s: So long is waited for others who write.
    """

    path: Path
    tables: str
    name: str = ""
    if_full: str = "Free space or mend permissions, then try again."
    if_damaged: str = "Put a backup of it in its place."
    version: int = 1
    wal: bool = True
    overwrite: bool = True
    synchronous: Literal["full", "normal"] = "full"
    wait_s: float = 10.0

    def make(self) -> None:
        """Make the folder and an empty file, if they are not there.

        Raises:
            StorageError: They cannot be made.
        """
        try:
            own_folder(self.path.parent)
            if not self.path.exists():
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StorageError(
                f"{self._said} cannot be written: {error.strerror}",
                cure="Name another data home with SEGUE_HOME, or mend its permissions.",
            ) from error

    def connect(self) -> sqlite3.Connection:
        """A connection that any thread may use, one at a time; transactions are begun by hand."""
        connection = sqlite3.connect(
            self.path, timeout=self.wait_s, isolation_level=None, check_same_thread=False
        )
        if self.wal:
            connection.execute("pragma journal_mode = wal")
        connection.execute(f"pragma synchronous = {self.synchronous}")
        if self.overwrite:
            connection.execute("pragma secure_delete = on")
        return connection

    def prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables that are missing.

        Raises:
            WarehouseError: A newer Segue has written the file.
        """
        (version,) = connection.execute("pragma user_version").fetchone()
        if version > self.version:
            raise WarehouseError(
                f"{self._said} was written by a newer Segue",
                cure="Install the newer version again.",
            )
        if version < self.version:
            connection.executescript(f"begin immediate; {self.tables} commit;")
            connection.execute(f"pragma user_version = {self.version}")

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn SQLite's errors into ours.

        Raises:
            BusyError: Others have been writing for too long.
            StorageError: The file cannot be read or written.
            WarehouseError: It is damaged.
        """
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise BusyError(
                    f"another process has been writing to {self.path} for {self.wait_s:.0f} s",
                    cure="Try again later.",
                ) from error
            raise StorageError(
                f"{self._said} cannot be used: {error}", cure=self.if_full
            ) from error
        except sqlite3.DatabaseError as error:
            raise WarehouseError(
                f"{self._said} is damaged: {error}", cure=self.if_damaged
            ) from error

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """A connection for one short piece of work; see `make`, `prepare` and `guarded`."""
        with self.guarded():
            self.make()
            connection = self.connect()
            try:
                self.prepare(connection)
                yield connection
            finally:
                connection.close()

    @property
    def _said(self) -> str:
        return f"{self.name} {self.path}".lstrip()


@contextmanager
def transaction(
    connection: sqlite3.Connection, *, wait_s: float | None = None
) -> Iterator[sqlite3.Connection]:
    """The only one that writes; what is done is kept for good when it ends without an error.

    Args:
        wait_s: So long its turn is waited for, looking every millisecond; None: as SQLite does,
            which looks ever less often, and may sleep for a tenth of a second when its turn is.
            The connection's own `busy_timeout` is 0 then.
    """
    if wait_s is None:
        connection.execute("begin immediate")
    else:
        _begin(connection, wait_s)
    try:
        yield connection
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def _begin(connection: sqlite3.Connection, wait_s: float) -> None:
    """Begin to write as soon as nobody else does."""
    until = time.monotonic() + wait_s
    while True:
        try:
            connection.execute("begin immediate")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_LOOK_S)
        else:
            return
