"""Publish a playlist, and keep what it held: its history grows with every publication."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime
from typing import Final

from segue.flows.accounts import account_at
from segue.flows.destinations import service_sink
from segue.flows.home_parts import playlists_of
from segue.flows.playlist_history import archive_of
from segue.flows.playlist_places import Place
from segue.flows.spotify.sign_in import sign_ins
from segue.flows.wiring import Wiring
from segue.music.playlist import Playlist
from segue.playlists.archive import State
from segue.playlists.base import PublishReport
from segue.playlists.published import PublishedLists
from segue.playlists.service_base import Item

__all__ = ["FORMATS", "as_file", "publish", "published_places", "ready_destinations"]

FORMATS: Final = {"m3u": "audio/x-mpegurl", "jspf": "application/json", "csv": "text/csv"}
"""Kinds of files -> media types."""

_PUBLISHED: Final = "published"


def ready_destinations(
    wiring: Wiring, user_id: str, clock: Callable[[], datetime]
) -> tuple[str, ...]:
    """Services where a user's playlists can go, as things are set up."""
    found = []
    if any(one.user_id == user_id for one in sign_ins(wiring.spotify(clock))):
        found.append("spotify")
    for name in ("listenbrainz", "subsonic"):
        account = account_at(wiring, name, user_id)
        if account.name and account.secret:
            found.append(name)
    if not wiring.settings.subsonic.url and "subsonic" in found:
        found.remove("subsonic")
    return tuple(found)


def publish(
    wiring: Wiring,
    playlist: Playlist,
    service: str,
    *,
    user_id: str,
    clock: Callable[[], datetime],
    into: str = "",
    dry_run: bool = False,
) -> PublishReport:
    """Make a playlist at a service what it is here, and keep in the archive what it holds.

    Args:
        service: One of `segue.flows.destinations.DESTINATIONS`.
        into: An existing playlist to refresh; see `service_sink`.
        dry_run: Only tell what would change.

    Raises:
        ConfigError: There is no such service, or it is not set up.
        ServiceError: It refuses or does not answer; running it again goes on.
        SinkError: The archive cannot be written.
        BusyError: Another process is publishing there.
    """
    sink = service_sink(wiring, service, user_id=user_id, clock=clock, into=into)
    report = sink.publish(playlist, dry_run=dry_run)
    if not dry_run and report.remote_id:
        items = _items(wiring, playlist, service, user_id)
        place = Place(service, report.remote_id)
        archive_of(wiring.home, user_id).add(place.name, State(clock(), playlist.title, items))
    return report


def as_file(wiring: Wiring, playlist: Playlist, kind: str) -> bytes:
    """A playlist as a file of one of `FORMATS`."""
    written = io.StringIO()
    wiring.sink(kind, written).publish(playlist)
    return written.getvalue().encode()


def published_places(wiring: Wiring, user_id: str) -> frozenset[str]:
    """Where playlists are that Segue keeps fresh, as the archive names them."""
    folder = playlists_of(wiring.home, user_id) / _PUBLISHED
    notes = PublishedLists(folder)
    found = []
    for path in folder.glob("*=*.json"):
        service, _, playlist_id = path.stem.partition("=")
        note = notes.read(service, playlist_id)
        if note.remote_id:
            found.append(Place(service, note.remote_id).name)
    return frozenset(found)


def _items(wiring: Wiring, playlist: Playlist, service: str, user_id: str) -> tuple[Item, ...]:
    """What the service holds now, with the names that tracks have here."""
    notes = PublishedLists(playlists_of(wiring.home, user_id) / _PUBLISHED)
    note = notes.read(service, playlist.playlist_id)
    names = {}
    for track in playlist.tracks:
        key = note.matches.get(track.track_id) or track.spotify_uri or track.recording_mbid or ""
        names[key] = Item(key, track.title, track.artists, track.isrc or "")
    return tuple(names.get(key, Item(key)) for key in note.keys)
