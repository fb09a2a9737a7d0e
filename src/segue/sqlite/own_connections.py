"""A connection to a file of SQLite for each thread that asks for one."""

from __future__ import annotations

import os
import sqlite3
import threading

from segue.sqlite.file import SqliteFile

__all__ = ["OwnConnections"]


class OwnConnections:
    """Connections to one file, which nobody has to wait for.

    Args:
        file: Where to.
        checkpoint_pages: Of the journal, before its pages go into the file.
    """

    def __init__(self, file: SqliteFile, *, checkpoint_pages: int) -> None:
        self._file = file
        self._pages = checkpoint_pages
        self._own = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._opening = threading.Lock()

    def mine(self) -> sqlite3.Connection:
        """The connection of the thread, also after a fork."""
        mine: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if mine is None or self._own.process != os.getpid():
            mine = self._file.connect()
            mine.execute(f"pragma wal_autocheckpoint = {self._pages}")
            self._own.connection, self._own.process = mine, os.getpid()
            self._own.patient = True
            with self._opening:
                self._opened.append(mine)
        return mine

    def mine_impatient(self) -> sqlite3.Connection:
        """The same, which from now on does not wait for others who write; see `transaction`."""
        mine = self.mine()
        if self._own.patient:
            mine.execute("pragma busy_timeout = 0")
            self._own.patient = False
        return mine

    def close(self) -> None:
        """Let go of the file."""
        with self._opening:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
        self._own = threading.local()
