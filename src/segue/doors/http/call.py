"""One request, as far as it is known before any route has looked at it."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from starlette.requests import Request

from segue.access.api_key import ApiKey

__all__ = ["AT_ONCE", "CALL", "FORWARDED", "JSON", "Answer", "Call", "Reply", "Straight", "call_of"]

CALL: Final = "segue.call"
"""Name of the call in an ASGI scope."""

AT_ONCE: Final = "segue.at_once"
"""Name of what sends an answer in one piece, where the server can."""

JSON: Final = b"application/json"

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
FORWARDED: Final = frozenset((b"forwarded", b"x-forwarded-for", b"via"))
"""Headers by which a proxy tells that somebody else asks."""

_ASKED: Final = FORWARDED | frozenset(
    (b"authorization", b"content-type", b"content-length", b"host", b"origin", b"request-id")
)
_numbers: Final = itertools.count(1)
_PROCESS: Final = secrets.token_hex(6).encode()


class Call:
    """A request; what is read of it, and what is found out on its way.

    Args:
        scope: Of ASGI.

    Attributes:
        request_id: Given by the client if it is plain text, else made here.
        headers: Those that anybody asks for here, by their names.
        key: Whose request it is, once that is known; set by the guard.
        route: The path as the documentation has it, without anybody's ids; empty: none fits.
        body: What was sent, whole.
    """

    __slots__ = (
        "body",
        "headers",
        "key",
        "method",
        "path",
        "query",
        "request_id",
        "route",
        "since",
    )

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self.since = time.perf_counter()
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = {
            name: value for name, value in scope["headers"] if name in _ASKED
        }
        self.key: ApiKey | None = None
        self.route = ""
        self.body = b""
        given = self.headers.get(b"request-id")
        if given is not None and _REQUEST_ID.fullmatch(given):
            self.request_id = given
        else:
            self.request_id = b"%s-%x" % (_PROCESS, next(_numbers))

    @property
    def media_type(self) -> bytes:
        """What the body claims to be, without parameters."""
        return self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()


class Reply:
    """An answer, whole.

    Args:
        body: Of this `media_type`.
        headers: What belongs to this answer alone; names in small letters.
    """

    __slots__ = ("body", "headers", "media_type", "status")

    def __init__(
        self,
        body: bytes,
        status: int = 200,
        media_type: bytes = JSON,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        self.body = body
        self.status = status
        self.media_type = media_type
        self.headers = headers


class Answer(Protocol):
    """Sends the answer to one request, in one piece."""

    def __call__(self, status: int, head: bytes, body: bytes, /) -> None:
        """Send it.

        Args:
            head: Headers, each with the end of its line; names in small letters.
        """


class Straight(Protocol):
    """Takes requests of one address when they are here as a whole, in the same turn of the loop.

    A task for each request costs as much as many a request itself.
    """

    def take(self, headers: Sequence[tuple[bytes, bytes]], body: bytes, answer: Answer, /) -> bool:
        """See to it that a request is answered, in a later turn.

        Returns:
            False: nothing was done; it is to go the usual way, as all do that are not plain.
        """


def call_of(request: Request) -> Call:
    """The call of a request that has come as far as FastAPI."""
    call: Call = request.scope[CALL]
    return call
