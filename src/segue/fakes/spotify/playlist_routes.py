"""Playlists: made, read, described, listed, given a cover."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from typing import Any, Final

from segue.fakes.ids import id_of
from segue.fakes.messages import Answer, ApiError, Request, as_json
from segue.fakes.spotify.caller import Caller, page_of
from segue.fakes.spotify.fields import only
from segue.fakes.spotify.playlist import Playlist
from segue.fakes.spotify.router import Routes
from segue.fakes.spotify.shapes import paging, playlist_object, playlist_row, simple_playlist

__all__ = ["ROUTES", "found", "may_be_seen", "own", "rows_of"]

ROUTES: Final = Routes()
_COVER_BYTES: Final = 256 * 1024
_WORDS: Final = 300


def found(caller: Caller, request: Request) -> Playlist:
    """The playlist of the path; those that Spotify makes are not there for apps."""
    playlist = caller.world.playlists.get(request.words["playlist_id"])
    if playlist is None or playlist.closed:
        raise ApiError(404, "Resource not found")
    return playlist


def own(caller: Caller, request: Request, *, by_others: bool = False) -> Playlist:
    """A playlist that the user may change, and whose kind the app was granted to change."""
    playlist = found(caller, request)
    caller.need(f"playlist-modify-{'public' if playlist.public else 'private'}")
    if playlist.owner != caller.me.id and not (by_others and playlist.collaborative):
        raise ApiError(403, "You cannot change a playlist you don't own")
    return playlist


def may_be_seen(caller: Caller, playlist: Playlist) -> bool:
    """Whether the user sees what is in it: only when it is theirs, or they may change it."""
    return caller.me.id == playlist.owner or playlist.collaborative


def rows_of(caller: Caller, request: Request, playlist: Playlist, page: tuple[int, int]) -> Any:
    """A page of its items."""
    market = caller.market(request) if "market" in request.query else ""
    limit, offset = page
    rows = [
        playlist_row(caller, entry, market) for entry in playlist.entries[offset : offset + limit]
    ]
    path = f"/playlists/{playlist.id}/items"
    return paging(caller, path, rows, page, total=len(playlist.entries))


@ROUTES.on("GET", "/v1/me/playlists")
def my_playlists(caller: Caller, request: Request) -> Answer:
    """What the user has in their list, their own and others'."""
    page = page_of(request)
    every = [caller.world.playlists[one] for one in caller.me.followed]
    seen = [one for one in every if not one.closed and _is_listed(caller, one)]
    rows = [simple_playlist(caller, playlist) for playlist in seen]
    return as_json(paging(caller, "/me/playlists", rows, page))


def _is_listed(caller: Caller, playlist: Playlist) -> bool:
    if playlist.collaborative:
        return "playlist-read-collaborative" in caller.scopes
    return playlist.public or "playlist-read-private" in caller.scopes


@ROUTES.on("POST", "/v1/me/playlists")
def create(caller: Caller, request: Request) -> Answer:
    """A new playlist, empty."""
    told = _object(request)
    public, shared = told.get("public", True), told.get("collaborative", False)
    if not isinstance(told.get("name"), str) or not told["name"]:
        raise ApiError(400, "Missing required field: name")
    if shared and public:
        raise ApiError(400, "Collaborative playlists can only be private.")
    caller.need(f"playlist-modify-{'public' if public else 'private'}")
    made = Playlist(
        id=id_of("playlist", secrets.randbits(60)),
        name=told["name"],
        owner=caller.me.id,
        public=bool(public) or caller.world.rules.stays_public,
        collaborative=bool(shared),
        description=_description(told),
    )
    caller.world.playlists[made.id] = made
    caller.me.followed.insert(0, made.id)
    rows = rows_of(caller, request, made, (50, 0))
    return as_json(playlist_object(caller, made, rows), 201)


@ROUTES.on("GET", "/v1/playlists/{playlist_id}")
def one(caller: Caller, request: Request) -> Answer:
    """A playlist; its items only for who may see them."""
    playlist = found(caller, request)
    if not playlist.public and not may_be_seen(caller, playlist):
        raise ApiError(404, "Resource not found")
    seen = may_be_seen(caller, playlist)
    rows = rows_of(caller, request, playlist, (50, 0)) if seen else None
    told = playlist_object(caller, playlist, rows)
    return as_json(only(told, request.query.get("fields", "")))


@ROUTES.on("PUT", "/v1/playlists/{playlist_id}")
def details(caller: Caller, request: Request) -> Answer:
    """Another name, description or visibility."""
    playlist, told = own(caller, request), _object(request)
    name, description = told.get("name"), _description(told)
    if name is not None and (not isinstance(name, str) or not name):
        raise ApiError(400, "Invalid name")
    public = bool(told.get("public", playlist.public))
    shared = bool(told.get("collaborative", playlist.collaborative))
    if shared and public:
        raise ApiError(400, "Collaborative playlists can only be private.")
    caller.need(f"playlist-modify-{'public' if public else 'private'}")
    playlist.public = public or caller.world.rules.stays_public
    playlist.collaborative = shared
    playlist.rename(name=name, description=description)
    return Answer(200)


def _description(told: Mapping[str, Any]) -> str | None:
    said = told.get("description")
    if said is not None and (not isinstance(said, str) or len(said) > _WORDS):
        raise ApiError(400, "Invalid description")
    return said


def _object(request: Request) -> dict[str, Any]:
    told = request.json()
    if not isinstance(told, dict):
        raise ApiError(400, "Error parsing JSON.")
    return told


@ROUTES.on("GET", "/v1/playlists/{playlist_id}/images")
def cover(caller: Caller, request: Request) -> Answer:
    """Its pictures."""
    return as_json(simple_playlist(caller, found(caller, request))["images"])


@ROUTES.on("PUT", "/v1/playlists/{playlist_id}/images", "ugc-image-upload", upload=True)
def new_cover(caller: Caller, request: Request) -> Answer:
    """Another picture: JPEG in base64, at most 256 KB of it."""
    playlist = own(caller, request)
    if request.headers.get("content-type", "").partition(";")[0].strip() != "image/jpeg":
        raise ApiError(400, "Content-Type must be image/jpeg")
    if len(request.body) > _COVER_BYTES:
        raise ApiError(413, "Image too large")
    try:
        picture = base64.b64decode(request.body, validate=True)
    except binascii.Error as error:
        raise ApiError(400, "Error decoding image") from error
    if not (picture.startswith(b"\xff\xd8\xff") and picture.endswith(b"\xff\xd9")):
        raise ApiError(400, "Error decoding image")
    playlist.cover = picture
    return Answer(202)
