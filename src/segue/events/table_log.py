"""The events of users in DynamoDB, as a function that answers reads them."""

from __future__ import annotations

import json
from collections.abc import Collection, Hashable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final, NoReturn, cast

from segue.aws.profile_table import Kept, ProfileTable
from segue.errors import ConfigError
from segue.events.admission import Refusal, admitted
from segue.events.base import Outcome, Parked, Recorded
from segue.events.profile_keeper import ProfileKeeper
from segue.events.profiles import Profile
from segue.music.event import Event, EventType
from segue.music.forgotten import FORGOTTEN

__all__ = ["TableLog"]

_BEFORE_ALL: Final = 1
_A_LITTLE: Final = timedelta(seconds=1)


class TableLog:
    """What the function behind the stream has counted, read as an `EventLog`.

    Events that are gone by now, since the table keeps them for some weeks only, are there as far
    as the profile remembers them: the latest 50 things the player did, and what was said. Nothing
    is written here: events come through the stream.

    Args:
        table: Profiles, and events beside them.
    """

    name: ClassVar[str] = "dynamodb"
    near: ClassVar[bool] = False

    def __init__(self, table: ProfileTable) -> None:
        self._table = table

    def of_user(self, user_id: str, *, after: int = 0, limit: int = 10_000) -> Sequence[Recorded]:
        """The latest events of one user behind a position, in order.

        Raises:
            ServiceDownError: DynamoDB does not answer.
        """
        kept = self._table.kept(user_id, after=after)
        found = _recorded(kept)
        if not after:
            found = _remembered(user_id, kept, {one.event.event_id for one in found}) + found
        return found[-limit:]

    def state(self, consumer: str, key: str) -> bytes | None:
        """The profile of a user, or when somebody was forgotten; nothing else is kept."""
        if consumer == FORGOTTEN:
            since = self._table.marks.since(key)
            return None if since is None else since.isoformat().encode()
        return self._table.profile(key) if consumer == ProfileKeeper.name else None

    def states(self, consumer: str, keys: Collection[str]) -> Mapping[str, bytes]:
        """The profiles of some users."""
        found = {key: self.state(consumer, key) for key in keys}
        return {key: value for key, value in found.items() if value is not None}

    def read(self, after: int, limit: int = 1000) -> Sequence[Recorded]:
        """Nothing: events of all users in one order are in the stream."""
        return ()

    def stamp(self) -> Hashable | None:
        """None: nothing tells cheaply whether anything was written."""
        return None

    def last(self) -> int:
        """0: there is no order of all users' events here."""
        return 0

    def cursor(self, consumer: str) -> int:
        """How often somebody was forgotten; else 0: whoever consumes does so from the stream."""
        return self._table.marks.times() if consumer == FORGOTTEN else 0

    def keys(self, consumer: str, *, after: str = "", limit: int = 1000) -> Sequence[str]:
        """Marks of who was forgotten; else nothing: the table knows no order of users."""
        return self._table.marks.behind(after, limit) if consumer == FORGOTTEN else ()

    def parked(self, consumer: str) -> Sequence[Parked]:
        """Nothing: what could not be taken is in a queue."""
        return ()

    def append(self, events: Sequence[Event], received_at: datetime) -> Future[tuple[Outcome, ...]]:
        """Refused. Raises ConfigError."""
        _only_read()

    def consuming(self, consumer: str) -> AbstractContextManager[None]:
        """Refused. Raises ConfigError."""
        _only_read()

    def advance(
        self,
        consumer: str,
        position: int,
        *,
        state: Mapping[str, bytes] | None = None,
        parked: Sequence[Parked] = (),
        unparked: Sequence[int] = (),
    ) -> None:
        """Refused. Raises ConfigError."""
        _only_read()

    def restart(self, consumer: str) -> None:
        """Refused. Raises ConfigError."""
        _only_read()

    def forget(self, user_id: str) -> int:
        """Refused. Raises ConfigError."""
        _only_read()

    def close(self) -> None:
        """Nothing is open."""


def _recorded(kept: Kept) -> list[Recorded]:
    found = []
    for one in kept.events:
        event = admitted(json.loads(one.body), one.taken_at + _A_LITTLE)
        if not isinstance(event, Refusal):
            found.append(Recorded(one.position, event, one.taken_at))
    return found


def _remembered(user_id: str, kept: Kept, known: set[str]) -> list[Recorded]:
    """What the profile tells of events that are gone."""
    profile = Profile.from_bytes(kept.record)
    told = {one.event_id: one for one in (*profile.recent, *profile.words.values())}
    gone = sorted(one for event_id, one in told.items() if event_id not in known)
    return [
        Recorded(
            _BEFORE_ALL,
            Event(one.event_id, user_id, one.track_id, cast(EventType, one.kind), at),
            at,
        )
        for one in gone
        for at in [datetime.fromtimestamp(one.at_us / 1e6, UTC)]
    ]


def _only_read() -> NoReturn:
    raise ConfigError(
        "events and profiles are only read here",
        cure="Report events to POST /events of the API: they go into the stream.",
    )
