"""Profiles of users in DynamoDB: every event counts once, in whatever order and however often.

A user's items share a partition: the profile under one sort key, and beside it each event that the
profile holds, which go by themselves after some weeks. Both are written in one transaction, so an
event that is delivered again, even at the same moment elsewhere, changes nothing.

Of somebody forgotten a mark stays, under other keys, which does not name them: what they did before
counts no more, however late it arrives.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from segue.aws.clients import Aws
from segue.aws.forgotten_marks import SINCE, ForgottenMarks, key_of, microseconds
from segue.errors import ServiceDownError, StorageError
from segue.music.forgotten import FORGOTTEN

__all__ = ["ItemOfEvent", "Kept", "KeptEvent", "ProfileTable", "Took"]

_SERVICE: Final = "DynamoDB"
_PROFILE: Final = "profile"
_EVENT: Final = "event#"
_AT_ONCE: Final = 90  # events in a transaction, which has room for 100 items
_READ_AT_ONCE: Final = 100
_REMOVED_AT_ONCE: Final = 25
_ATTEMPTS: Final = 8
_PLACES: Final = 100  # between two versions of a profile, for the events that one brought
_THROTTLED: Final = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded"})
_CONFLICTS: Final = frozenset(
    {
        "TransactionCanceledException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


@dataclass(frozen=True, slots=True)
class ItemOfEvent:
    """An event as it is kept beside a profile.

    Args:
        event_id: Unique for its user.
        at: When it happened, aware UTC.
        body: All of it, as JSON.
    """

    event_id: str
    at: datetime
    body: str


@dataclass(frozen=True, slots=True)
class Took:
    """What became of some events of one user.

    Args:
        new: How many were counted.
        duplicate: How many had been counted before.
        forgotten: How many happened before the user was forgotten; they count no more.
    """

    new: int = 0
    duplicate: int = 0
    forgotten: int = 0


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event that is beside a profile.

    Args:
        position: Its place among those of its user: later ones were counted later.
        body: All of it, as JSON.
        taken_at: When it was counted, aware UTC, to the second.
    """

    position: int
    body: str
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a user.

    Args:
        record: The profile; None: the user has done nothing yet.
        events: In the order in which they were counted.
    """

    record: bytes | None
    events: tuple[KeptEvent, ...] = ()


class ProfileTable:
    """A table with the string keys `user_id` and `sk`, and time to live on `expires`.

    Args:
        aws: How to reach DynamoDB.
        table: Its name.
        keep: For how long events stay; an event that is delivered again later than that would be
            counted again, so it is more than a stream keeps its records.
        sleep: Waits some seconds.
    """

    def __init__(
        self, aws: Aws, table: str, *, keep: timedelta, sleep: Callable[[float], None]
    ) -> None:
        self._aws = aws
        self._table = table
        self._keep = keep
        self.marks = ForgottenMarks(aws, table)
        self._sleep = sleep
        self._chance = random.Random()  # noqa: S311 - spreads attempts, keeps no secret

    def profile(self, user_id: str) -> bytes | None:
        """The record of a user; None: the user has done nothing yet."""
        return self._read(user_id)[0]

    def take(
        self,
        user_id: str,
        events: Sequence[ItemOfEvent],
        merged: Callable[[bytes | None, Sequence[ItemOfEvent]], bytes],
        now: datetime,
    ) -> Took:
        """Count the events of a user that were not counted before.

        Args:
            user_id: Whose.
            events: In any order; one that comes twice counts once.
            merged: The record after further events.
            now: Aware UTC.

        Raises:
            ServiceDownError: Not now; deliver them again.
            StorageError: The profile that is there cannot be read.
        """
        distinct = list({one.event_id: one for one in reversed(events)}.values())[::-1]
        new = forgotten = 0
        for start in range(0, len(distinct), _AT_ONCE):
            some = distinct[start : start + _AT_ONCE]
            took = self._take_some(user_id, some, merged, now)
            new, forgotten = new + took.new, forgotten + took.forgotten
        return Took(new, len(events) - new - forgotten, forgotten)

    def history(self, user_id: str, limit: int = 1_000) -> tuple[str, ...]:
        """The events that are kept of a user, as JSON, in no order."""
        client = self._aws.client("dynamodb")
        with self._aws.explained(_SERVICE, "read a history"):
            found = client.query(
                TableName=self._table,
                KeyConditionExpression="user_id = :u AND begins_with(sk, :e)",
                ExpressionAttributeValues={":u": {"S": user_id}, ":e": {"S": _EVENT}},
                Limit=limit,
            )
        return tuple(one["body"]["S"] for one in found["Items"])

    def sorts(self, user_id: str) -> tuple[str, ...]:
        """The sort keys of all items that a user has; marks are nobody's."""
        client, told, found = self._aws.client("dynamodb"), dict[str, Any](), list[str]()
        while True:
            with self._aws.explained(_SERVICE, "look for a user"):
                page = client.query(
                    TableName=self._table,
                    KeyConditionExpression="user_id = :u",
                    ExpressionAttributeValues={":u": {"S": user_id}},
                    ProjectionExpression="sk",
                    ConsistentRead=True,
                    **told,
                )
            names = [one["sk"]["S"] for one in page["Items"]]
            found += [one for one in names if not one.startswith(FORGOTTEN)]
            if not page.get("LastEvaluatedKey"):
                return tuple(found)
            told = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def forget(self, user_id: str, now: datetime) -> int:
        """Remove all items of a user, the profile last; how many there were.

        First comes the mark, by which events that happened before are not counted any more.

        Args:
            user_id: Whose.
            now: Aware UTC.

        Raises:
            ServiceDownError: Not now; what is left goes the next time.
        """
        self.marks.put(user_id, now)
        removed = self._clear(user_id)
        self.marks.count()  # last: what others remember of the user goes now
        return removed

    def _clear(self, user_id: str) -> int:
        removed = 0
        for attempt in range(_ATTEMPTS):
            sorts = sorted(self.sorts(user_id), key=lambda one: one == _PROFILE)
            if not sorts:
                return removed
            if attempt:  # the table has too much to do, or events of the user still come
                self._sleep(self._chance.uniform(0, 0.05 * 2**attempt))
            for start in range(0, len(sorts), _REMOVED_AT_ONCE):
                some = sorts[start : start + _REMOVED_AT_ONCE]
                removed += len(some) - self._remove(user_id, some)
        raise ServiceDownError(
            "items of the user are left, or come again",
            service=_SERVICE,
            cure="Have nobody tell of this user any more, then run it again.",
        )

    def _remove(self, user_id: str, sorts: Sequence[str]) -> int:
        """Ask for some items to be removed; how many were not."""
        client = self._aws.client("dynamodb")
        asked = [{"DeleteRequest": {"Key": _key(user_id, one)}} for one in sorts]
        with self._aws.explained(_SERVICE, "remove a user"):
            answer = client.batch_write_item(RequestItems={self._table: asked})
        return len((answer.get("UnprocessedItems") or {}).get(self._table, ()))

    def kept(self, user_id: str, *, after: int = 0) -> Kept:
        """The profile of a user, and the events behind a position; it costs little if none is.

        Raises:
            ServiceDownError: Not now.
        """
        record, version = self._read(user_id)
        if version * _PLACES <= after:
            return Kept(record)
        return Kept(record, tuple(sorted(self._behind(user_id, after), key=lambda e: e.position)))

    def _behind(self, user_id: str, after: int) -> Iterator[KeptEvent]:
        client, told = self._aws.client("dynamodb"), dict[str, Any]()
        while True:
            with self._aws.explained(_SERVICE, "read what a user did"):
                found = client.query(
                    TableName=self._table,
                    KeyConditionExpression="user_id = :u AND begins_with(sk, :e)",
                    FilterExpression="#p > :a",
                    ExpressionAttributeNames={"#p": "position"},
                    ExpressionAttributeValues={
                        ":u": {"S": user_id},
                        ":e": {"S": _EVENT},
                        ":a": {"N": str(after)},
                    },
                    ConsistentRead=True,
                    **told,
                )
            for one in found["Items"]:
                taken_at = datetime.fromtimestamp(int(one["expires"]["N"]), UTC) - self._keep
                yield KeptEvent(int(one["position"]["N"]), one["body"]["S"], taken_at)
            if not found.get("LastEvaluatedKey"):
                return
            told = {"ExclusiveStartKey": found["LastEvaluatedKey"]}

    def _take_some(
        self,
        user_id: str,
        events: Sequence[ItemOfEvent],
        merged: Callable[[bytes | None, Sequence[ItemOfEvent]], bytes],
        now: datetime,
    ) -> Took:
        for attempt in range(_ATTEMPTS):
            known, since = self._known(user_id, [one.event_id for one in events])
            later = [one for one in events if microseconds(one.at) > since]
            fresh = [one for one in later if one.event_id not in known]
            if not fresh:
                return Took(forgotten=len(events) - len(later))
            record, version = self._read(user_id)
            held = _Held(version, since)
            if self._write(user_id, fresh, merged(record, fresh), held, now):
                return Took(len(fresh), forgotten=len(events) - len(later))
            self._sleep(self._chance.uniform(0, 0.05 * 2**attempt))
        raise ServiceDownError(
            "a profile is being written by others all the time",
            service=_SERVICE,
            cure="Deliver the events again.",
        )

    def _read(self, user_id: str) -> tuple[bytes | None, int]:
        """The record and its version; 0: there is none."""
        client = self._aws.client("dynamodb")
        with self._aws.explained(_SERVICE, "read a profile"):
            found = client.get_item(
                TableName=self._table, Key=_key(user_id, _PROFILE), ConsistentRead=True
            ).get("Item")
        if found is None:
            return None, 0
        try:
            record = zlib.decompress(found["record"]["B"])
        except zlib.error as error:
            raise StorageError(
                "a profile in DynamoDB is damaged",
                cure="Bring the table back to a moment before (point-in-time recovery).",
            ) from error
        return record, int(found["version"]["N"])

    def _known(self, user_id: str, event_ids: Sequence[str]) -> tuple[set[str], int]:
        """Which of the events are counted already, and when the user was forgotten."""
        client, known, since = self._aws.client("dynamodb"), set[str](), -1
        keys = [_key(user_id, _EVENT + one) for one in event_ids]
        asked = {"ConsistentRead": True, "ProjectionExpression": f"sk, {SINCE}"}
        wanted: dict[str, Any] = {self._table: {"Keys": [*keys, key_of(user_id)], **asked}}
        for attempt in range(_ATTEMPTS):
            with self._aws.explained(_SERVICE, "look for events"):
                found = client.batch_get_item(RequestItems=wanted)
            for one in found["Responses"][self._table]:
                if SINCE in one:
                    since = int(one[SINCE]["N"])
                else:
                    known.add(one["sk"]["S"][len(_EVENT) :])
            wanted = found.get("UnprocessedKeys") or {}
            if not wanted:
                return known, since
            self._sleep(self._chance.uniform(0, 0.05 * 2**attempt))
        raise ServiceDownError(
            "DynamoDB has too much to do", service=_SERVICE, cure="Deliver the events again."
        )

    def _write(
        self,
        user_id: str,
        events: Sequence[ItemOfEvent],
        record: bytes,
        held: _Held,
        now: datetime,
    ) -> bool:
        """Write record and events together; False: somebody else was faster."""
        version = held.next_version
        expires = str(int((now + self._keep).timestamp()))
        puts: list[dict[str, Any]] = [
            {
                "Put": {
                    "TableName": self._table,
                    "Item": {
                        **_key(user_id, _EVENT + one.event_id),
                        "at": {"S": one.at.isoformat()},
                        "body": {"S": one.body},
                        "expires": {"N": expires},
                        "position": {"N": str(version * _PLACES + place)},
                    },
                    "ConditionExpression": "attribute_not_exists(sk)",
                }
            }
            for place, one in enumerate(events)
        ]
        item = {
            **_key(user_id, _PROFILE),
            "record": {"B": zlib.compress(record)},
            "version": {"N": str(version)},
            "changed": {"S": now.isoformat()},
        }
        there = _equal("version", held.version or None)
        puts.append({"Put": {"TableName": self._table, "Item": item, **there}})
        if not held.version:  # else whoever forgets the user takes the profile away
            key = key_of(user_id)
            same = _equal(SINCE, None if held.since < 0 else held.since)
            puts.append({"ConditionCheck": {"TableName": self._table, "Key": key, **same}})
        client = self._aws.client("dynamodb")
        with self._aws.explained(_SERVICE, "write a profile"):
            try:
                client.transact_write_items(TransactItems=puts)
            except client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] in _CONFLICTS:
                    if _is_conflict(error.response):
                        return False
                    if _reasons(error.response) & _THROTTLED:
                        raise ServiceDownError(
                            "DynamoDB has too much to do",
                            service=_SERVICE,
                            cure="Deliver the events again.",
                        ) from error
                raise
        return True


@dataclass(frozen=True, slots=True)
class _Held:
    """What was there when it was read, and has to be when it is written.

    Args:
        version: Of the profile; 0: there is none.
        since: When the user was forgotten, in microseconds; below 0: never.
    """

    version: int
    since: int

    @property
    def next_version(self) -> int:
        """Greater than any before, of profiles that were forgotten too."""
        return (self.version or max(self.since, 0)) + 1


def _key(user_id: str, sort: str) -> dict[str, Any]:
    return {"user_id": {"S": user_id}, "sk": {"S": sort}}


def _equal(attribute: str, value: int | None) -> dict[str, Any]:
    """The condition that an item still has a value; None: that it is not there."""
    if value is None:
        return {"ConditionExpression": "attribute_not_exists(sk)"}
    return {
        "ConditionExpression": f"{attribute} = :v",
        "ExpressionAttributeValues": {":v": {"N": str(value)}},
    }


def _is_conflict(response: Any) -> bool:
    """Whether a transaction failed for what others wrote, and for nothing else."""
    return _reasons(response) <= {"None", "ConditionalCheckFailed", "TransactionConflict"}


def _reasons(response: Any) -> set[str]:
    """Why a transaction was cancelled, of each of its items."""
    return {one.get("Code", "None") for one in response.get("CancellationReasons", ())}
