"""Connections to the database of the live service: lent to one at a time, replaced when lost."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from segue.errors import ConfigError, OverloadedError
from segue.postgresql.address import Address, require_fit
from segue.postgresql.faults import live_fault, no_connection

if TYPE_CHECKING:
    import psycopg

__all__ = ["LIVE_SESSION", "Connections"]

_T = TypeVar("_T")

LIVE_SESSION: Final[Mapping[str, str]] = {
    "timezone": "UTC",
    "client_min_messages": "warning",
    "jit": "off",
    "default_transaction_isolation": "read\\ committed",
    "default_transaction_read_only": "off",
    # whoever holds a lock and is not heard of any more must not stop all others for ever
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "20s",
    "idle_session_timeout": "0",
}
"""Settings of every session of the live service, for `Address`."""

_ALIVE: Final = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "5s",
}
"""Lets the server see soon that a host is gone, where its operating system can."""

_WAIT_S: Final = 10.0
_before_forks: list[Any] = []
"""Connections of the process that this one was forked from: to be kept, and never used."""


class Connections:
    """A few connections, for any number of threads.

    Args:
        address: Of the database, with `LIVE_SESSION` among its sessions' settings.
        most: Connections that are lent at the same time; whoever comes then waits.
    """

    def __init__(self, address: Address, *, most: int = 8) -> None:
        self.address = address
        self._idle: list[psycopg.Connection[Any]] = []
        self._lock = threading.Lock()
        self._free = threading.Semaphore(most)
        self._most = most
        self._process = os.getpid()
        self._closed = False

    @property
    def where(self) -> str:
        """Server, database and role in words."""
        return self.address.in_words()

    @contextmanager
    def lent(self, doing: str) -> Iterator[psycopg.Connection[Any]]:
        """A connection that nobody else has meanwhile.

        Args:
            doing: What it is for, in case it fails.

        Raises:
            UnreachableError: The server is not there, or went away.
            OverloadedError: All connections have been in use for ten seconds.
            WarehouseError: The server refuses.
        """
        if not self._free.acquire(timeout=_WAIT_S):
            raise OverloadedError(
                f"all {self._most} connections to {self.where} are in use", cure="Try again later."
            )
        try:
            with self.kept(doing) as connection:
                yield connection
        finally:
            self._free.release()

    @contextmanager
    def kept(self, doing: str) -> Iterator[psycopg.Connection[Any]]:
        """The same, for one that is kept for long: it is not counted among those lent."""
        with self.guarded(doing):
            connection = self._take()
            try:
                yield connection
            finally:
                self._give_back(connection)

    def fetch(self, doing: str, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query; asked again where its connection turns out to be lost."""
        return self.tried(
            doing, lambda connection: connection.execute(sql, values, prepare=True).fetchall()
        )

    def tried(self, doing: str, work: Callable[[psycopg.Connection[Any]], _T]) -> _T:
        """What work on a connection comes to; done again once where that is lost on the way.

        Args:
            work: Doing it twice must come to the same as once.
        """
        import psycopg

        with self.lent(doing) as connection:
            try:
                return work(connection)
            except psycopg.OperationalError:
                if not connection.closed:
                    raise
        self.drop_idle()
        with self.lent(doing) as connection:
            return work(connection)

    @contextmanager
    def guarded(self, doing: str) -> Iterator[None]:
        """The server's errors become ours."""
        try:
            import psycopg
        except ImportError as error:
            raise ConfigError(
                f"PostgreSQL needs more packages: {error}",
                field="service.store",
                cure="Install them with: pip install 'segue[postgresql]'",
            ) from error
        try:
            yield
        except psycopg.Error as error:
            raise live_fault(error, doing, self.where) from error

    def connect(self) -> psycopg.Connection[Any]:
        """A new connection, which is the caller's to close.

        Raises:
            UnreachableError: The server is not there.
            WarehouseError: It refuses, or is not fit.
        """
        import psycopg

        try:
            made = psycopg.connect(self.address.conninfo(), autocommit=True)
        except psycopg.OperationalError as error:
            raise no_connection(error, self.where) from error
        try:
            info = made.info
            require_fit(info.server_version, info.parameter_status("server_encoding") or "")
            # what was answered must be on the disk, whatever the server does by default
            made.execute(
                "select set_config('synchronous_commit', 'on', false)"
                " where current_setting('synchronous_commit') = 'off'"
            )
            for name, value in _ALIVE.items():
                with suppress(psycopg.Error):
                    made.execute("select set_config(%s, %s, false)", [name, value])
        except BaseException:
            made.close()
            raise
        return made

    def close(self) -> None:
        """Let go of all that are not lent; those that are, as they come back."""
        self._closed = True
        self.drop_idle()

    def _take(self) -> psycopg.Connection[Any]:
        with self._lock:
            if self._process != os.getpid():
                _before_forks.extend(self._idle)
                self._idle.clear()
                self._process = os.getpid()
            while self._idle:
                connection = self._idle.pop()
                if not connection.closed and not _stirs(connection):
                    return connection
                connection.close()
        return self.connect()

    def _give_back(self, connection: psycopg.Connection[Any]) -> None:
        from psycopg.pq import TransactionStatus

        usable = connection.info.transaction_status == TransactionStatus.IDLE
        with self._lock:
            if usable and not self._closed and len(self._idle) < self._most:
                self._idle.append(connection)
                return
        connection.close()

    def drop_idle(self) -> None:
        """Let go of those that lie idle: what broke one has mostly broken all."""
        with self._lock:
            dropped, self._idle = self._idle, []
        for connection in dropped:
            connection.close()


def _stirs(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server has said something unasked: mostly that it has gone."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
