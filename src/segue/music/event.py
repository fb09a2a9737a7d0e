"""What happens while somebody listens: one event, as a player or an app reports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, get_args

__all__ = ["EVENT_TYPES", "PLAYBACK", "SPOKEN", "Event", "EventType"]

EventType = Literal[
    "play", "pause", "skip", "complete", "like", "less", "known", "hide", "not_me", "undo"
]
"""play, pause, skip, complete: what the player did; the others: what the listener said of a track
(see `segue.music.feedback`)."""

EVENT_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)
PLAYBACK: Final[frozenset[str]] = frozenset({"play", "pause", "skip", "complete"})
SPOKEN: Final[frozenset[str]] = frozenset(kind for kind in EVENT_TYPES if kind not in PLAYBACK)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; the same `event_id` of the same user is the same event.

    Args:
        event_id: Given by whoever reports it, so that reporting twice counts once.
        user_id: Who listened.
        track_id: The track, as a `track_id` or as the reference of a source, such as a Spotify URI.
        event_type: What happened.
        timestamp: When, aware UTC.
        ms_played: Heard so far of this play, in milliseconds; None where nobody knows.
        session_id: Of the app's session, if it has one.
        recommendation_id: The answer of Segue that led to it.
        source: Who reports; a play's source says whether models may learn from it.
        context: Anything else worth keeping: device, place, activity; JSON values by name.
    """

    event_id: str
    user_id: str
    track_id: str
    event_type: EventType
    timestamp: datetime
    ms_played: int | None = None
    session_id: str | None = None
    recommendation_id: str | None = None
    source: str = "app"
    context: Mapping[str, Any] = field(default_factory=dict)
