"""The user's profile, top items and saved tracks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from segue.fakes.clock import iso
from segue.fakes.messages import Answer, ApiError, Request, as_json
from segue.fakes.spotify.caller import Caller, page_of
from segue.fakes.spotify.router import Routes
from segue.fakes.spotify.shapes import (
    album_object,
    artist_object,
    paging,
    track_object,
    user_object,
)

__all__ = ["ROUTES"]

ROUTES: Final = Routes()
_RANGES: Final[Mapping[str, int]] = {"short_term": 28, "medium_term": 182, "long_term": 365}


@ROUTES.on("GET", "/v1/me")
def profile(caller: Caller, request: Request) -> Answer:
    """Who the user is; mail, country and product are not told any more."""
    del request
    me = caller.me
    told = {"account_id": me.account_id, "display_name": me.display_name, "images": []}
    return as_json({**user_object(caller, me), **told})


@ROUTES.on("GET", "/v1/me/top/tracks", "user-top-read")
def top_tracks(caller: Caller, request: Request) -> Answer:
    """The tracks that were played most."""
    plays, page, within = _plays(caller, request)
    found = [track for uri, _ in plays if (track := caller.world.catalogue.by_uri(uri))]
    rows = [track_object(caller, track) for track in found]
    return as_json(paging(caller, "/me/top/tracks", rows, page, time_range=within))


@ROUTES.on("GET", "/v1/me/top/artists", "user-top-read")
def top_artists(caller: Caller, request: Request) -> Answer:
    """The artists that were played most."""
    plays, page, within = _plays(caller, request)
    heard: Counter[Any] = Counter()
    for uri, times in plays:
        if (track := caller.world.catalogue.by_uri(uri)) is not None:
            heard.update(dict.fromkeys(track.artists, times))
    rows = [artist_object(caller, artist) for artist, _ in heard.most_common()]
    return as_json(paging(caller, "/me/top/artists", rows, page, time_range=within))


def _plays(caller: Caller, request: Request) -> tuple[list[tuple[str, int]], tuple[int, int], str]:
    within = request.query.get("time_range", "medium_term")
    if within not in _RANGES:
        raise ApiError(400, "Invalid time range")
    since = caller.now - timedelta(days=_RANGES[within])
    history = caller.world.player_of(caller.me).history
    counts = Counter(row.uri for row in history if row.played_at >= since)
    return counts.most_common(), page_of(request), within


@ROUTES.on("GET", "/v1/me/tracks", "user-library-read")
def saved_tracks(caller: Caller, request: Request) -> Answer:
    """The saved tracks, latest first; their rows keep the name `track`."""
    page = page_of(request)
    market = caller.market(request) if "market" in request.query else ""
    rows = [
        {"added_at": iso(added), "track": track_object(caller, track, market)}
        for uri, added in reversed(caller.me.saved.items())
        if (track := caller.world.catalogue.by_uri(uri)) is not None
    ]
    return as_json(paging(caller, "/me/tracks", rows, page))


@ROUTES.on("GET", "/v1/me/albums", "user-library-read")
def saved_albums(caller: Caller, request: Request) -> Answer:
    """The saved albums, latest first."""
    page, catalogue = page_of(request), caller.world.catalogue
    market = caller.market(request) if "market" in request.query else ""
    rows = [
        {
            "added_at": iso(added),
            "album": album_object(caller, album, catalogue.tracks_of(album), market),
        }
        for uri, added in reversed(caller.me.saved.items())
        if (album := catalogue.album(uri.removeprefix("spotify:album:"))) is not None
    ]
    return as_json(paging(caller, "/me/albums", rows, page))


@ROUTES.on("GET", "/v1/me/following", "user-follow-read")
def followed_artists(caller: Caller, request: Request) -> Answer:
    """The artists that the user follows, page by page after the last one seen."""
    limit, _ = page_of(request)
    if request.query.get("type") != "artist":
        raise ApiError(400, "Invalid type")
    artists = [
        artist
        for uri in caller.me.saved
        if (artist := caller.world.catalogue.artist(uri.removeprefix("spotify:artist:")))
    ]
    ids = [artist.id for artist in artists]
    after = request.query.get("after", "")
    start = ids.index(after) + 1 if after in ids else 0
    rows = artists[start : start + limit]
    more = start + limit < len(artists)
    path = f"{caller.base}/me/following?type=artist&limit={limit}"
    told = {
        "href": path,
        "limit": limit,
        "next": f"{path}&after={rows[-1].id}" if more else None,
        "cursors": {"after": rows[-1].id if more else None},
        "total": len(artists),
        "items": [artist_object(caller, artist) for artist in rows],
    }
    return as_json({"artists": told})
