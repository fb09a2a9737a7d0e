"""What is on, and what was on."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from segue.fakes.clock import iso, milliseconds
from segue.fakes.messages import Answer, ApiError, Request, as_json
from segue.fakes.spotify.caller import Caller, page_of
from segue.fakes.spotify.player import Played, Player
from segue.fakes.spotify.router import Routes
from segue.fakes.spotify.shapes import context_object, episode_object, track_object

__all__ = ["ROUTES"]

ROUTES: Final = Routes()


@ROUTES.on("GET", "/v1/me/player/recently-played", "user-read-recently-played")
def recently_played(caller: Caller, request: Request) -> Answer:
    """Of the last plays those after or before a moment, latest first; 204 is never the answer."""
    limit, _ = page_of(request)
    after, before = (_cursor(request, name) for name in ("after", "before"))
    if after is not None and before is not None:
        raise ApiError(400, "Only one of before/after may be specified")
    known = caller.world.player_of(caller.me).recent()
    if after is not None:
        fitting = [row for row in known if milliseconds(row.played_at) > after]
        rows = fitting[:limit]
    else:
        fitting = [row for row in known if before is None or milliseconds(row.played_at) < before]
        rows = fitting[-limit:]
    path = f"{caller.base}/me/player/recently-played"
    told: dict[str, Any] = {
        "href": f"{path}?{urlencode(dict(request.query))}" if request.query else path,
        "limit": limit,
        "next": None,
        "cursors": None,
        "items": [_row(caller, row) for row in reversed(rows)],
    }
    if rows:
        first, last = (str(milliseconds(rows[n].played_at)) for n in (0, -1))
        told["cursors"] = {"after": last, "before": first}
        onward = {"before": first} if after is None else {"after": last}
        if len(rows) == limit:  # though there may be nothing there
            told["next"] = f"{path}?{urlencode({**onward, 'limit': limit})}"
    return as_json(told)


def _cursor(request: Request, name: str) -> int | None:
    told = request.query.get(name, "")
    try:
        return int(told) if told else None
    except ValueError as error:
        raise ApiError(400, f"Invalid {name}") from error


def _row(caller: Caller, row: Played) -> dict[str, Any]:
    track = caller.world.catalogue.by_uri(row.uri)
    return {
        "track": None if track is None else track_object(caller, track),
        "played_at": iso(row.played_at, with_ms=True),
        "context": context_object(caller, row.context_uri),
    }


@ROUTES.on("GET", "/v1/me/player/currently-playing", "user-read-currently-playing")
def currently_playing(caller: Caller, request: Request) -> Answer:
    """What is on; 204 when nothing is."""
    player = caller.world.player_of(caller.me)
    return as_json(_state(caller, request, player)) if player.is_there else Answer(204)


@ROUTES.on("GET", "/v1/me/player", "user-read-playback-state")
def playback(caller: Caller, request: Request) -> Answer:
    """What is on, and on what; 204 when nothing is."""
    player = caller.world.player_of(caller.me)
    if not player.is_there:
        return Answer(204)
    more = {
        "device": _device(player),
        "repeat_state": player.repeat,
        "shuffle_state": player.shuffle,
    }
    return as_json({**more, **_state(caller, request, player)})


@ROUTES.on("GET", "/v1/me/player/devices", "user-read-playback-state")
def devices(caller: Caller, request: Request) -> Answer:
    """What sound can come out of."""
    del request
    player = caller.world.player_of(caller.me)
    return as_json({"devices": [_device(player)] if player.is_there else []})


def _device(player: Player) -> dict[str, Any]:
    return {
        "id": player.device.id,
        "is_active": True,
        "is_private_session": player.private,
        "is_restricted": False,
        "name": player.device.name,
        "type": player.device.type,
        "volume_percent": player.device.volume,
        "supports_volume": True,
    }


def _state(caller: Caller, request: Request, player: Player) -> dict[str, Any]:
    return {
        # Not when it was asked for, as the reference has it: when the player last changed.
        "timestamp": milliseconds(player.changed_at or caller.now),
        "context": context_object(caller, player.context_uri),
        "progress_ms": player.progress_ms,
        "item": _item(caller, request, player),
        "currently_playing_type": "track" if player.kind == "local" else player.kind,
        "actions": {"disallows": {"resuming" if player.is_playing else "pausing": True}},
        "is_playing": player.is_playing,
    }


def _item(caller: Caller, request: Request, player: Player) -> dict[str, Any] | None:
    if player.kind == "track":
        track = caller.world.catalogue.by_uri(player.uri)
        asked = caller.market(request) if "market" in request.query else ""
        return None if track is None else track_object(caller, track, asked)
    if player.kind == "local":
        return _local(player)
    if player.kind == "episode" and "episode" in request.query.get("additional_types", ""):
        return episode_object(caller, player.uri.rpartition(":")[2], player.duration_ms)
    return None


def _local(player: Player) -> dict[str, Any]:
    words = [word.replace("+", " ") for word in player.uri.split(":")[2:]]
    artist, album, title = (*words, "", "", "")[:3]
    nobody: dict[str, Any] = {"external_urls": {}, "href": None, "id": None, "uri": None}
    return {
        "album": {**nobody, "name": album, "type": "album", "artists": [], "images": []},
        "artists": [{**nobody, "name": artist, "type": "artist"}],
        "disc_number": 0,
        "duration_ms": player.duration_ms,
        "explicit": False,
        "external_ids": {},
        "external_urls": {},
        "href": None,
        "id": None,
        "name": title,
        "track_number": 0,
        "type": "track",
        "uri": player.uri,
        "is_local": True,
    }
