"""Kinesis → DynamoDB: every user's profile follows what they play."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Sequence
from typing import Any, Final

from segue.aws.profile_table import ItemOfEvent
from segue.doors.aws import place
from segue.doors.aws.stream import StreamEvent, by_user, failed_from, letters_of, looked_at
from segue.errors import ServiceDownError, StorageError
from segue.events.profiles import Profile, taken, within

__all__ = ["handler"]

_log = logging.getLogger(__name__)
place.begin("dynamodb", "sqs")
_ROOM: Final = 350_000
"""Bytes of a profile when compressed: an item has room for 400 kB."""


def handler(invocation: dict[str, Any], context: object) -> dict[str, Any]:
    """Count the events of a batch of Kinesis records; what failed is delivered again by Lambda.

    What is no event goes to the queue of dead letters, so that it holds up nothing. What a user
    did before they were forgotten counts no more.
    """
    del context
    now = place.now()
    events, refused = looked_at(invocation, now)
    if refused:
        place.dead_letters().send(letters_of(refused))
    failed: list[str] = []
    new = forgotten = 0
    for user_id, theirs in by_user(events).items():
        told = {one.event.event_id: one for one in reversed(theirs)}
        items = [ItemOfEvent(one.event.event_id, one.event.timestamp, one.body) for one in theirs]
        try:
            took = place.profiles().take(user_id, items, _Merged(told), now)
            new, forgotten = new + took.new, forgotten + took.forgotten
        except (ServiceDownError, StorageError) as error:
            failed += [one.sequence for one in theirs]
            _log.warning("profiles: %s", error.message)
    _log.info(
        "profiles: %d new, %d of forgotten users, %d refused, %d failed",
        new,
        forgotten,
        len(refused),
        len(failed),
    )
    return failed_from(invocation, failed)


class _Merged:
    """The record of a profile after further events."""

    def __init__(self, told: dict[str, StreamEvent]) -> None:
        self._told = told

    def __call__(self, record: bytes | None, fresh: Sequence[ItemOfEvent]) -> bytes:
        events = [self._told[one.event_id].event for one in fresh]
        return within(taken(Profile.from_bytes(record), events), _has_room).to_bytes()


def _has_room(record: bytes) -> bool:
    return len(record) <= _ROOM or len(zlib.compress(record)) <= _ROOM
