"""Remote control of a player: for users who pay, with a player that is there."""

from __future__ import annotations

from typing import Any, Final

from segue.fakes.messages import Answer, ApiError, Request, as_json
from segue.fakes.spotify.caller import Caller
from segue.fakes.spotify.player import Device, Player
from segue.fakes.spotify.router import Routes
from segue.fakes.spotify.shapes import track_object

__all__ = ["ROUTES"]

ROUTES: Final = Routes()
_SCOPE: Final = "user-modify-playback-state"
_AHEAD: Final = 20


def _player(caller: Caller) -> Player:
    if not caller.me.premium:
        message = "Player command failed: Premium required"
        raise ApiError(403, message, reason="PREMIUM_REQUIRED")
    player = caller.world.player_of(caller.me)
    if not player.is_there:
        message = "Player command failed: No active device found"
        raise ApiError(404, message, reason="NO_ACTIVE_DEVICE")
    return player


@ROUTES.on("PUT", "/v1/me/player/play", _SCOPE)
def play(caller: Caller, request: Request) -> Answer:
    """Start something, or go on."""
    player, told = _player(caller), _told(request)
    if uris := told.get("uris"):
        _exist(caller, uris)
        at_ms = told.get("position_ms", 0)
        if isinstance(at_ms, bool) or not isinstance(at_ms, int) or at_ms < 0:
            raise ApiError(400, "Invalid position_ms")
        player.play(*uris, at_ms=at_ms)
    elif "context_uri" in told:
        player.play(*_context(caller, told["context_uri"]), context_uri=told["context_uri"])
    else:
        player.resume()
    return Answer(204)


def _told(request: Request) -> dict[str, Any]:
    told = request.json()
    if not isinstance(told, dict):
        raise ApiError(400, "Error parsing JSON.")
    return told


def _exist(caller: Caller, uris: Any) -> None:
    known = caller.world.catalogue.by_uri
    if not isinstance(uris, list) or not all(isinstance(u, str) and known(u) for u in uris):
        raise ApiError(400, "Invalid track uri")


def _context(caller: Caller, uri: Any) -> list[str]:
    kind, _, identifier = str(uri).removeprefix("spotify:").partition(":")
    world = caller.world
    if kind == "playlist" and identifier in world.playlists:
        return world.playlists[identifier].uris
    album = world.catalogue.album(identifier) if kind == "album" else None
    if album is None:
        raise ApiError(404, "Resource not found")
    return [track.uri for track in world.catalogue.tracks_of(album)]


@ROUTES.on("PUT", "/v1/me/player/pause", _SCOPE)
def pause(caller: Caller, request: Request) -> Answer:
    """Hold it."""
    del request
    _player(caller).pause()
    return Answer(204)


@ROUTES.on("POST", "/v1/me/player/next", _SCOPE)
def skip(caller: Caller, request: Request) -> Answer:
    """On to the next."""
    del request
    _player(caller).skip()
    return Answer(204)


@ROUTES.on("POST", "/v1/me/player/previous", _SCOPE)
def back(caller: Caller, request: Request) -> Answer:
    """Back to the one before."""
    del request
    _player(caller).back()
    return Answer(204)


@ROUTES.on("PUT", "/v1/me/player/seek", _SCOPE)
def seek(caller: Caller, request: Request) -> Answer:
    """To another place in it."""
    _player(caller).seek(_number(request, "position_ms"))
    return Answer(204)


@ROUTES.on("PUT", "/v1/me/player/volume", _SCOPE)
def volume(caller: Caller, request: Request) -> Answer:
    """Louder or softer."""
    player, wanted = _player(caller), _number(request, "volume_percent")
    if wanted > 100:
        raise ApiError(400, "Invalid volume_percent")
    player.device = Device(player.device.id, player.device.name, player.device.type, wanted)
    return Answer(204)


@ROUTES.on("PUT", "/v1/me/player/repeat", _SCOPE)
def repeat(caller: Caller, request: Request) -> Answer:
    """The same again, or all of it."""
    player, wanted = _player(caller), request.query.get("state", "")
    if wanted not in ("track", "context", "off"):
        raise ApiError(400, "Invalid state")
    player.repeat = wanted
    return Answer(204)


@ROUTES.on("PUT", "/v1/me/player/shuffle", _SCOPE)
def shuffle(caller: Caller, request: Request) -> Answer:
    """Mixed up, or in order; the stand-in only remembers which."""
    player, wanted = _player(caller), request.query.get("state", "")
    if wanted not in ("true", "false"):
        raise ApiError(400, "Invalid state")
    player.shuffle = wanted == "true"
    return Answer(204)


@ROUTES.on("PUT", "/v1/me/player", _SCOPE)
def transfer(caller: Caller, request: Request) -> Answer:
    """To another device."""
    player, devices = _player(caller), _told(request).get("device_ids")
    if not isinstance(devices, list) or len(devices) != 1:
        raise ApiError(400, "Exactly one device id is supported")
    player.switch(Device(str(devices[0])))
    return Answer(204)


@ROUTES.on("GET", "/v1/me/player/queue", "user-read-currently-playing", "user-read-playback-state")
def queue(caller: Caller, request: Request) -> Answer:
    """What comes next."""
    del request
    player = caller.world.player_of(caller.me)
    ahead = player.uris[player.index : player.index + 1 + _AHEAD] if player.is_there else []
    found = [caller.world.catalogue.by_uri(uri) for uri in ahead]
    rows = [None if track is None else track_object(caller, track) for track in found]
    now = rows[0] if rows else None
    return as_json({"currently_playing": now, "queue": [row for row in rows[1:] if row]})


@ROUTES.on("POST", "/v1/me/player/queue", _SCOPE)
def add(caller: Caller, request: Request) -> Answer:
    """Let another one come next."""
    player, uri = _player(caller), request.query.get("uri", "")
    _exist(caller, [uri])
    player.uris.insert(player.index + 1, uri)
    return Answer(204)


def _number(request: Request, name: str) -> int:
    told = request.query.get(name, "")
    if not told.isdecimal():
        raise ApiError(400, f"Invalid {name}")
    return int(told)
