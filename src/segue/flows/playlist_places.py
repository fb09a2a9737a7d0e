"""Playlists by the names that people give them: an address, an id, a file, the saved tracks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from segue.errors import ConfigError, ServiceError, SinkError
from segue.flows.destinations import DESTINATIONS, open_service
from segue.flows.playlist_file import read_playlist
from segue.flows.wiring import Wiring
from segue.music.playlist import PlaylistTrack
from segue.playlists.service_base import Item, PlaylistService
from segue.playlists.sync import as_track

__all__ = ["Place", "ReadPlaylist", "place_of", "read_place"]

SAVED: Final = "saved"
_ADDRESS: Final = re.compile(r"https?://[^/]+/(?:[^?#]*/)?playlist/([^/?#]+)")
_SPOTIFY_ID: Final = re.compile(r"[0-9A-Za-z]{22}")
_OWN_OF_SPOTIFY: Final = "37i9dQZ"
_MISSING: Final = 404
_FORBIDDEN: Final = 403
_CLOSED: Final = (
    "Spotify closed the playlists that it makes (Discover Weekly, Release Radar, mixes, charts) to "
    "apps on 27 November 2024: no app can read them. Copy this week's into a playlist of your own "
    "in Spotify's app (“Add to other playlist”), and archive or sync that one; what your data "
    "export lists comes in with segue import."
)
_GONE: Final = (
    "Is the id right, and the playlist yours? What was deleted, or made by Spotify itself "
    "(Discover Weekly and the like), is not shown to apps."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a playlist is.

    Args:
        service: One of the services, or "file".
        remote_id: Its id there, “saved”, or the file's path.
    """

    service: str
    remote_id: str

    @property
    def name(self) -> str:
        """What it is called in the archive."""
        return f"{self.service}={self.remote_id}"


@dataclass(frozen=True, slots=True)
class ReadPlaylist:
    """A playlist that was read.

    Args:
        items: All of them in order, as the service knows them.
        tracks: The same as other services can look for them, without what is gone or nameless.
    """

    place: Place
    title: str
    items: tuple[Item, ...]
    tracks: tuple[PlaylistTrack, ...]
    requests: int = 0


def place_of(given: str) -> Place:
    """Where the playlist is that a person names.

    Raises:
        ConfigError: It cannot be said.
    """
    text = given.strip()
    if text.lower() == SAVED:
        return Place("spotify", SAVED)
    if text.lower().endswith(".json"):
        return Place("file", text)
    if text.startswith("spotify:playlist:"):
        return Place("spotify", text.rpartition(":")[2])
    if (found := _ADDRESS.match(text)) is not None:
        host = text.split("/")[2]
        service = "listenbrainz" if "listenbrainz" in host else "spotify"
        return Place(service, found[1])
    service, colon, remote_id = text.partition(":")
    if colon and service in DESTINATIONS and remote_id:
        return Place(service, remote_id)
    if _SPOTIFY_ID.fullmatch(text):
        return Place("spotify", text)
    raise ConfigError(
        f"“{given}” names no playlist",
        field="playlist",
        cure="Give a Spotify address or id, listenbrainz:ID, subsonic:ID, saved (your saved"
        " tracks) or a .json file of segue recommend.",
    )


def read_place(
    wiring: Wiring, place: Place, *, user_id: str, clock: Callable[[], datetime]
) -> ReadPlaylist:
    """A playlist with all its items.

    Raises:
        ServiceError: The service refuses or does not answer; the cure says why where it is known.
        SinkError: There is no such playlist.
        SourceError: The file holds none.
    """
    if place.service == "file":
        playlist = read_playlist(Path(place.remote_id))
        items = tuple(_as_item(track) for track in playlist.tracks)
        return ReadPlaylist(place, playlist.title, items, playlist.tracks)
    service = open_service(wiring, place.service, user_id=user_id, clock=clock, purpose="playlists")
    begun = service.requests
    if place == Place("spotify", SAVED):
        from segue.playlists.spotify_playlists import spotify_item

        rows = wiring.spotify(clock).api(user_id, "playlists").saved_tracks()
        items = tuple(spotify_item(row) for row in rows)
        title = "Saved tracks"
    else:
        title, items = _read(service, place)
    named = (item for item in items if item.key or (item.title and item.artists))
    tracks = tuple(as_track(item, place.service) for item in named)
    return ReadPlaylist(place, title, items, tracks, service.requests - begun)


def _read(service: PlaylistService, place: Place) -> tuple[str, tuple[Item, ...]]:
    of_spotify = place.service == "spotify" and place.remote_id.startswith(_OWN_OF_SPOTIFY)
    head = None if of_spotify else service.head(place.remote_id)
    if head is None:
        what = f"there is no playlist {place.remote_id} that {place.service} shows to apps"
        raise SinkError(what, cure=_CLOSED if of_spotify else _GONE)
    try:
        return head.title, tuple(service.items(place.remote_id))
    except ServiceError as error:
        if error.status not in (_MISSING, _FORBIDDEN):
            raise
        raise SinkError(
            f"“{head.title}” cannot be read: {place.service} shows apps only what you own or"
            " collaborate on",
            cure="Copy it into a playlist of your own there, and name that one.",
        ) from error


def _as_item(track: PlaylistTrack) -> Item:
    return Item(track.spotify_uri or "", track.title, track.artists, track.isrc or "")
