"""What the live service keeps, on the PostgreSQL server of the tests."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from segue.events.postgresql_log import PostgreSQLLog
from segue.postgresql.address import Address
from segue.postgresql.connections import LIVE_SESSION
from tests.postgres_server import PASSWORD, database_of, server_of_tests

__all__ = ["Gate", "gate", "live_address", "postgresql_log"]


def live_address(folder: Path, *, port: int | None = None) -> Address:
    """The database of a test's folder: the same folder, the same database.

    Args:
        port: Go this way, on loopback, instead of by the server's socket.
    """
    server, database = server_of_tests(), database_of(folder)
    if port is None:
        return Address(SecretStr(server.url(database)), {}, LIVE_SESSION)
    way = {"host": "127.0.0.1", "port": str(port), "user": server.superuser, "dbname": database}
    return Address(None, {**way, "password": SecretStr(PASSWORD)}, LIVE_SESSION)


def postgresql_log(folder: Path, *, port: int | None = None, **options: Any) -> PostgreSQLLog:
    """The event log of a test's folder."""
    return PostgreSQLLog(live_address(folder, port=port), **options)


class Gate:
    """A way to the server, on loopback, that can be shut, and can swallow an answer."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._others: dict[socket.socket, tuple[socket.socket, bool]] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._is_shut = self._swallows = self._ended = False
        self._lock = threading.Lock()
        self.swallowed = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def shut(self) -> None:
        """Break off all connections, and let nobody in."""
        with self._lock:
            self._is_shut = True
            self._break_off()

    def reopen(self) -> None:
        """Let everybody in again."""
        with self._lock:
            self._is_shut = False

    def swallow_next(self) -> None:
        """Let what is asked next reach the server, but break off when it answers."""
        with self._lock:
            self._swallows = True

    def close(self) -> None:
        """Be gone."""
        self._ended = True
        self._thread.join()
        with self._lock:
            self._break_off()
        self._selector.close()
        self._listener.close()

    def _run(self) -> None:
        while not self._ended:
            for key, _ in self._selector.select(timeout=0.02):
                with self._lock:
                    end = key.fileobj
                    if end is self._listener:
                        self._let_in(self._listener.accept()[0])
                    elif isinstance(end, socket.socket) and end in self._others:
                        self._pass_on(end)

    def _let_in(self, client: socket.socket) -> None:
        if self._is_shut:
            client.close()
            return
        server = socket.create_connection(("127.0.0.1", server_of_tests().port))
        self._others[client] = server, False
        self._others[server] = client, True
        for end in (client, server):
            self._selector.register(end, selectors.EVENT_READ)

    def _pass_on(self, source: socket.socket) -> None:
        target, answers = self._others[source]
        try:
            content = source.recv(1 << 16)
            if content and not (answers and self._swallows):
                target.sendall(content)
                return
        except ConnectionError:
            content = b""
        if content:
            self._swallows = False
            self.swallowed.set()
        self._end(source)
        self._end(target)

    def _break_off(self) -> None:
        for end in list(self._others):
            self._end(end)

    def _end(self, end: socket.socket) -> None:
        self._selector.unregister(end)
        del self._others[end]
        end.close()


@contextmanager
def gate() -> Iterator[Gate]:
    """A gate that ends with the test."""
    made = Gate()
    try:
        yield made
    finally:
        made.close()
