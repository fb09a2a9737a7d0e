"""At most one process on any host consumes under a name: a lock that its connection holds."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from segue.errors import BusyError, UnreachableError
from segue.postgresql.connections import Connections

if TYPE_CHECKING:
    import psycopg

__all__ = ["Leases"]

_SPACE: Final = 0x53_65_67_75
"""First half of the locks' keys; the second is made of the consumer's name."""


class Leases:
    """The leases of one process.

    A lease is an advisory lock of a session: a server lets go of it as soon as the connection
    ends, however that comes about. What its holder writes goes by the same connection: whoever has
    lost the lease cannot write any more, however late it finds out.

    Args:
        connections: Where they come from.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._held: dict[str, tuple[psycopg.Connection[Any], threading.Lock]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def held(self, consumer: str) -> Iterator[None]:
        """Hold the lease of a consumer.

        Raises:
            BusyError: Somebody else does.
            UnreachableError: The server is not there.
        """
        key = [_SPACE, _half(consumer)]
        with ExitStack() as stack:
            try:
                connection, got = self._tried(key, stack)
            except UnreachableError:  # one that lay idle, mostly: the next is made anew
                self._connections.drop_idle()
                connection, got = self._tried(key, stack)
            if not got:
                raise BusyError(
                    f"another process takes events for “{consumer}”", cure="One is enough."
                )
            self._held[consumer] = connection, threading.Lock()
            try:
                yield
            finally:
                del self._held[consumer]
                _let_go(connection, key)

    def _tried(self, key: list[int], stack: ExitStack) -> tuple[psycopg.Connection[Any], bool]:
        """A connection, which the stack gives back, and whether it has got the lock."""
        with ExitStack() as attempt:
            connection = attempt.enter_context(self._connections.kept("consuming events"))
            row = connection.execute("select pg_try_advisory_lock(%s, %s)", key).fetchone()
            stack.push(attempt.pop_all())
        return connection, row == (True,)

    @contextmanager
    def connection(self, consumer: str, doing: str) -> Iterator[psycopg.Connection[Any]]:
        """The connection that holds the lease of a consumer; any, where nobody here holds it.

        Args:
            doing: What it is for, in case it fails.
        """
        held = self._held.get(consumer)
        if held is None:
            with self._connections.lent(doing) as connection:
                yield connection
        else:
            connection, alone = held
            with alone, self._connections.guarded(doing):
                yield connection


def _let_go(connection: psycopg.Connection[Any], key: list[int]) -> None:
    """Free the lock; where that fails, end the connection, which frees it, too."""
    import psycopg

    try:
        connection.execute("select pg_advisory_unlock(%s, %s)", key)
    except psycopg.Error:
        connection.close()


def _half(consumer: str) -> int:
    """32 bits, with their sign, of a consumer's name."""
    digest = hashlib.blake2b(consumer.encode(), digest_size=4).digest()
    return int.from_bytes(digest, signed=True)
