"""Bodies of well-formed events, decoded in one go; any other is for the rules to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec

from segue.music.event import Event, EventType

__all__ = ["one_event", "told_plainly"]


class _Told(msgspec.Struct, gc=False):
    event_id: str
    user_id: str
    track_id: str
    event_type: EventType
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    ms_played: int | None = None
    session_id: str | None = None
    recommendation_id: str | None = None
    source: str | None = None
    context: dict[str, Any] | None = None


class _Batch(msgspec.Struct, gc=False):
    events: list[_Told]


_EVENT: Final = msgspec.json.Decoder(Event).decode
_ONE: Final = msgspec.json.Decoder(_Told).decode
_LIST: Final = msgspec.json.Decoder(list[_Told]).decode
_BATCH: Final = msgspec.json.Decoder(_Batch).decode


def one_event(body: bytes) -> Event | None:
    """The event of a body that is one event with the right fields; None: see `told_plainly`.

    What it says is not looked at here.
    """
    if b'"events"' in body:
        return None
    try:
        event = _EVENT(body)
        at = event.timestamp
        if at.tzinfo is UTC:
            return event
        return None if at.tzinfo is None else replace(event, timestamp=at.astimezone(UTC))
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError):
        return None


def told_plainly(body: bytes) -> Sequence[Event] | None:
    """The events of a body, if every one of them has the right fields; None: see `admitted`.

    What they say is not looked at here.

    >>> told_plainly(b'{"event_id": "1"}') is None
    True
    """
    try:
        if body.startswith(b"["):
            told = _LIST(body)
        elif b'"events"' in body:
            told = _BATCH(body).events
        else:
            told = [_ONE(body)]
        return [_event(one) for one in told]
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError):
        return None


def _event(told: _Told) -> Event:
    return Event(
        told.event_id,
        told.user_id,
        told.track_id,
        told.event_type,
        told.timestamp.astimezone(UTC),
        told.ms_played,
        told.session_id,
        told.recommendation_id,
        "app" if told.source is None else told.source,
        told.context or {},
    )
