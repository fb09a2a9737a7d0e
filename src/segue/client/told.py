"""What a service is told and asked, as values."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

__all__ = ["Asked", "EventReport", "Listened", "event"]

Span = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class EventReport:
    """Something that happened while somebody listened; see docs/events.md.

    Args:
        event_id: The same event keeps it, however often it is sent.
        timestamp: When it happened, aware.
    """

    event_id: str
    user_id: str
    track_id: str
    event_type: str
    timestamp: datetime
    ms_played: int | None = None
    session_id: str | None = None
    recommendation_id: str | None = None
    source: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As it is sent."""
        told = {name: getattr(self, name) for name in self.__slots__}
        told["timestamp"] = self.timestamp.isoformat()
        return {name: value for name, value in told.items() if value not in (None, {})}


def event(
    user_id: str,
    track_id: str,
    event_type: str,
    *,
    timestamp: datetime | None = None,
    **more: Any,
) -> EventReport:
    """An event of now, with an id of its own.

    Args:
        event_type: play, pause, skip, complete, like, less, known, hide, not_me or undo.
        timestamp: When it happened, aware; None: now.
        more: Other fields of `EventReport`.

    >>> event("ann", "t1", "skip", ms_played=4_000).event_type
    'skip'
    """
    at = timestamp or datetime.now(tz=UTC)
    return EventReport(_growing_id(), user_id, track_id, event_type, at, **more)


def _growing_id() -> str:
    """A UUID of version 7 (RFC 9562): later ones are greater, which spares the log's index work."""
    ms = time.time_ns() // 1_000_000
    chance = secrets.randbits(74)
    value = ms << 80 | 0x7 << 76 | chance >> 62 << 64 | 0b10 << 62 | chance & (1 << 62) - 1
    return str(uuid.UUID(int=value))


@dataclass(frozen=True, slots=True)
class Listened:
    """A track that somebody played or likes, who is not known to the service."""

    track_id: str
    plays: int = 1
    liked: bool = False
    last_played_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """As it is sent."""
        told: dict[str, Any] = {
            "track_id": self.track_id,
            "plays": self.plays,
            "liked": self.liked,
        }
        if self.last_played_at is not None:
            told["last_played_at"] = self.last_played_at.isoformat()
        return told


@dataclass(frozen=True, slots=True)
class Asked:
    """What recommendations should be like; what is left out is for the service to choose.

    Args:
        k: Tracks wanted, 1 … 200.
        mix: discover, rediscover or daily.
        adventurous: 0 … 1, from the familiar to the far.
        genres: At least one of these.
        years: First and last, inclusive; None: no bound. Likewise beats a minute, and minutes.
        mood: happy, calm, sad, angry, energetic, party, focus or sleep.
        sound: Audio feature -> lowest and highest, 0 … 1.
        explicit: False: nothing that is known to be explicit; True: only such.
        seeds: Tracks to be like.
        recent_hours: A track played within this many hours is left out.
    """

    k: int | None = None
    mix: str | None = None
    adventurous: float | None = None
    genres: tuple[str, ...] = ()
    years: Span | None = None
    tempo: Span | None = None
    minutes: Span | None = None
    mood: str | None = None
    sound: Mapping[str, Span] = field(default_factory=dict)
    explicit: bool | None = None
    exclude: tuple[str, ...] = ()
    exclude_artists: tuple[str, ...] = ()
    per_artist: int | None = None
    seeds: tuple[str, ...] = ()
    recent_hours: float | None = None

    def as_json(self) -> dict[str, Any]:
        """As it is sent."""
        told: dict[str, Any] = {
            "k": self.k,
            "mix": self.mix,
            "adventurous": self.adventurous,
            "genre": list(self.genres),
            "years": _span(self.years),
            "tempo": _span(self.tempo),
            "minutes": _span(self.minutes),
            "mood": self.mood,
            "explicit": self.explicit,
            "exclude": list(self.exclude),
            "exclude_artist": list(self.exclude_artists),
            "per_artist": self.per_artist,
            "seed": list(self.seeds),
            "recent_hours": self.recent_hours,
            **{feature: _span(bounds) for feature, bounds in self.sound.items()},
        }
        return {name: value for name, value in told.items() if value not in (None, [])}


def _span(bounds: Span | None) -> str | None:
    if bounds is None:
        return None
    low, high = ("" if end is None else f"{end:.3f}".rstrip("0").rstrip(".") for end in bounds)
    return f"{low}-{high}"
