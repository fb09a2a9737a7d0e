"""Where every request arrives: limits first, then its route, and the answer in one piece."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from segue.doors.http.call import AT_ONCE, CALL, Call, Reply, Straight
from segue.doors.http.cors import Cors
from segue.doors.http.guard import Guard
from segue.doors.http.lean_routes import LeanRoute
from segue.doors.http.problems import ProblemError, problem_of, reply_of
from segue.doors.http.watch import Watch

__all__ = ["Beside", "Front", "Limits", "UnderWay", "head_of"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_WITH_BODY: Final = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_ALWAYS: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_HEAD: Final = b"content-type: %b\r\ncontent-length: %d\r\nrequest-id: %b\r\n" + b"".join(
    b"%b: %b\r\n" % header for header in _ALWAYS
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one process takes on.

    Args:
        in_flight: Requests under way at once; more are sent away.
        body_bytes: Size of a body.
    """

    in_flight: int
    body_bytes: int


@dataclass(slots=True)
class UnderWay:
    """How many requests a process is about to answer."""

    requests: int = 0


class Beside(Protocol):
    """What answers at addresses that are not the API's: the page for people."""

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Of every answer."""

    def owns(self, path: str) -> bool:
        """Whether an address is one of these."""

    async def reply(self, call: Call, scope: Scope, receive: Receive, /) -> Reply:
        """The whole answer; never raises."""


class GoneError(Exception):
    """The client has left before it had said everything."""


class Front:
    """An ASGI application: everything that holds for all routes, then the route.

    Args:
        inner: Answers what no lean route does.
        lean: (method, path) -> the route.
        ready: Whether the service could recommend anything to anybody.
        beside: Answers at its own addresses, and looks itself at who asks.
        under_way: Counts requests, those that go straight with them.
        straight: (method, address) -> what may take a request before it comes here; see `Straight`.

    Attributes:
        straight: The same, for the server.
    """

    def __init__(
        self,
        inner: App,
        lean: Mapping[tuple[str, str], LeanRoute],
        *,
        guard: Guard,
        cors: Cors,
        watch: Watch,
        limits: Limits,
        ready: Callable[[], bool],
        beside: Beside | None = None,
        under_way: UnderWay | None = None,
        straight: Mapping[tuple[bytes, bytes], Straight] | None = None,
    ) -> None:
        self.straight = straight or {}
        self._beside = beside
        self._inner = inner
        self._lean = lean
        self._guard = guard
        self._cors = cors
        self._watch = watch
        self._limits = limits
        self._ready = ready
        self._under_way = under_way or UnderWay()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's request, or the lifespan of the process."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        call = Call(scope)
        lean = self._lean.get((call.method, call.path))
        if lean is None and self._beside is not None and self._beside.owns(call.path):
            await self._page(self._beside, call, scope, receive, send)
            return
        self._under_way.requests += 1
        try:
            reply, left = await self._answered(call, scope, receive)
        except GoneError:
            return
        finally:
            self._under_way.requests -= 1
        more = (*reply.headers, *left)
        if self._cors.origins:
            more = (*more, *self._cors.headers(call))
        self._watch.note(call, reply)
        at_once = scope.get(AT_ONCE)
        if at_once is not None:
            await at_once(reply.status, head_of(call, reply, more), reply.body)
            return
        headers = [
            (b"content-type", reply.media_type),
            (b"content-length", b"%d" % len(reply.body)),
            (b"request-id", call.request_id),
            *_ALWAYS,
            *more,
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _page(
        self, beside: Beside, call: Call, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """An answer for people: with headers of its own, and its body as it comes."""
        reply = await beside.reply(call, scope, receive)
        self._watch.note(call, reply)
        headers = [
            (b"content-type", reply.media_type),
            (b"content-length", b"%d" % len(reply.body)),
            (b"request-id", call.request_id),
            *beside.headers,
            *reply.headers,
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _answered(
        self, call: Call, scope: Scope, receive: Receive
    ) -> tuple[Reply, tuple[tuple[bytes, bytes], ...]]:
        """The answer, and headers about what the key may still ask for."""
        told: tuple[tuple[bytes, bytes], ...] = ()
        try:
            if self._under_way.requests > self._limits.in_flight:
                raise ProblemError(
                    503,
                    "overloaded",
                    "Too many requests are under way.",
                    cure="Try again as Retry-After says.",
                    retry_after=1,
                )
            if self._cors.origins and (asked := self._cors.preflight(call)) is not None:
                return asked, told
            left = await self._guard.admit(call)
            told = () if left is None else left.headers
            if call.method in _WITH_BODY:
                call.body = await self._body(call, receive)
            route = self._lean.get((call.method, call.path))
            if route is not None:
                return await route.reply(call), told
            return await self._inside(call, scope), told
        except GoneError:
            raise
        except Exception as error:  # a door: whatever it is becomes an answer
            problem = problem_of(error, ready=self._ready)
            return reply_of(problem, call.request_id), told

    async def _body(self, call: Call, receive: Receive) -> bytes:
        """All that is sent. How long it may take is for the server to say, which sees each byte.

        Raises:
            ProblemError: It is too large.
            GoneError: The client left.
        """
        most = self._limits.body_bytes
        size = call.headers.get(b"content-length", b"0")
        if len(size) > 15 or not size.isdigit() or int(size) > most:
            raise _too_large(most)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        if not message.get("more_body"):
            return bytes(message.get("body", b""))
        parts = [message.get("body", b"")]
        total = len(parts[0])
        while message.get("more_body") and total <= most:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise GoneError
            parts.append(message.get("body", b""))
            total += len(parts[-1])
        if total > most:
            raise _too_large(most)
        return b"".join(parts)

    async def _inside(self, call: Call, scope: Scope) -> Reply:
        """What FastAPI answers, whole."""
        scope[CALL] = call
        status, media_type = 500, b""
        headers: tuple[tuple[bytes, bytes], ...] = ()
        parts: list[bytes] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": call.body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, media_type, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                given = dict(message.get("headers", ()))
                media_type = given.pop(b"content-type", b"")
                given.pop(b"content-length", None)
                headers = tuple(given.items())
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self._inner(scope, receive, send)
        return Reply(b"".join(parts), status, media_type, headers)


def head_of(call: Call, reply: Reply, more: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The headers of an answer as they go over the wire."""
    head = _HEAD % (reply.media_type, len(reply.body), call.request_id)
    return b"".join((head, *[b"%b: %b\r\n" % header for header in more]))


def _too_large(most: int) -> ProblemError:
    return ProblemError(
        413,
        "too-large",
        f"The body is over {most:,} bytes.",
        cure="Send events in smaller batches.",
        headers=((b"connection", b"close"),),
    )
