"""How long the server waits for slow clients, and how many it lets in."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final, cast

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from segue.doors.http.call import AT_ONCE

__all__ = ["LONG", "Patience", "PatientProtocol"]

LONG: Final = frozenset(("/start/files",))
"""Addresses that take what is large: not too slow is whoever keeps sending."""

_CLOSE: Final = b"connection: close\r\n"
_SWEEP_S: Final = 1.0
_MOST_OF_A_HEAD: Final = 64 * 1024
_REFUSAL: Final = (
    b"HTTP/1.1 %d %s\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n"
    b"%sconnection: close\r\n\r\n%s"
)
_BODY: Final = b'{"type":"urn:segue:problem:%s","title":"%s","status":%d,"detail":"%s"}'


class Patience(Config):
    """How the server is set up, with its limits for clients.

    Args:
        slow_seconds: For sending a request, or fetching an answer.
        most_connections: Open at once in this process.
        more: As `uvicorn.Config` has it.
    """

    def __init__(
        self, app: Any, *, slow_seconds: float, most_connections: int, **more: Any
    ) -> None:
        super().__init__(app, http=PatientProtocol, **more)
        self.slow_seconds = slow_seconds
        self.most_connections = most_connections


class AtOnce:
    """Sends a whole answer in one piece: what `send` does in two messages with many checks.

    Its headers are ours alone, so nothing in them needs to be looked at again.

    Args:
        cycle: The request's, of uvicorn.
    """

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    async def __call__(self, status: int, head: bytes, body: bytes) -> None:
        """Send an answer.

        Args:
            head: Headers, each with the end of its line; names in small letters. A request that
                was not read to its end closes the connection, and its answer says so.
        """
        cycle = self._cycle
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        parts = [STATUS_LINE[status]]
        for name, value in cycle.default_headers:
            parts += (name, b": ", value, b"\r\n")
        parts.append(head)
        if _CLOSE in head:
            cycle.keep_alive = False
        elif not cycle.keep_alive:
            parts.append(_CLOSE)
        parts.append(b"\r\n")
        if cycle.scope["method"] != "HEAD":
            parts.append(body)
        cycle.response_started = cycle.response_complete = True
        cycle.transport.write(b"".join(parts))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 of one connection, which ends if its client is too slow or says too much.

    One timer looks at all connections once a second, so that none costs a timer of its own.
    """

    config: Patience
    _waiting_since: float | None = None
    _unsent_since: float | None = None
    _head: int = 0
    _in_body: bool = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let a client in, unless there are too many."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._waiting_since = time.monotonic()
        if len(self.connections) > self.config.most_connections:
            self._refuse(503, b"Service Unavailable", b"overloaded", b"Too many connections.")
        elif len(self.connections) == 1:
            self.loop.call_later(_SWEEP_S, self._sweep)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request; a head that does not end is refused."""
        if self._waiting_since is None or (self._in_body and self.scope["path"] in LONG):
            self._waiting_since = time.monotonic()
        if self.headers is None or not self._in_body:
            self._head += len(data)
        super().data_received(data)
        if self._head > _MOST_OF_A_HEAD and not self.transport.is_closing():
            self._refuse(
                431,
                b"Request Header Fields Too Large",
                b"too-large",
                b"The head of the request is over 64 KiB.",
            )

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_body = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is here."""
        self._in_body = True
        self._head = 0
        super().on_headers_complete()
        self.scope[AT_ONCE] = AtOnce(self.cycle)  # type: ignore[typeddict-unknown-key]  # ours

    def on_message_complete(self) -> None:
        """All of it is here: now it is the service that is waited for."""
        self._waiting_since = None
        self._in_body = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        del msg
        self._refuse(400, b"Bad Request", b"no-http", b"The request is no HTTP/1.1.")

    def _sweep(self) -> None:
        """Look at all connections of the process; again in a second, while there are any."""
        now = time.monotonic()
        for one in tuple(self.connections):
            if isinstance(one, PatientProtocol):
                one._look(now)
        if self.connections:
            self.loop.call_later(_SWEEP_S, self._sweep)

    def _look(self, now: float) -> None:
        most = self.config.slow_seconds
        if self._waiting_since is not None and now - self._waiting_since > most:
            if self.cycle is not None and self.cycle.response_started:
                self.transport.abort()
            else:
                self._refuse(408, b"Request Timeout", b"too-slow", b"The request came too slowly.")
        if not self.transport.get_write_buffer_size():
            self._unsent_since = None
        elif self._unsent_since is None:
            self._unsent_since = now
        elif now - self._unsent_since > most:
            self.transport.abort()

    def _refuse(self, status: int, phrase: bytes, kind: bytes, detail: bytes) -> None:
        body = _BODY % (kind, phrase, status, detail)
        later = b"retry-after: 1\r\n" if status == 503 else b""
        self.transport.write(_REFUSAL % (status, phrase, len(body), later, body))
        self.transport.close()
