"""Archive playlists, and bring back what they held."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from segue.errors import SinkError
from segue.flows.home_parts import playlists_of
from segue.flows.playlist_places import Place, ReadPlaylist
from segue.music.playlist import Playlist
from segue.playlists.archive import Change, PlaylistArchive, State
from segue.playlists.sync import as_track

__all__ = ["archive_of", "keep_state", "restored"]

_ARCHIVE = "archive"


def archive_of(home: Path, user_id: str) -> PlaylistArchive:
    """What a user has archived in a data home."""
    return PlaylistArchive(playlists_of(home, user_id) / _ARCHIVE)


def keep_state(archive: PlaylistArchive, read: ReadPlaylist, *, now: datetime) -> Change | None:
    """Keep what a playlist holds; None: it is what it held the last time.

    Raises:
        SinkError: The archive is damaged or cannot be written.
    """
    return archive.add(read.place.name, State(now, read.title, read.items))


def restored(archive: PlaylistArchive, place: Place, *, at: datetime, user_id: str) -> Playlist:
    """What a playlist held at a moment, as a playlist of its own.

    Args:
        at: Aware UTC.

    Raises:
        SinkError: Nothing of it was archived by then.
    """
    state = archive.at(place.name, at)
    if state is None:
        states = archive.states(place.name)
        since = f"since {states[0].at:%Y-%m-%d %H:%M} UTC" if states else "never"
        raise SinkError(
            f"{place.name.replace('=', ':')} was not archived by {at:%Y-%m-%d %H:%M} UTC"
            f" (it was {since})",
            cure="Name a later moment, or archive it from now on: segue playlist archive.",
        )
    digest = hashlib.sha256(f"{user_id}\x1f{place.name}".encode()).hexdigest()
    tracks = [as_track(item, place.service) for item in state.items]
    return Playlist(
        playlist_id=f"r{digest[:16]}",
        title=f"{state.title} · {state.at:%Y-%m-%d}",
        description=f"What “{state.title}” held on {state.at.astimezone(UTC):%Y-%m-%d}.",
        user_id=user_id,
        made_at=state.at,
        tracks=tuple(tracks),
    )
