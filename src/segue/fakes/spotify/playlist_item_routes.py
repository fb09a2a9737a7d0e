"""The items of playlists: read, added, replaced, moved, removed."""

from __future__ import annotations

from typing import Any, Final

from segue.fakes.messages import Answer, ApiError, Request, as_json
from segue.fakes.spotify.caller import Caller, page_of
from segue.fakes.spotify.fields import only
from segue.fakes.spotify.playlist import Playlist
from segue.fakes.spotify.playlist_routes import found, may_be_seen, own, rows_of
from segue.fakes.spotify.router import Routes

__all__ = ["ROUTES"]

ROUTES: Final = Routes()
_AT_ONCE: Final = 100
_PATH: Final = "/v1/playlists/{playlist_id}/items"


@ROUTES.on("GET", _PATH)
def read(caller: Caller, request: Request) -> Answer:
    """A page of them; of playlists that the user may change, and no others."""
    playlist = found(caller, request)
    if not may_be_seen(caller, playlist):
        raise ApiError(403, "Forbidden")
    if not playlist.public:
        kind = "collaborative" if playlist.collaborative else "private"
        caller.need(f"playlist-read-{kind}")
    told = rows_of(caller, request, playlist, page_of(request))
    return as_json(only(told, request.query.get("fields", "")))


@ROUTES.on("POST", _PATH)
def add(caller: Caller, request: Request) -> Answer:
    """More of them, at a position or at the end."""
    playlist, told = own(caller, request, by_others=True), _told(request)
    uris = _uris(caller, request, told)
    if uris is None:
        raise ApiError(400, "Missing required field: uris")
    if len(playlist.entries) + len(uris) > caller.world.rules.playlist_items:
        raise ApiError(400, "Playlist size limit reached")
    position = _whole(request.query, "position")
    position = _whole(told, "position") if position is None else position
    playlist.insert(uris, position, by=caller.me.id, at=caller.now)
    return _snapshot(playlist, 201)


@ROUTES.on("PUT", _PATH)
def change(caller: Caller, request: Request) -> Answer:
    """These and no others, or the same in another order; never both at once."""
    playlist, told = own(caller, request, by_others=True), _told(request)
    uris = _uris(caller, request, told)
    moves = "range_start" in told or "insert_before" in told
    if uris is not None and moves:
        raise ApiError(400, "Cannot replace and reorder at once")
    if uris is not None:
        playlist.replace(uris, by=caller.me.id, at=caller.now)
        return _snapshot(playlist)
    start, before = (_whole(told, name) for name in ("range_start", "insert_before"))
    if start is None or before is None:
        raise ApiError(400, "Missing required field: range_start and insert_before, or uris")
    length = _whole(told, "range_length")
    playlist.move(start, before, 1 if length is None else length, told.get("snapshot_id"))
    return _snapshot(playlist)


@ROUTES.on("DELETE", _PATH)
def remove(caller: Caller, request: Request) -> Answer:
    """Without every occurrence of these."""
    playlist, told = own(caller, request, by_others=True), _told(request)
    items = told.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ApiError(400, "Missing required field: items")
    uris = _checked(caller, [item.get("uri") for item in items], exist=False)
    playlist.remove(uris, told.get("snapshot_id"))
    return _snapshot(playlist)


def _told(request: Request) -> dict[str, Any]:
    told = request.json()
    if not isinstance(told, dict):
        raise ApiError(400, "Error parsing JSON.")
    return told


def _uris(caller: Caller, request: Request, told: dict[str, Any]) -> list[str] | None:
    if "uris" in request.query:
        return _checked(caller, [u.strip() for u in request.query["uris"].split(",") if u.strip()])
    return _checked(caller, told["uris"]) if "uris" in told else None


def _checked(caller: Caller, uris: Any, *, exist: bool = True) -> list[str]:
    if not isinstance(uris, list):
        raise ApiError(400, "Invalid uris")
    if len(uris) > _AT_ONCE:
        raise ApiError(400, f"You can add a maximum of {_AT_ONCE} tracks per request.")
    return [_one(caller, uri, exist) for uri in uris]


def _one(caller: Caller, uri: Any, exist: bool) -> str:
    kinds = ("spotify:track:", "spotify:episode:")
    if not isinstance(uri, str) or not uri.startswith(kinds):
        raise ApiError(400, f"Invalid track uri: {uri}")
    if exist and uri.startswith("spotify:track:") and not caller.world.catalogue.by_uri(uri):
        raise ApiError(400, "Payload contains a non-existing ID")
    return uri


def _whole(told: Any, name: str) -> int | None:
    value = told.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    raise ApiError(400, f"Invalid {name}")


def _snapshot(playlist: Playlist, status: int = 200) -> Answer:
    return as_json({"snapshot_id": playlist.snapshot_id}, status)
