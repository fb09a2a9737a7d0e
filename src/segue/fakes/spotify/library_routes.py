"""What the user keeps: saved, taken out, and asked about by URI."""

from __future__ import annotations

from typing import Final

from segue.fakes.messages import Answer, ApiError, Request, as_json
from segue.fakes.spotify.caller import Caller
from segue.fakes.spotify.router import Routes

__all__ = ["ROUTES"]

ROUTES: Final = Routes()
_AT_ONCE: Final = 40
# Which scope a kind of thing takes: the reference names all of them for every call.
_FOLLOWED: Final = ("artist", "user")
_KINDS: Final = ("track", "album", "episode", "show", "audiobook", "user", "playlist")


@ROUTES.on("PUT", "/v1/me/library")
def save(caller: Caller, request: Request) -> Answer:
    """Keep these."""
    for kind, identifier, uri in _wanted(caller, request, _KINDS, "modify"):
        if kind != "playlist":
            caller.me.saved.setdefault(uri, caller.now)
        elif identifier not in caller.me.followed:
            if identifier not in caller.world.playlists:
                raise ApiError(404, "Resource not found")
            caller.me.followed.insert(0, identifier)
    return Answer(200)


@ROUTES.on("DELETE", "/v1/me/library")
def take_out(caller: Caller, request: Request) -> Answer:
    """Do not keep these; a playlist of one's own leaves the list, which is called deleting it."""
    for kind, identifier, uri in _wanted(caller, request, _KINDS, "modify"):
        if kind != "playlist":
            caller.me.saved.pop(uri, None)
        elif identifier in caller.me.followed:
            caller.me.followed.remove(identifier)
    return Answer(200)


@ROUTES.on("GET", "/v1/me/library/contains")
def contains(caller: Caller, request: Request) -> Answer:
    """Which of these are kept."""
    me = caller.me
    return as_json(
        [
            identifier in me.followed if kind == "playlist" else uri in me.saved
            for kind, identifier, uri in _wanted(caller, request, (*_KINDS, "artist"), "read")
        ]
    )


def _wanted(
    caller: Caller, request: Request, kinds: tuple[str, ...], action: str
) -> list[tuple[str, str, str]]:
    uris = [uri.strip() for uri in request.query.get("uris", "").split(",") if uri.strip()]
    if not uris:
        raise ApiError(400, "Missing required parameter: uris")
    if len(uris) > _AT_ONCE:
        raise ApiError(400, f"Too many uris: at most {_AT_ONCE}")
    found = []
    for uri in uris:
        service, _, rest = uri.partition(":")
        kind, _, identifier = rest.partition(":")
        if service != "spotify" or kind not in kinds or not identifier:
            raise ApiError(400, f"Invalid uri: {uri}")
        caller.need(_scope(caller, kind, identifier, action))
        found.append((kind, identifier, uri))
    return found


def _scope(caller: Caller, kind: str, identifier: str, action: str) -> str:
    if kind in _FOLLOWED:
        return f"user-follow-{action}"
    if kind != "playlist":
        return f"user-library-{action}"
    if action == "read":
        return "playlist-read-private"
    playlist = caller.world.playlists.get(identifier)
    return f"playlist-modify-{'public' if playlist is None or playlist.public else 'private'}"
