"""The pages below /control, with which a person or a test in another process moves the world.

They are no part of Spotify: they add users and tracks, press buttons on players, move the clock,
set limits and order faults. All take and give JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final

from segue.fakes.faults import KINDS, fault_of
from segue.fakes.messages import Answer, ApiError, Request, api_error, as_json
from segue.fakes.spotify.people import User
from segue.fakes.spotify.player import Device, Player
from segue.fakes.spotify.world import World

__all__ = ["control"]

_Page = Callable[[World, Mapping[str, Any]], Any]


def control(world: World, request: Request) -> Answer:
    """Answer a request below /control."""
    asked = f"{request.method} {request.path.removeprefix('/control').rstrip('/')}".rstrip()
    page = _PAGES.get(asked)
    if page is None:
        known = ", ".join(_PAGES)
        return api_error(ApiError(404, f"no such page of control; there are: {known}"))
    try:
        told = request.json() if request.body else dict(request.query)
        if not isinstance(told, dict):
            raise ApiError(400, "send a JSON object")
        given = page(world, told)
    except ApiError as error:
        return api_error(error)
    except (KeyError, ValueError, TypeError) as error:
        return api_error(ApiError(400, f"{type(error).__name__}: {error}"))
    world.changes += request.method != "GET"
    return as_json({"done": True} if given is None else given)


def _state(world: World, told: Mapping[str, Any]) -> Any:
    del told
    return {
        "url": world.base_url,
        "now": world.clock.now().isoformat(),
        "signed_in": world.signed_in,
        "users": [{"id": user.id, "country": user.country} for user in world.users.values()],
        "apps": [{"client_id": app.client_id, "owner": app.owner} for app in world.apps.values()],
        "tracks": len(world.catalogue),
        "rules": asdict(world.rules),
        "violations": world.violations,
    }


def _log(world: World, told: Mapping[str, Any]) -> Any:
    del told
    return {"requests": world.log.of_api(), "endpoints": world.log.counts()}


def _tracks(world: World, told: Mapping[str, Any]) -> Any:
    first, n = int(told.get("first", 0)), int(told.get("n", 20))
    found = [
        world.catalogue.track(one) for one in range(first, min(first + n, world.catalogue.size))
    ]
    return [
        {"uri": track.uri, "title": track.name, "artist": track.artists[0].name, "isrc": track.isrc}
        for track in found
    ]


def _add_track(world: World, told: Mapping[str, Any]) -> Any:
    more = {"duration_ms": int(told["duration_ms"])} if "duration_ms" in told else {}
    track = world.catalogue.add(
        told["title"],
        told["artist"],
        track_id=told.get("id", ""),
        isrc=told.get("isrc", ""),
        **more,
    )
    return {"uri": track.uri}


def _playlists(world: World, told: Mapping[str, Any]) -> Any:
    del told
    return [
        {"id": one.id, "name": one.name, "owner": one.owner, "uris": one.uris}
        for one in world.playlists.values()
    ]


def _add_playlist(world: World, told: Mapping[str, Any]) -> Any:
    playlist_id = told.get("id", "")
    made = world.add_playlist(
        _user(world, told), told["name"], told.get("uris", ()), playlist_id=playlist_id
    )
    return {"id": made.id, "snapshot_id": made.snapshot_id}


def _add_user(world: World, told: Mapping[str, Any]) -> Any:
    user = world.add_user(
        told["id"],
        display_name=told.get("display_name", ""),
        country=told.get("country", "GB"),
        premium=bool(told.get("premium", True)),
    )
    return {"id": user.id}


def _change_user(world: World, told: Mapping[str, Any]) -> None:
    user = _user(world, told)
    for name in ("display_name", "country", "premium", "consents"):
        setattr(user, name, told.get(name, getattr(user, name)))


def _add_app(world: World, told: Mapping[str, Any]) -> Any:
    known = ("client_id", "client_secret", "redirect_uris", "developer", "owner", "allowed")
    app = world.add_app(**{name: told[name] for name in known if name in told})
    return asdict(app)


def _sign_in(world: World, told: Mapping[str, Any]) -> None:
    world.signed_in = _user(world, told).id


def _revoke(world: World, told: Mapping[str, Any]) -> None:
    world.revoke(world.apps[told["client_id"]], _user(world, told))


def _player(world: World, told: Mapping[str, Any]) -> Any:
    player = world.player_of(_user(world, told))
    _BUTTONS[told["press"]](player, told)
    player.settle()
    return {"uri": player.uri, "progress_ms": player.progress_ms, "is_playing": player.is_playing}


_BUTTONS: Final[Mapping[str, Callable[[Player, Mapping[str, Any]], None]]] = {
    "play": lambda player, told: player.play(
        *told["uris"], context_uri=told.get("context_uri", ""), at_ms=told.get("at_ms", 0)
    ),
    "pause": lambda player, told: player.pause(),
    "resume": lambda player, told: player.resume(),
    "seek": lambda player, told: player.seek(int(told["to_ms"])),
    "skip": lambda player, told: player.skip(),
    "back": lambda player, told: player.back(),
    "stop": lambda player, told: player.stop(),
    "offline": lambda player, told: player.go_offline(),
    "online": lambda player, told: player.go_online(),
    "repeat": lambda player, told: setattr(player, "repeat", told["mode"]),
    "private": lambda player, told: setattr(player, "private", bool(told["on"])),
    "switch": lambda player, told: player.switch(Device(told["id"], told.get("name", told["id"]))),
}


def _plays(world: World, told: Mapping[str, Any]) -> None:
    player = world.player_of(_user(world, told))
    for play in told["plays"]:
        player.played(play["uri"], datetime.fromisoformat(play["at"]), play.get("context_uri", ""))


def _clock(world: World, told: Mapping[str, Any]) -> Any:
    if "at" in told:
        world.clock.set(datetime.fromisoformat(told["at"]))
    world.clock.advance(seconds=float(told.get("seconds", 0)), days=float(told.get("days", 0)))
    if told.get("stop"):
        world.clock.freeze()
    return {"now": world.clock.now().isoformat()}


def _rules(world: World, told: Mapping[str, Any]) -> Any:
    known = {one.name: type(getattr(world.rules, one.name)) for one in fields(world.rules)}
    for name, value in told.items():
        if name not in known:
            raise ApiError(400, f"no rule “{name}”; there are: {', '.join(known)}")
        setattr(world.rules, name, known[name](value))
    return asdict(world.rules)


def _fault(world: World, told: Mapping[str, Any]) -> None:
    if "rate" in told:
        kinds = told.get("kinds", tuple(KINDS))
        world.faults.at_random(float(told["rate"]), seed=int(told.get("seed", 0)), kinds=kinds)
        return
    world.faults.add(
        fault_of(told),
        method=told.get("method", ""),
        path=told.get("path", ""),
        times=int(told.get("times", 1)),
        after=int(told.get("after", 0)),
    )


def _no_faults(world: World, told: Mapping[str, Any]) -> None:
    del told
    world.faults.clear()


def _user(world: World, told: Mapping[str, Any]) -> User:
    name = told.get("user", world.signed_in)
    if name not in world.users:
        raise ApiError(404, f"no user “{name}”; there are: {', '.join(world.users)}")
    return world.users[name]


_PAGES: Final[Mapping[str, _Page]] = {
    "GET": _state,
    "GET /log": _log,
    "GET /tracks": _tracks,
    "POST /tracks": _add_track,
    "GET /playlists": _playlists,
    "POST /playlists": _add_playlist,
    "POST /users": _add_user,
    "PUT /users": _change_user,
    "POST /apps": _add_app,
    "PUT /signed-in": _sign_in,
    "POST /revoke": _revoke,
    "POST /player": _player,
    "POST /plays": _plays,
    "POST /clock": _clock,
    "PUT /rules": _rules,
    "POST /faults": _fault,
    "DELETE /faults": _no_faults,
}
