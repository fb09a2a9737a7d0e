"""How long the server waits for slow clients, and how many it lets in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, cast

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from segue.doors.http.call import AT_ONCE, Straight

__all__ = ["LONG", "Patience", "PatientProtocol"]

LONG: Final = frozenset(("/start/files",))
"""Addresses that take what is large: not too slow is whoever keeps sending."""

_CLOSE: Final = b"connection: close\r\n"
_SWEEP_S: Final = 1.0
_MOST_OF_A_HEAD: Final = 64 * 1024
_MOST_STRAIGHT: Final = 16 * 1024
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
        self.sweeping = False


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
        if _CLOSE in head:
            cycle.keep_alive = False
        with_body = cycle.scope["method"] != "HEAD"
        cycle.response_started = cycle.response_complete = True
        said = body if with_body else b""
        always = cycle.default_headers
        cycle.transport.write(
            _whole(status, head, said, always=always, keep_alive=cycle.keep_alive)
        )
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()


class StraightCycle:
    """A request that is answered without a task of its own, in place of uvicorn's cycle.

    Args:
        protocol: Of its connection.
        keep_alive: Whether the connection stays open; unset by uvicorn when the server ends.

    Attributes:
        disconnected: Whether the client is gone; set by uvicorn.
        message_event: Nobody waits for it; set by uvicorn.
    """

    __slots__ = ("_protocol", "disconnected", "keep_alive", "response_complete", "response_started")

    message_event: ClassVar[asyncio.Event] = asyncio.Event()

    def __init__(self, protocol: PatientProtocol, *, keep_alive: bool) -> None:
        self._protocol = protocol
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_started = False
        self.response_complete = False

    def __call__(self, status: int, head: bytes, body: bytes) -> None:
        """Send the answer; `head` as `AtOnce` has it."""
        self.response_started = self.response_complete = True
        if self.disconnected:
            return
        protocol = self._protocol
        if _CLOSE in head:
            self.keep_alive = False
        always = protocol.server_state.default_headers
        protocol.transport.write(
            _whole(status, head, body, always=always, keep_alive=self.keep_alive)
        )
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()


def _whole(
    status: int,
    head: bytes,
    body: bytes,
    *,
    always: Sequence[tuple[bytes, bytes]],
    keep_alive: bool,
) -> bytes:
    """An answer as it goes over the wire."""
    parts = [STATUS_LINE[status]]
    for name, value in always:
        parts += (name, b": ", value, b"\r\n")
    parts.append(head)
    if not keep_alive and _CLOSE not in head:
        parts.append(_CLOSE)
    parts += (b"\r\n", body)
    return b"".join(parts)


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 of one connection, which ends if its client is too slow or says too much.

    One timer looks at all connections once a second, so that none costs a timer of its own.
    """

    config: Patience
    _waiting_since: float | None = None
    _unsent_since: float | None = None
    _idle_since: float | None = None
    _head: int = 0
    _in_body: bool = False
    _way: Straight | None = None
    _body: bytes = b""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._ways: Mapping[tuple[bytes, bytes], Straight] = getattr(self.app, "straight", {})

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let a client in, unless there are too many."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._waiting_since = time.monotonic()
        if len(self.connections) > self.config.most_connections:
            self._refuse(503, b"Service Unavailable", b"overloaded", b"Too many connections.")
        if not self.config.sweeping:
            self.config.sweeping = True
            self.loop.call_later(_SWEEP_S, self._sweep)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request; a head that does not end is refused."""
        self._idle_since = None
        if self._waiting_since is None or (
            self._in_body and self._way is None and self.scope["path"] in LONG
        ):
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
        way = self._ways.get((self.parser.get_method(), self.url))
        if way is None or not self._undisturbed():
            self._begin()
            return
        self._way, self._body = way, b""
        cycle = StraightCycle(self, keep_alive=self.parser.should_keep_alive())
        self.cycle = cast(RequestResponseCycle, cycle)  # as far as anybody looks at it

    def on_body(self, body: bytes) -> None:
        """Some of its body is here."""
        if self._way is None:
            super().on_body(body)
            return
        self._body += body
        if len(self._body) > _MOST_STRAIGHT:
            self._turn_off()

    def on_message_complete(self) -> None:
        """All of it is here: now it is the service that is waited for."""
        self._waiting_since = None
        self._in_body = False
        way = self._way
        if way is not None:
            if way.take(self.headers, self._body, cast(Any, self.cycle)):
                self._way = None
                return
            self._turn_off()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """It is answered: the next one that waits, if any, has its turn."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle_since = time.monotonic()

    def _undisturbed(self) -> bool:
        """Whether nothing but this request matters on the connection, and it is an ordinary one."""
        earlier = self.cycle
        return (
            (earlier is None or earlier.response_complete)
            and not self.flow.write_paused
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
            and self.parser.get_http_version() == "1.1"
        )

    def _begin(self) -> None:
        """Have the application answer, in a task."""
        super().on_headers_complete()
        self.scope[AT_ONCE] = AtOnce(self.cycle)  # type: ignore[typeddict-unknown-key]  # ours

    def _turn_off(self) -> None:
        """Let a request that began to go straight go the usual way."""
        begun, self._way = self.cycle, None
        self.cycle = cast(RequestResponseCycle, None)  # as before the first request
        self._begin()
        self.cycle.keep_alive = begun.keep_alive
        self.cycle.disconnected = begun.disconnected
        super().on_body(self._body)

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
        self.config.sweeping = bool(self.connections)
        if self.connections:
            self.loop.call_later(_SWEEP_S, self._sweep)

    def _look(self, now: float) -> None:
        most = self.config.slow_seconds
        if self._waiting_since is not None and now - self._waiting_since > most:
            if self.cycle is not None and self.cycle.response_started:
                self.transport.abort()
            else:
                self._refuse(408, b"Request Timeout", b"too-slow", b"The request came too slowly.")
        if self._idle_since is not None and now - self._idle_since > self.timeout_keep_alive:
            self.transport.close()
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
