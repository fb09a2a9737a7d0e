"""What a browser sends, as values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from segue.doors.http.call import Call
from segue.doors.web.pages import Body
from segue.doors.web.trouble import Trouble

__all__ = [
    "Headers",
    "Receive",
    "cookies_of",
    "form_of",
    "from_here",
    "pieces",
    "text_of",
    "values_of",
]

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Headers = Mapping[bytes, bytes]

_FORM_BYTES: Final = 256 * 1024
_FIELDS: Final = 2_000
_FORM: Final = b"application/x-www-form-urlencoded"


def from_here(headers: Headers) -> bool:
    """Whether what was sent came from our own page, as far as the browser tells."""
    site = text_of(headers, b"sec-fetch-site")
    if site and site not in ("same-origin", "none"):
        return False
    origin = text_of(headers, b"origin")
    return not origin or urlsplit(origin).netloc.lower() == text_of(headers, b"host").lower()


def cookies_of(headers: Headers) -> dict[str, str]:
    """Cookies by name."""
    pairs = (one.strip().partition("=") for one in text_of(headers, b"cookie").split(";"))
    return {name: value for name, _, value in pairs if name}


def text_of(headers: Headers, name: bytes) -> str:
    """A header; empty: it is not there."""
    return headers.get(name, b"").decode("latin-1")


def values_of(text: bytes) -> dict[str, tuple[str, ...]]:
    """Fields of an address or a form: name -> values."""
    found: dict[str, tuple[str, ...]] = {}
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError as error:
        raise Trouble(400, "That cannot be read", "Load the page again.") from error
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return found


def pieces(receive: Receive) -> Body:
    """What is sent, piece by piece."""
    ended = False

    async def piece() -> bytes | None:
        nonlocal ended
        if ended:
            return None
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Trouble(400, "The sending broke off", "Send it again.")
        ended = not message.get("more_body")
        return bytes(message.get("body", b""))

    return piece


async def form_of(call: Call, receive: Receive, headers: Headers) -> dict[str, tuple[str, ...]]:
    """The fields of a form."""
    if call.media_type not in (_FORM, b""):
        raise Trouble(415, "That cannot be read", "Load the page again.")
    piece, parts, size = pieces(receive), list[bytes](), 0
    while (part := await piece()) is not None:
        size += len(part)
        if size > _FORM_BYTES:
            raise Trouble(413, "That is too much at once", "Send less.")
        parts.append(part)
    return values_of(b"".join(parts))
