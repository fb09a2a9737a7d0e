"""What a service answers, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

__all__ = [
    "EventOutcome",
    "Forgotten",
    "FoundTrack",
    "Health",
    "Named",
    "Profile",
    "Recent",
    "Recommendations",
    "RecommendedTrack",
    "Track",
    "User",
    "UserPage",
]


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """What became of an event.

    Args:
        outcome: accepted, duplicate or rejected.
        code: Why it was rejected, for programs; likewise field and reason.
    """

    event_id: str | None
    outcome: str
    code: str | None = None
    field: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RecommendedTrack:
    """A place in a list of recommendations; see `segue.music.playlist.PlaylistTrack`."""

    rank: int
    track_id: str
    title: str
    artists: tuple[str, ...]
    score: float
    reason: str
    sources: tuple[str, ...] = ()
    album: str | None = None
    year: int | None = None
    duration_ms: int | None = None
    spotify_uri: str | None = None
    recording_mbid: str | None = None
    isrc: str | None = None


@dataclass(frozen=True, slots=True)
class Recommendations:
    """What to play next.

    Args:
        recommendation_id: For the events that it leads to.
        made_at: The moment it is for, aware.
        notes: What a reader should know.
        made: “full”; or “quick” or “before”, where the service had too much to do for that.
    """

    recommendation_id: str
    made_at: datetime
    mix: str
    tracks: tuple[RecommendedTrack, ...]
    title: str = ""
    user_id: str | None = None
    notes: tuple[str, ...] = ()
    made: str = "full"


@dataclass(frozen=True, slots=True)
class FoundTrack:
    """A track that a search found; score 0 … 100: how well it fits."""

    track_id: str
    title: str
    artists: tuple[str, ...]
    score: float
    album: str | None = None
    year: int | None = None
    duration_ms: int | None = None
    popularity: float | None = None
    spotify_uri: str | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """All that is known of a track."""

    track_id: str
    title: str
    artists: tuple[str, ...]
    album: str | None = None
    year: int | None = None
    duration_ms: int | None = None
    explicit: bool | None = None
    popularity: float | None = None
    genres: tuple[str, ...] = ()
    audio_features: Mapping[str, float] = field(default_factory=dict)
    plays: int | None = None
    isrc: str | None = None
    spotify_uri: str | None = None
    recording_mbid: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A user, in short; live: there are events of theirs."""

    user_id: str
    plays: int = 0
    first_played_at: datetime | None = None
    last_played_at: datetime | None = None
    live: bool = False


@dataclass(frozen=True, slots=True)
class UserPage:
    """Some users; after: what the next page is asked for with, if there is one."""

    users: tuple[User, ...]
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A name, and its share of what is heard, 0 … 1."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Recent:
    """A track that was played lately."""

    track_id: str
    title: str | None
    artists: tuple[str, ...]
    played_at: datetime
    finished: bool
    skipped: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """What a user is like; tracks by their ids, artists, genres and eras by name."""

    user_id: str
    plays: int
    skips: int
    finishes: int
    skip_rate: float | None = None
    finish_rate: float | None = None
    distinct_tracks: int = 0
    first_played_at: datetime | None = None
    last_played_at: datetime | None = None
    tracks: tuple[Named, ...] = ()
    artists: tuple[Named, ...] = ()
    genres: tuple[Named, ...] = ()
    eras: tuple[Named, ...] = ()
    audio_features: Mapping[str, float] = field(default_factory=dict)
    recent: tuple[Recent, ...] = ()


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten of a user; remains: what is left, and how that is removed."""

    user_id: str
    events: int
    remains: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a service can recommend, and what with; behind: consumer -> events to take."""

    ready: bool
    bundle: str | None = None
    snapshot: str | None = None
    trained_at: datetime | None = None
    trouble: tuple[str, ...] = ()
    behind: Mapping[str, int] = field(default_factory=dict)
