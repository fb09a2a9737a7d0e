"""Answers and bodies as the documentation describes them, with examples."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from segue.doors.http.event_desk import EventOutcomes
from segue.doors.http.problems import Problem
from segue.flows.online import Forgotten, FoundTrack, Health, TrackCard, UserCard, UserProfile
from segue.music.event import EVENT_TYPES

__all__ = [
    "FoundTracks",
    "Live",
    "Recommendations",
    "Users",
    "Version",
    "answers",
    "components",
    "event_body",
]

_REF: Final = "#/components/schemas/{name}"


@dataclass(frozen=True, slots=True)
class RecommendedTrack:
    """A place in a list of recommendations.

    Args:
        rank: 1 = first.
        score: Of this list; higher is better.
        reason: Why it is here, in a sentence.
        sources: Recommenders that proposed it, strongest first.
    """

    rank: int
    track_id: str
    title: str
    artists: list[str]
    album: str | None
    year: int | None
    duration_ms: int | None
    spotify_uri: str | None
    recording_mbid: str | None
    isrc: str | None
    score: float
    reason: str
    sources: list[str]


@dataclass(frozen=True, slots=True)
class Recommendations:
    """What to play next.

    Args:
        recommendation_id: The same for the same answer; events that it led to should name it.
        made_at: The moment it is for.
        made: “full”, as nearly always; “quick”: by fewer steps, since the service had too much to
            do; “before”: an earlier answer without what fits no more, likewise. Soon after these
            the same question has a full answer.
        notes: What a reader should know, such as “only 12 tracks fit the filters”.
    """

    recommendation_id: str
    user_id: str | None
    made_at: datetime
    made: Literal["full", "quick", "before"]
    mix: str
    title: str
    notes: list[str]
    tracks: list[RecommendedTrack]


@dataclass(frozen=True, slots=True)
class FoundTracks:
    """What a search found, best first."""

    tracks: tuple[FoundTrack, ...]


@dataclass(frozen=True, slots=True)
class Users:
    """A page of users, by their ids.

    Args:
        after: What to ask for to get the next page; None: this was the last one.
    """

    users: tuple[UserCard, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class Live:
    """The process answers."""

    status: str = "live"


@dataclass(frozen=True, slots=True)
class Version:
    """What is running."""

    name: str
    version: str


def components() -> dict[str, Any]:
    """Schemas of all answers, by name."""
    _, found = msgspec.json.schema_components(
        [
            EventOutcomes,
            FoundTracks,
            Forgotten,
            Health,
            Live,
            Problem,
            Recommendations,
            TrackCard,
            UserProfile,
            Users,
            UserCard,
            Version,
        ],
        ref_template=_REF,
    )
    return {name: {**schema, "description": _lines(schema)} for name, schema in found.items()}


def _lines(schema: dict[str, Any]) -> str:
    """The description without the indentation of a docstring."""
    lines = str(schema.get("description", "")).splitlines()
    return "\n".join(line.strip() for line in lines).strip()


def answers(kind: type[Any], example: Any = None) -> dict[int | str, dict[str, Any]]:
    """What a route answers when all is well."""
    content: dict[str, Any] = {"schema": {"$ref": _REF.format(name=kind.__name__)}}
    if example is not None:
        content["example"] = example
    told = (kind.__doc__ or "").splitlines()[0]
    return {200: {"description": told, "content": {"application/json": content}}}


TRACK: Final[dict[str, Any]] = {
    "rank": 1,
    "track_id": "t0f3a5c81b2d94e67",
    "title": "Blue",
    "artists": ["Ann"],
    "album": "Colours",
    "year": 1994,
    "duration_ms": 214000,
    "spotify_uri": None,
    "recording_mbid": None,
    "isrc": None,
    "score": 0.914233,
    "reason": "Close to the sound of “Red” by Ann, which you played 12 times",
    "sources": ["hybrid"],
}
LIST: Final[dict[str, Any]] = {
    "recommendation_id": "r5d0c3f6f0c1f4f5e9a3b7c21",
    "user_id": "ann",
    "made_at": "2026-03-01T12:00:00Z",
    "made": "full",
    "mix": "discover",
    "title": "Discover, 1 March 2026",
    "notes": [],
    "tracks": [TRACK],
}
EVENT: Final[dict[str, Any]] = {
    "event_id": "9c1e6f0a-6f5e-4d3f-8f55-0b1f6a4d2c77",
    "user_id": "ann",
    "track_id": "t0f3a5c81b2d94e67",
    "event_type": "complete",
    "timestamp": "2026-03-01T12:03:34Z",
    "ms_played": 214000,
    "session_id": "evening",
    "recommendation_id": "r5d0c3f6f0c1f4f5e9a3b7c21",
}
OUTCOMES: Final[dict[str, Any]] = {
    "accepted": 1,
    "duplicate": 0,
    "rejected": 1,
    "events": [
        {"event_id": "1", "outcome": "accepted"},
        {
            "event_id": "2",
            "outcome": "rejected",
            "code": "in_the_future",
            "field": "timestamp",
            "reason": "“timestamp” is over 5 minutes in the future.",
        },
    ],
}

_ID: Final[dict[str, Any]] = {"type": "string", "minLength": 1, "maxLength": 200}
_MAY_BE_LEFT_OUT: Final[dict[str, Any]] = {**_ID, "type": ["string", "null"]}
_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Event",
    "required": ["event_id", "user_id", "track_id", "event_type", "timestamp"],
    "properties": {
        "event_id": {
            **_ID,
            "description": "Given by whoever reports it: the same id of the same user counts once.",
        },
        "user_id": _ID,
        "track_id": {
            **_ID,
            "maxLength": 1000,
            "description": "Segue's id of the track, or a reference such as a Spotify URI.",
        },
        "event_type": {"type": "string", "enum": list(EVENT_TYPES)},
        "timestamp": {"type": "string", "format": "date-time"},
        "ms_played": {"type": ["integer", "null"], "minimum": 0, "maximum": 86_400_000},
        "session_id": _MAY_BE_LEFT_OUT,
        "recommendation_id": _MAY_BE_LEFT_OUT,
        "source": {
            **_MAY_BE_LEFT_OUT,
            "description": "Who reports; left out: app. A key may pin it.",
        },
        "context": {
            "type": ["object", "null"],
            "description": "Anything else worth keeping; at most 4,096 bytes, 4 levels deep.",
        },
    },
}


def event_body(batch: int) -> dict[str, Any]:
    """How a request that reports events looks.

    What an event must be like is described, not demanded: one that is not so is rejected in the
    answer, and the others of its batch are taken.

    Args:
        batch: Most events in a request.
    """
    events = {"type": "array", "maxItems": batch, "items": {"anyOf": [_EVENT, {}]}}
    batches = {
        "type": "object",
        "title": "Events",
        "required": ["events"],
        "properties": {"events": events},
    }
    anything = {"type": "object", "not": {"required": ["events"]}}
    forms = [batches, {**events, "title": "List of events"}, _EVENT, anything]
    examples = {
        "one": {"summary": "One event", "value": EVENT},
        "batch": {
            "summary": "A batch",
            "value": {"events": [EVENT, {**EVENT, "event_id": "2", "event_type": "like"}]},
        },
    }
    content = {"schema": {"anyOf": forms}, "examples": examples}
    return {"required": True, "content": {"application/json": content}}
