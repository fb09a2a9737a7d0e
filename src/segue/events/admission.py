"""The rules at the door: which reported events are taken, and why the others are not."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from segue.music.event import EVENT_TYPES, Event

__all__ = ["LIMITS", "Limits", "Refusal", "RefusalCode", "admitted", "refused"]

RefusalCode = Literal[
    "missing",
    "wrong_type",
    "empty",
    "too_long",
    "bad_character",
    "unknown_event_type",
    "bad_timestamp",
    "in_the_future",
    "too_old",
    "bad_ms_played",
    "bad_context",
    "context_too_large",
    "context_too_deep",
]


@dataclass(frozen=True, slots=True)
class Limits:
    """What an event may be like.

    Args:
        ahead: How far in the future its time may be: clocks differ.
        age: How long ago it may have happened; ten years.
        id_length: Characters of an id.
        track_length: Characters of a track's id or reference; some hold a name and a title.
        ms_played: Longest time heard, in milliseconds; a day.
        context_bytes: Size of the context as JSON without spaces, in UTF-8.
        context_depth: Objects and lists within each other, the context itself included.
    """

    ahead: timedelta = timedelta(minutes=5)
    age: timedelta = timedelta(days=3_653)
    id_length: int = 200
    track_length: int = 1_000
    ms_played: int = 86_400_000
    context_bytes: int = 4_096
    context_depth: int = 4


LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event is not taken.

    Args:
        code: For programs; does not change.
        field: The field at fault; empty: the event as a whole.
        reason: One sentence for people; it repeats nothing that the event says.
    """

    code: RefusalCode
    field: str
    reason: str


_REQUIRED: Final = ("event_id", "user_id", "track_id", "event_type", "timestamp")
_TEXTS: Final = (*_REQUIRED, "session_id", "recommendation_id", "source")
_TYPES: Final = frozenset(EVENT_TYPES)
_IN_NAMES: Final = "\x1f"
"""Stands between artist and title in the reference of a track that has only names."""
_WHOLE: Final = 2**63
"""Beyond this, programs that read JSON do not agree about a whole number."""
_LONGEST_TIME: Final = 64


def admitted(told: object, now: datetime, limits: Limits = LIMITS) -> Event | Refusal:
    """The event that decoded JSON tells of, or why it is not taken.

    Fields of other names are left aside; what is not required may be null.

    Args:
        told: An object with the fields of `Event`, the timestamp as RFC 3339 has it.
        now: Aware UTC.

    >>> now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> told = {"event_id": "1", "user_id": "ann", "track_id": "t1", "event_type": "play"}
    >>> admitted(told, now).reason
    '“timestamp” is missing.'
    >>> admitted({**told, "timestamp": "2026-03-01T13:00:00+01:00"}, now).timestamp == now
    True
    """
    if not isinstance(told, Mapping):
        return Refusal("wrong_type", "", "An event is a JSON object.")
    values: dict[str, Any] = {}
    for name in _TEXTS:
        value = told.get(name)
        if isinstance(value, str):
            values[name] = value
        elif value is not None:
            return Refusal("wrong_type", name, f"“{name}” is text.")
        elif name in _REQUIRED:
            return Refusal("missing", name, f"“{name}” is missing.")
    if (at := _moment(values["timestamp"])) is None:
        return _no_moment()
    values["timestamp"] = at
    heard = told.get("ms_played")
    if heard is not None:
        # JSON knows one kind of number: 1000.0 is a whole one
        if isinstance(heard, bool) or not isinstance(heard, int | float) or heard % 1:
            return Refusal("wrong_type", "ms_played", "“ms_played” is a whole number.")
        values["ms_played"] = int(heard)
    context = told.get("context")
    if context is not None:
        if not isinstance(context, Mapping):
            return Refusal("wrong_type", "context", "“context” is a JSON object.")
        values["context"] = context
    event = Event(**values)
    return refused(event, now, limits) or event


def refused(event: Event, now: datetime, limits: Limits = LIMITS) -> Refusal | None:
    """Why an event is not taken; None: it is.

    Whether it was reported before is for the log to say, of events in one batch, too.

    Args:
        now: Aware UTC.
    """
    if _plain(event, now, limits):
        return None
    ids = (
        ("event_id", event.event_id, limits.id_length),
        ("user_id", event.user_id, limits.id_length),
        ("track_id", event.track_id, limits.track_length),
        ("session_id", event.session_id, limits.id_length),
        ("recommendation_id", event.recommendation_id, limits.id_length),
        ("source", event.source, limits.id_length),
    )
    for name, value, longest in ids:
        if value is not None and (refusal := _bad_text(name, value, longest)):
            return refusal
    if event.event_type not in _TYPES:
        return Refusal(
            "unknown_event_type", "event_type", f"“event_type” is one of {', '.join(EVENT_TYPES)}."
        )
    return (
        _bad_time(event.timestamp, now, limits)
        or _bad_length(event.ms_played, limits)
        or (_bad_context(event.context, limits) if event.context else None)
    )


def _plain(event: Event, now: datetime, limits: Limits) -> bool:
    """Whether an event is fine at a glance, as nearly all are; others are looked at in full."""
    ids = (event.event_id, event.user_id, event.track_id, event.source)
    told = [*ids, *(one for one in (event.session_id, event.recommendation_id) if one is not None)]
    together = "".join(told)
    return (
        event.event_type in _TYPES
        and not event.context
        and min(map(len, told)) > 0
        and max(map(len, told)) <= limits.id_length
        and " " not in together
        and together.isprintable()
        and event.timestamp.tzinfo is not None
        and -limits.age <= event.timestamp - now <= limits.ahead
        and (event.ms_played is None or 0 <= event.ms_played <= limits.ms_played)
    )


# --- fields -------------------------------------------------------------------------------------


def _bad_text(name: str, value: str, longest: int) -> Refusal | None:
    if not value or value.isspace():
        return Refusal("empty", name, f"“{name}” is empty.")
    if len(value) > longest:
        return Refusal("too_long", name, f"“{name}” is longer than {longest:,} characters.")
    allowed = _IN_NAMES if name == "track_id" else ""
    if not _sayable(value, allowed):
        return Refusal(
            "bad_character", name, f"“{name}” has control characters or half of a character."
        )
    return None


def _sayable(value: str, allowed: str = "") -> bool:
    """Whether text has neither control characters nor lone surrogates."""
    return value.isprintable() or not any(
        unicodedata.category(letter) in ("Cc", "Cs") and letter not in allowed for letter in value
    )


def _bad_time(at: datetime, now: datetime, limits: Limits) -> Refusal | None:
    if at.tzinfo is None:
        return _no_moment()
    ahead = at - now
    if ahead > limits.ahead:
        minutes = limits.ahead // timedelta(minutes=1)
        return Refusal(
            "in_the_future", "timestamp", f"“timestamp” is over {minutes} minutes in the future."
        )
    if -ahead > limits.age:
        return Refusal(
            "too_old", "timestamp", f"“timestamp” is over {limits.age.days // 365} years ago."
        )
    return None


def _bad_length(ms_played: int | None, limits: Limits) -> Refusal | None:
    if ms_played is None or 0 <= ms_played <= limits.ms_played:
        return None
    return Refusal(
        "bad_ms_played",
        "ms_played",
        f"“ms_played” is between 0 and {limits.ms_played:,} milliseconds.",
    )


def _bad_context(context: Mapping[str, Any], limits: Limits) -> Refusal | None:
    level: list[object] = [context]
    for _ in range(limits.context_depth):
        parts = [part for value in level for part in _parts(value)]
        if not all(_json_value(part) for part in parts):
            return Refusal(
                "bad_context",
                "context",
                "“context” holds a number or a character that JSON cannot carry safely.",
            )
        level = [part for part in parts if isinstance(part, Mapping | list | tuple)]
        if not level:
            break
    else:
        return Refusal(
            "context_too_deep", "context", f"“context” is over {limits.context_depth} levels deep."
        )
    size = len(json.dumps(context, separators=(",", ":"), ensure_ascii=False).encode())
    if size > limits.context_bytes:
        return Refusal(
            "context_too_large", "context", f"“context” is over {limits.context_bytes:,} bytes."
        )
    return None


def _parts(value: object) -> list[object]:
    """Keys and values of an object, or the parts of a list."""
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    return list(value) if isinstance(value, list | tuple) else []


def _json_value(value: object) -> bool:
    """Whether it is JSON that every program reads alike; parts of it are looked at elsewhere."""
    match value:
        case str():
            return "\x00" not in value and (value.isprintable() or _whole_characters(value))
        case bool() | None:
            return True
        case int():
            return -_WHOLE <= value < _WHOLE
        case float():
            return math.isfinite(value)
        case _:
            return isinstance(value, Mapping | list | tuple)


def _whole_characters(value: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _moment(text: str) -> datetime | None:
    """Aware UTC of a time as RFC 3339 has it; None: it is none."""
    if len(text) > _LONGEST_TIME:
        return None
    try:
        at = datetime.fromisoformat(text.upper())
        return None if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _no_moment() -> Refusal:
    return Refusal(
        "bad_timestamp",
        "timestamp",
        "“timestamp” is no date and time with its offset, such as 2026-03-01T12:00:00Z.",
    )
