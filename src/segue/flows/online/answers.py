"""What the service is asked and what it answers: values that are ready to be JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import msgspec

from segue.music.playlist import Playlist, PlaylistTrack

__all__ = [
    "BEFORE",
    "FULL",
    "QUICK",
    "Answer",
    "Forgotten",
    "FoundTrack",
    "Health",
    "Listened",
    "Named",
    "Recent",
    "TrackCard",
    "UserCard",
    "UserProfile",
    "answer_in",
    "answer_of",
    "what_is_left",
]


FULL: Final = "full"
"""How an answer was made: by all that there is."""
QUICK: Final = "quick"
"""By fewer steps, since there was no time for all."""
BEFORE: Final = "before"
"""Before something that is known now; what does not fit any more is taken out."""

_BESIDE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Listened:
    """One track of an ad-hoc question: what somebody played or likes.

    Args:
        track_id: Segue's id, or a reference such as a Spotify URI.
        plays: How often it was played, 0 … 1,000; 0 is enough for a track that is only liked.
        last_played_at: Aware; None: lately.
    """

    track_id: str
    plays: int = 1
    liked: bool = False
    last_played_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Recommendations.

    Args:
        recommendation_id: The same for the same answer; events may name it.
        user_id: Who asked; None where no stored user was meant.
        made_at: The moment the recommendations are for, aware UTC.
        notes: What a reader should know, such as “only 12 tracks fit the filters”.
        body: All of it as finished JSON.
        made: FULL, QUICK or BEFORE.
    """

    recommendation_id: str
    user_id: str | None
    made_at: datetime
    mix: str
    title: str
    notes: tuple[str, ...]
    body: bytes = field(repr=False)
    made: str = FULL

    @property
    def tracks(self) -> tuple[PlaylistTrack, ...]:
        """In playing order, each with its score and reason; read out of the body."""
        told: list[dict[str, Any]] = msgspec.json.decode(self.body)["tracks"]
        return tuple(
            PlaylistTrack(
                **{
                    **track,
                    "artists": tuple(track["artists"]),
                    "sources": tuple(track["sources"]),
                }
            )
            for track in told
        )

    @property
    def size(self) -> int:
        """Bytes, about."""
        return _BESIDE + len(self.body)


def answer_of(
    playlist: Playlist, recommendation_id: str, user_id: str | None, *, made: str = FULL
) -> Answer:
    """The playlist as an answer."""
    told: dict[str, Any] = {
        "recommendation_id": recommendation_id,
        "user_id": user_id,
        "made_at": playlist.made_at,
        "made": made,
        "mix": playlist.mix,
        "title": playlist.title,
        "notes": playlist.notes,
        "tracks": [track.as_dict() for track in playlist.tracks],
    }
    return Answer(
        recommendation_id=recommendation_id,
        user_id=user_id,
        made_at=playlist.made_at,
        mix=playlist.mix or "",
        title=playlist.title,
        notes=playlist.notes,
        body=msgspec.json.encode(told),
        made=made,
    )


def what_is_left(
    answer: Answer, fitting: Collection[str], recommendation_id: str
) -> tuple[Answer, tuple[str, ...]]:
    """An earlier answer with those of its tracks that fit still, and these.

    Its moment stays that of before; places are told anew.
    """
    told: dict[str, Any] = msgspec.json.decode(answer.body)
    tracks = [track for track in told["tracks"] if track["track_id"] in fitting]
    told |= {
        "recommendation_id": recommendation_id,
        "made": BEFORE,
        "tracks": [{**track, "rank": rank} for rank, track in enumerate(tracks, start=1)],
    }
    left = replace(
        answer,
        recommendation_id=recommendation_id,
        body=msgspec.json.encode(told),
        made=BEFORE,
    )
    return left, tuple(track["track_id"] for track in tracks)


class _Track(msgspec.Struct):
    track_id: str


class _Told(msgspec.Struct):
    """What is read of a finished answer."""

    recommendation_id: str
    user_id: str | None
    made_at: datetime
    mix: str
    title: str
    notes: tuple[str, ...]
    tracks: list[_Track]


_READ: Final = msgspec.json.Decoder(_Told).decode


def answer_in(body: bytes) -> tuple[Answer, tuple[str, ...]]:
    """The answer that a body of `answer_of` holds, and its tracks."""
    told = _READ(body)
    answer = Answer(
        recommendation_id=told.recommendation_id,
        user_id=told.user_id,
        made_at=told.made_at,
        mix=told.mix,
        title=told.title,
        notes=told.notes,
        body=body,
    )
    return answer, tuple(track.track_id for track in told.tracks)


@dataclass(frozen=True, slots=True)
class FoundTrack:
    """A track that a search found.

    Args:
        score: 0 … 100: how well it fits what was typed.
    """

    track_id: str
    title: str
    artists: tuple[str, ...]
    score: float
    album: str | None = None
    year: int | None = None
    duration_ms: int | None = None
    popularity: float | None = None
    spotify_uri: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TrackCard:
    """All that is known of a track.

    Args:
        audio_features: By name; those that are not known are left away.
        popularity: 0 … 100, of a catalogue.
        plays: Counted plays by the users here, as of the last training.
    """

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
class UserCard:
    """A user, in short.

    Args:
        plays: Counted plays of the published history; events since then are not among them.
        first_played_at: Of that history; None: there is none yet.
        live: Whether the event log knows the user.
    """

    user_id: str
    plays: int = 0
    first_played_at: datetime | None = None
    last_played_at: datetime | None = None
    live: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A name, and its share of what is heard, 0 … 1; shares of a list add up to 1 at most."""

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
class UserProfile:
    """What a user's history and events tell of them, up to now.

    What was heard counts half after 90 days.

    Args:
        plays: Counted plays.
        skip_rate: Of plays whose end is known, 0 … 1; None: there are none.
        tracks: The favourite ones, by track id; likewise artists, genres and eras by name.
        audio_features: Weighted means of the tracks heard.
        recent: The latest plays, the last first.
    """

    user_id: str
    plays: int
    skips: int
    finishes: int
    skip_rate: float | None
    finish_rate: float | None
    distinct_tracks: int
    first_played_at: datetime | None
    last_played_at: datetime | None
    tracks: tuple[Named, ...]
    artists: tuple[Named, ...]
    genres: tuple[Named, ...]
    eras: tuple[Named, ...]
    audio_features: Mapping[str, float]
    recent: tuple[Recent, ...]
    said: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten of a user, and what is left.

    Args:
        events: Of the log.
        remains: What the service cannot remove while it runs, and how it is removed; empty:
            nothing remains.
    """

    user_id: str
    events: int
    remains: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the service can answer, and what with.

    Args:
        ready: Whether recommendations can be made.
        bundle: Name of the models; None: there are none yet.
        snapshot: Name of the published history.
        trouble: One sentence for each thing that is wrong.
        behind: Consumer of events -> how many it has yet to take.
    """

    ready: bool
    bundle: str | None
    snapshot: str | None
    trained_at: datetime | None
    trouble: Sequence[str]
    behind: Mapping[str, int]
