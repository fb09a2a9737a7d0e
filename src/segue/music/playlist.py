"""A playlist: ordered tracks, each with the reason why it is there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["Playlist", "PlaylistTrack", "playlist_id_of"]


def playlist_id_of(user_id: str | None, mix: str, choice: str = "") -> str:
    """The id of a user's playlist, whatever its tracks are this week.

    Args:
        choice: What else tells it from others of the mix, such as its filters.
    """
    told = "\x1f".join([user_id or "", mix, *([choice] if choice else [])])
    return "p" + hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class PlaylistTrack:
    """One place in a playlist.

    Args:
        rank: 1 = first.
        score: The recommender's score after all steps.
        reason: One sentence, true, made of the evidence.
        sources: Recommenders that proposed it, strongest first.
        duration_ms: None when unknown.
    """

    rank: int
    track_id: str
    title: str
    artists: tuple[str, ...]
    score: float
    reason: str
    sources: tuple[str, ...]
    album: str | None = None
    duration_ms: int | None = None
    year: int | None = None
    spotify_uri: str | None = None
    recording_mbid: str | None = None
    isrc: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values; unknown ones are None."""
        return {
            "rank": self.rank,
            "track_id": self.track_id,
            "title": self.title,
            "artists": list(self.artists),
            "album": self.album,
            "year": self.year,
            "duration_ms": self.duration_ms,
            "spotify_uri": self.spotify_uri,
            "recording_mbid": self.recording_mbid,
            "isrc": self.isrc,
            "score": round(self.score, 6),
            "reason": self.reason,
            "sources": list(self.sources),
        }


@dataclass(frozen=True, slots=True)
class Playlist:
    """Title, ordered tracks, and how it was made.

    Args:
        playlist_id: Stable for the same user and mix, whatever its tracks are this week.
        made_at: The moment it is for, aware UTC.
        notes: What a reader should know, such as "only 12 tracks fit the filters".
        mix: What sort of playlist it is, such as "discover"; None when made by other means.
    """

    playlist_id: str
    title: str
    description: str
    user_id: str | None
    made_at: datetime
    tracks: tuple[PlaylistTrack, ...]
    notes: tuple[str, ...] = ()
    mix: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values: the shape of `segue recommend --json`."""
        return {
            "playlist_id": self.playlist_id,
            "title": self.title,
            "description": self.description,
            "user_id": self.user_id,
            "made_at": self.made_at.isoformat(),
            "mix": self.mix,
            "notes": list(self.notes),
            "tracks": [track.as_dict() for track in self.tracks],
        }
