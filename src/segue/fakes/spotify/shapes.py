"""The objects of the Web API as they are in 2026, without the fields that were taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from segue.fakes.catalogue import Album, Artist, Track
from segue.fakes.clock import iso
from segue.fakes.spotify.caller import Caller
from segue.fakes.spotify.people import User
from segue.fakes.spotify.playlist import Entry, Playlist

__all__ = [
    "album_object",
    "artist_object",
    "context_object",
    "episode_object",
    "paging",
    "playlist_object",
    "playlist_row",
    "simple_album",
    "simple_artist",
    "simple_playlist",
    "simple_track",
    "track_object",
    "user_object",
]

Json = dict[str, Any]


def _named(caller: Caller, kind: str, identifier: str) -> Json:
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/{kind}/{identifier}"},
        "href": f"{caller.base}/{kind}s/{identifier}",
        "id": identifier,
        "type": kind,
        "uri": f"spotify:{kind}:{identifier}",
    }


def _pictures(identifier: str) -> list[Json]:
    return [
        {"url": f"https://i.scdn.co/image/{identifier}{size}", "height": size, "width": size}
        for size in (640, 300, 64)
    ]


def simple_artist(caller: Caller, artist: Artist) -> Json:
    """An artist within a track or an album."""
    return {**_named(caller, "artist", artist.id), "name": artist.name}


def artist_object(caller: Caller, artist: Artist) -> Json:
    """An artist by itself."""
    return {**simple_artist(caller, artist), "images": _pictures(artist.id)}


def simple_album(caller: Caller, album: Album) -> Json:
    """An album within a track or a list."""
    return {
        **_named(caller, "album", album.id),
        "album_type": "album" if album.total_tracks > 1 else "single",
        "total_tracks": album.total_tracks,
        "images": _pictures(album.id),
        "name": album.name,
        "release_date": album.released,
        "release_date_precision": "day",
        "artists": [simple_artist(caller, artist) for artist in album.artists],
    }


def album_object(caller: Caller, album: Album, tracks: Sequence[Track], market: str) -> Json:
    """An album by itself, with its tracks."""
    rows = [simple_track(caller, track, market) for track in tracks]
    return {
        **simple_album(caller, album),
        "tracks": paging(caller, f"/albums/{album.id}/tracks", rows, (50, 0)),
        "copyrights": [{"text": f"{album.released[:4]} Nobody", "type": "P"}],
        "external_ids": {"upc": f"{abs(album.number) % 10**12:012d}"},
    }


def simple_track(caller: Caller, track: Track, market: str = "") -> Json:
    """A track within an album; `market` empty: nobody asked whether it can be played."""
    told: Json = {
        **_named(caller, "track", track.id),
        "artists": [simple_artist(caller, artist) for artist in track.artists],
        "disc_number": 1,
        "duration_ms": track.duration_ms,
        "explicit": track.explicit,
        "name": track.name,
        "track_number": track.track_number,
        "is_local": track.is_local,
    }
    if market:
        told["is_playable"] = track.is_playable(market)
        if not track.is_playable(market):
            told["restrictions"] = {"reason": "market"}
    return told


def track_object(caller: Caller, track: Track, market: str = "") -> Json:
    """A track by itself or in a list; with a market, the one that stands for it there."""
    other = caller.world.catalogue.relinked.get(track.id, "") if market else ""
    track = caller.world.catalogue.get(other) or track
    return {
        **simple_track(caller, track, market),
        "album": simple_album(caller, track.album),
        "external_ids": {"isrc": track.isrc},
    }


def episode_object(caller: Caller, identifier: str, duration_ms: int) -> Json:
    """An episode of an invented podcast."""
    show = "5CfCWKI5pZ28U0uOzXkDHe"
    words: Json = {"description": "Talk.", "html_description": "<p>Talk.</p>", "languages": ["en"]}
    return {
        **_named(caller, "episode", identifier),
        **words,
        "duration_ms": duration_ms,
        "explicit": False,
        "images": _pictures(identifier),
        "is_externally_hosted": False,
        "is_playable": True,
        "name": "An episode",
        "release_date": "2026-01-01",
        "release_date_precision": "day",
        "show": {
            **_named(caller, "show", show),
            **words,
            "copyrights": [],
            "explicit": False,
            "images": _pictures(show),
            "is_externally_hosted": False,
            "media_type": "audio",
            "name": "A podcast",
            "total_episodes": 1,
        },
    }


def user_object(caller: Caller, user: User) -> Json:
    """A user as others see them."""
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/user/{user.id}"},
        "href": f"{caller.base}/users/{user.id}",
        "id": user.id,
        "type": "user",
        "uri": user.uri,
    }


def simple_playlist(caller: Caller, playlist: Playlist) -> Json:
    """A playlist in a list: how many items it has, not which."""
    owner = caller.world.users.get(
        playlist.owner, User(playlist.owner, playlist.owner.capitalize())
    )
    cover = [{"url": f"https://i.scdn.co/image/{playlist.id}", "height": None, "width": None}]
    items = f"{caller.base}/playlists/{playlist.id}/items"
    return {
        **_named(caller, "playlist", playlist.id),
        "collaborative": playlist.collaborative,
        "description": playlist.description or "",
        "images": cover if playlist.entries or playlist.cover else [],
        "name": playlist.name,
        "owner": {**user_object(caller, owner), "display_name": owner.display_name},
        "public": playlist.public,
        "snapshot_id": playlist.snapshot_id,
        "items": {"href": items, "total": len(playlist.entries)},
    }


def playlist_object(caller: Caller, playlist: Playlist, rows: Json | None) -> Json:
    """A playlist by itself; without rows for who may not see them."""
    told = simple_playlist(caller, playlist)
    told["followers"] = {"href": None, "total": 0}
    del told["items"]
    return told if rows is None else {**told, "items": rows}


def playlist_row(caller: Caller, entry: Entry, market: str) -> Json:
    """A row of a playlist; a track that is gone is null."""
    kind, _, identifier = entry.uri.removeprefix("spotify:").partition(":")
    track = caller.world.catalogue.by_uri(entry.uri)
    item = None if track is None else track_object(caller, track, market)
    if kind == "episode":
        item = episode_object(caller, identifier, 1_800_000)
    adder = caller.world.users.get(entry.added_by, User(entry.added_by, entry.added_by))
    return {
        "added_at": iso(entry.added_at),
        "added_by": user_object(caller, adder),
        "is_local": False,
        "item": item,
    }


def context_object(caller: Caller, uri: str) -> Json | None:
    """What something was played from; null when it was played by itself."""
    kind, _, identifier = uri.removeprefix("spotify:").partition(":")
    told = _named(caller, kind, identifier)
    del told["id"]
    return told if identifier else None


def paging(
    caller: Caller,
    path: str,
    rows: Sequence[Any],
    page: tuple[int, int],
    total: int | None = None,
    **query: str,
) -> Json:
    """A page of a list.

    Args:
        caller: Who asks.
        path: Of the list, below /v1.
        rows: All rows; with `total`: those of this page only.
        page: Limit and offset.
        total: How many there are, when `rows` holds only this page.
        query: What else belongs into the links.
    """
    limit, offset = page
    found = list(rows[offset : offset + limit]) if total is None else list(rows)
    every = len(rows) if total is None else total

    def link(start: int) -> str:
        return f"{caller.base}{path}?" + urlencode({**query, "offset": start, "limit": limit})

    return {
        "href": link(offset),
        "limit": limit,
        "next": link(offset + limit) if offset + limit < every else None,
        "offset": offset,
        "previous": link(max(0, offset - limit)) if offset > 0 else None,
        "total": every,
        "items": found,
    }
