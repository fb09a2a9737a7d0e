"""Routes that were taken away from new apps: the service answers 403 to who still asks for them."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_not_here", "was_removed"]

# Closed to new apps since 27 November 2024, or gone for them since 11 February 2026.
_GONE: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"GET /recommendations(/.*)?",
        r"GET /artists/[^/]+/(related-artists|top-tracks)",
        r"GET /browse/.*",
        r"GET /audio-(features|analysis)(/.*)?",
        r"GET /(tracks|albums|artists|episodes|shows|chapters|audiobooks|markets)",
        r"\w+ /users/.*",
        r"\w+ /playlists/[^/]+/(tracks|followers)(/.*)?",
        r"(PUT|DELETE) /me/(tracks|albums|episodes|shows|audiobooks|following)",
        r"GET /me/(tracks|albums|episodes|shows|audiobooks|following)/contains",
    )
)


# What the API has and this one has not: podcasts and books.
_NOT_HERE: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"GET /(shows|episodes|audiobooks|chapters)/.*",
        r"GET /me/(shows|episodes|audiobooks)",
    )
)


def is_not_here(method: str, path: str) -> bool:
    """Whether the API has such a route, though this stand-in has not."""
    asked = f"{method} {path.removeprefix('/v1')}"
    return any(pattern.fullmatch(asked) for pattern in _NOT_HERE)


def was_removed(method: str, path: str) -> bool:
    """Whether there was such a route once."""
    asked = f"{method} {path.removeprefix('/v1')}"
    return any(pattern.fullmatch(asked) for pattern in _GONE)
