"""Web pages of other origins: none may ask, except those that a setting names."""

from __future__ import annotations

from collections.abc import Collection

from segue.doors.http.call import Call, Reply

__all__ = ["Cors"]

_METHODS = b"GET, POST, DELETE"
_HEADERS = b"authorization, content-type, request-id"
_SHOWN = b"request-id, ratelimit, ratelimit-policy, retry-after"


class Cors:
    """Cross-origin requests.

    Args:
        origins: Of pages that may ask, such as https://player.example; empty: none.
    """

    def __init__(self, origins: Collection[str]) -> None:
        self.origins = frozenset(origin.encode() for origin in origins)

    def preflight(self, call: Call) -> Reply | None:
        """The answer to a browser that asks whether a page may ask; None: it does not ask that."""
        if call.method != "OPTIONS" or call.headers.get(b"origin") not in self.origins:
            return None
        return Reply(
            b"",
            204,
            b"text/plain",
            (
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", _HEADERS),
                (b"access-control-max-age", b"600"),
            ),
        )

    def headers(self, call: Call) -> list[tuple[bytes, bytes]]:
        """What lets a page read the answer."""
        told = [(b"vary", b"origin")]
        origin = call.headers.get(b"origin")
        if origin in self.origins and origin is not None:
            told += [
                (b"access-control-allow-origin", origin),
                (b"access-control-expose-headers", _SHOWN),
            ]
        return told
