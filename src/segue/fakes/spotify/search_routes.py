"""Search: at most ten of a kind at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from segue.fakes.messages import Answer, ApiError, Request, as_json
from segue.fakes.search_index import Wanted, parsed
from segue.fakes.spotify.caller import Caller, page_of
from segue.fakes.spotify.router import Routes
from segue.fakes.spotify.shapes import (
    artist_object,
    paging,
    simple_album,
    simple_playlist,
    track_object,
)

__all__ = ["ROUTES"]

ROUTES: Final = Routes()
_AT_ONCE: Final = 10
_FAR: Final = 1_000


@ROUTES.on("GET", "/v1/search", needs_user=False)
def search(caller: Caller, request: Request) -> Answer:
    """What fits a query, of each of the kinds that are asked for."""
    query = request.query.get("q", "").strip()
    if not query:
        raise ApiError(400, "No search query")
    kinds = [kind.strip() for kind in request.query.get("type", "").split(",") if kind.strip()]
    if not kinds or not set(kinds) <= set(_KINDS):
        raise ApiError(400, "Bad search type field")
    limit, offset = page = page_of(request, most=_AT_ONCE, usual=5, far=_FAR)
    wanted, market = parsed(query), caller.market(request)
    asked = {name: request.query[name] for name in ("q", "type", "market") if name in request.query}
    told = {}
    for kind in kinds:
        found, shape = _KINDS[kind](caller, wanted, market, request)
        rows = [shape(one) for one in found[offset : offset + limit]]
        told[f"{kind}s"] = paging(caller, "/search", rows, page, total=len(found), **asked)
    return as_json(told)


_Found = tuple[list[Any], Callable[[Any], Any]]
_Kind = Callable[[Caller, Wanted, str, Request], _Found]


def _tracks(caller: Caller, wanted: Wanted, market: str, request: Request) -> _Found:
    shown = market if "market" in request.query else ""
    found = caller.world.index.tracks(wanted, market)
    return list(found), lambda track: track_object(caller, track, shown)


def _albums(caller: Caller, wanted: Wanted, market: str, request: Request) -> _Found:
    del request
    found = caller.world.index.albums(wanted, market)
    return list(found), lambda album: simple_album(caller, album)


def _artists(caller: Caller, wanted: Wanted, market: str, request: Request) -> _Found:
    del market, request
    return list(caller.world.index.artists(wanted)), lambda artist: artist_object(caller, artist)


def _playlists(caller: Caller, wanted: Wanted, market: str, request: Request) -> _Found:
    del market, request
    words = set(wanted.words)
    found = [
        playlist
        for playlist in caller.world.playlists.values()
        if playlist.public and not playlist.closed and not wanted.fields
        if words <= set(playlist.name.casefold().split())
    ]
    return list(found), lambda playlist: simple_playlist(caller, playlist)


def _nothing(caller: Caller, wanted: Wanted, market: str, request: Request) -> _Found:
    del caller, wanted, market, request
    return [], lambda one: one


_KINDS: Final[Mapping[str, _Kind]] = {
    "track": _tracks,
    "album": _albums,
    "artist": _artists,
    "playlist": _playlists,
    "show": _nothing,
    "episode": _nothing,
    "audiobook": _nothing,
}
