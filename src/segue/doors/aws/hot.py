"""Kinesis → Amazon Personalize: what is played counts within the second."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any, Final

from segue.aws.personalize_live import EVENTS_AT_ONCE, Told
from segue.doors.aws import place
from segue.doors.aws.stream import (
    Refused,
    StreamEvent,
    failed_from,
    letters_of,
    looked_at,
)
from segue.errors import ServiceDownError, ServiceError
from segue.music.event import Event

__all__ = ["handler"]

_log = logging.getLogger(__name__)
place.begin("personalize-events", "sqs")
_TOLD: Final = frozenset({"play", "skip", "complete", "like"})
_THEIRS: Final = "RID-"
_REFUSED: Final = 400


def handler(invocation: dict[str, Any], context: object) -> dict[str, Any]:
    """Tell Personalize of a batch of Kinesis records; what failed is delivered again by Lambda.

    Personalize learns from what it is told, so it is told only of events whose source is one of
    training.sources. It knows events by their ids: those that it is told twice count once. What is
    no event, and what Personalize will not have, goes to the queue of dead letters.
    """
    del context
    events, refused = looked_at(invocation, place.now())
    allowed = place.training_sources()
    known = [one for one in events if one.event.event_type in _TOLD]
    ours = [one for one in known if one.event.source in allowed]
    failed: list[str] = []
    told = 0
    groups = list(_groups(ours))
    while groups:
        group = groups.pop(0)
        try:
            place.personalize().put([_as_told(one.event) for one in group])
            told += len(group)
        except ServiceDownError as error:
            failed += [one.sequence for one in group]
            _log.warning("personalize: %s", error.message)
        except ServiceError as error:
            if error.status != _REFUSED:
                raise
            if len(group) > 1:  # one of them is at fault: the others count
                groups[:0] = [[one] for one in group]
                continue
            _log.warning("personalize: %s", error.message)
            refused.append(Refused(group[0].sequence, "personalize", error.message, group[0].body))
    if refused:
        place.dead_letters().send(letters_of(refused))
    _log.info(
        "personalize: %d told, %d not to be learned from, %d refused, %d failed",
        told,
        len(known) - len(ours),
        len(refused),
        len(failed),
    )
    return failed_from(invocation, failed)


def _groups(events: Sequence[StreamEvent]) -> Iterator[list[StreamEvent]]:
    """Events of one user and session, at most ten together, in their order."""
    by_session: dict[tuple[str, str], list[StreamEvent]] = {}
    for one in events:
        by_session.setdefault((one.event.user_id, _session(one.event)), []).append(one)
    for group in by_session.values():
        for start in range(0, len(group), EVENTS_AT_ONCE):
            yield group[start : start + EVENTS_AT_ONCE]


def _session(event: Event) -> str:
    """The app's session; without one, the user's day."""
    return event.session_id or f"{event.user_id} {event.timestamp:%Y-%m-%d}"


def _as_told(event: Event) -> Told:
    answer = event.recommendation_id or ""
    return Told(
        event.event_id,
        event.user_id,
        _session(event),
        event.track_id,
        event.event_type,
        event.timestamp,
        recommendation_id=answer if answer.startswith(_THEIRS) else "",
    )
