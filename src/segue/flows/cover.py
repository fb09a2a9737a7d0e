"""Draw a playlist's cover from how its tracks sound, and hang it up where the playlist is."""

from __future__ import annotations

import base64
import hashlib
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from segue.errors import NotReadyError, ServiceError
from segue.flows.destinations import published_lists
from segue.music import columns as c
from segue.music.playlist import Playlist
from segue.playlists.cover import Features, cover_drawing, cover_image
from segue.warehouse.snapshot_database import open_snapshot

if TYPE_CHECKING:
    from segue.flows.wiring import Wiring
    from segue.services.spotify.api import SpotifyApi

__all__ = ["Hung", "draw_cover", "features_of", "hang_cover"]

_log = logging.getLogger(__name__)

_FEATURES: Final = (c.ENERGY, c.VALENCE, c.ACOUSTICNESS, c.DANCEABILITY, c.TEMPO)
_PLACE: Final = "spotify"


@dataclass(frozen=True, slots=True)
class Hung:
    """What became of a cover.

    Args:
        state: It was uploaded, is there already, would be uploaded, or could not be.
        why: Why it could not be; what to do about it.
    """

    state: Literal["uploaded", "same", "planned", "refused"]
    why: str = ""


def features_of(wiring: Wiring, playlist: Playlist) -> list[Features]:
    """How the tracks of a playlist sound, in its order; nothing for a track that nobody knows.

    Raises:
        QueryError: The published marts cannot be read.
    """
    ids = [track.track_id for track in playlist.tracks]
    settings = wiring.settings
    try:
        snapshot = wiring.snapshots.current()
    except NotReadyError:
        return [{} for _ in ids]  # a playlist from elsewhere, in a home without a build
    with open_snapshot(
        snapshot, memory_limit=settings.memory_limit, threads=settings.threads
    ) as database:
        rows = database.table(
            f"SELECT track_id, {', '.join(_FEATURES)} FROM tracks"
            " WHERE track_id IN (SELECT unnest($ids))",
            {"ids": ids},
        ).to_pylist()
    known = {row.pop(c.TRACK_ID): row for row in rows}
    return [known.get(track_id, {}) for track_id in ids]


def draw_cover(wiring: Wiring, playlist: Playlist, *, lettering: bool = True) -> bytes:
    """The cover of a playlist as a JPEG.

    Args:
        lettering: Whether the title is written on it.
    """
    title = playlist.title if lettering else ""
    return cover_image(features_of(wiring, playlist), title, seed=playlist.playlist_id)


def hang_cover(
    wiring: Wiring,
    playlist: Playlist,
    api: SpotifyApi,
    *,
    user_id: str,
    lettering: bool = True,
    dry_run: bool = False,
) -> Hung:
    """Upload the cover of a published playlist to Spotify, unless the same one hangs there.

    Args:
        api: Spotify, for that user.
        user_id: Whose playlist.
        lettering: Whether the title is written on it.
        dry_run: Say what would be done.

    Returns:
        What became of it. Spotify refusing it is no error: the playlist itself is as it should be.

    Raises:
        BusyError: Another process is publishing there.
        SinkError: What is remembered of published playlists cannot be read or written.
    """
    title = playlist.title if lettering else ""
    features = features_of(wiring, playlist)
    drawing = cover_drawing(features, title, seed=playlist.playlist_id)
    mark = hashlib.blake2b(drawing.encode("utf-8", "replace"), digest_size=8).hexdigest()
    notes, place = published_lists(wiring.home, user_id), _PLACE
    with notes.alone(place):
        note = notes.read(place, playlist.playlist_id)
        if not note.remote_id:
            return Hung("refused", "It is not at Spotify yet: run segue publish first.")
        if note.cover == mark:
            return Hung("same")
        if dry_run:
            return Hung("planned")
        image = cover_image(features, title, seed=playlist.playlist_id)
        try:
            api.set_cover(note.remote_id, base64.b64encode(image))
        except ServiceError as error:
            _log.warning("no cover: %s", error.message)
            return Hung("refused", str(error))
        notes.write(place, playlist.playlist_id, replace(note, cover=mark))
    return Hung("uploaded")
