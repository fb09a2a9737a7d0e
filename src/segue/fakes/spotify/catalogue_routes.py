"""Tracks, albums and artists, one at a time."""

from __future__ import annotations

from typing import Final

from segue.fakes.messages import Answer, ApiError, Request, as_json
from segue.fakes.spotify.caller import Caller, page_of
from segue.fakes.spotify.router import Routes
from segue.fakes.spotify.shapes import (
    album_object,
    artist_object,
    paging,
    simple_album,
    simple_track,
    track_object,
)

__all__ = ["ROUTES"]

ROUTES: Final = Routes()
_ALBUMS_AT_ONCE: Final = 10


@ROUTES.on("GET", "/v1/tracks/{id}", needs_user=False)
def track(caller: Caller, request: Request) -> Answer:
    """A track."""
    found = caller.world.catalogue.get(request.words["id"])
    if found is None:
        raise ApiError(404, "Resource not found")
    market = caller.market(request) if "market" in request.query else ""
    return as_json(track_object(caller, found, market))


@ROUTES.on("GET", "/v1/albums/{id}", needs_user=False)
def album(caller: Caller, request: Request) -> Answer:
    """An album with its tracks."""
    found = caller.world.catalogue.album(request.words["id"])
    if found is None:
        raise ApiError(404, "Resource not found")
    market = caller.market(request) if "market" in request.query else ""
    return as_json(album_object(caller, found, caller.world.catalogue.tracks_of(found), market))


@ROUTES.on("GET", "/v1/albums/{id}/tracks", needs_user=False)
def album_tracks(caller: Caller, request: Request) -> Answer:
    """The tracks of an album."""
    page = page_of(request)
    found = caller.world.catalogue.album(request.words["id"])
    if found is None:
        raise ApiError(404, "Resource not found")
    rows = [simple_track(caller, one) for one in caller.world.catalogue.tracks_of(found)]
    return as_json(paging(caller, f"/albums/{found.id}/tracks", rows, page))


@ROUTES.on("GET", "/v1/artists/{id}", needs_user=False)
def artist(caller: Caller, request: Request) -> Answer:
    """An artist."""
    found = caller.world.catalogue.artist(request.words["id"])
    if found is None:
        raise ApiError(404, "Resource not found")
    return as_json(artist_object(caller, found))


@ROUTES.on("GET", "/v1/artists/{id}/albums", needs_user=False)
def artist_albums(caller: Caller, request: Request) -> Answer:
    """The albums of an artist, at most 10 at a time."""
    page = page_of(request, most=_ALBUMS_AT_ONCE, usual=5)
    found = caller.world.catalogue.artist(request.words["id"])
    if found is None:
        raise ApiError(404, "Resource not found")
    rows = [simple_album(caller, one) for one in caller.world.catalogue.albums_of(found)]
    return as_json(paging(caller, f"/artists/{found.id}/albums", rows, page))
