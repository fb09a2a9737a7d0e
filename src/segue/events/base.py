"""What every event log can do."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, Protocol

from segue.music.event import Event

__all__ = ["EventLog", "Outcome", "Parked", "Recorded"]

Outcome = Literal["accepted", "duplicate"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event in the log.

    Args:
        position: Its place: later positions were written later; there may be gaps.
        received_at: When the log took it, aware UTC.
    """

    position: int
    event: Event
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that a consumer could not take, put aside so that the rest goes on.

    Args:
        position: Its place in the log.
        error: What was wrong, one line.
        at: When, aware UTC.
    """

    position: int
    error: str
    at: datetime


class EventLog(Protocol):
    """An append-only log of events, and how far each consumer has got with it.

    A user's events are in the order in which they were appended. What `append` said is accepted is
    on the disk and stays; an event that is there already (same user, same `event_id`) is a
    duplicate, whatever else it says. Everything may be called from any thread.

    Attributes:
        near: Whether reading is a matter of microseconds, so that nobody has to wait elsewhere.
    """

    name: ClassVar[str]
    near: ClassVar[bool]

    def append(self, events: Sequence[Event], received_at: datetime) -> Future[tuple[Outcome, ...]]:
        """Write events down, all or none; done once they are durable.

        Returns:
            What became of each, in their order. The future fails with StorageError when the disk
            is full or gone.

        Raises:
            OverloadedError: Too many events wait already; nothing was taken.
        """

    def read(self, after: int, limit: int = 1000) -> Sequence[Recorded]:
        """The next events behind a position, in order; 0 is before the first."""

    def of_user(self, user_id: str, *, after: int = 0, limit: int = 10_000) -> Sequence[Recorded]:
        """The latest events of one user behind a position, in order."""

    def stamp(self) -> Hashable | None:
        """As long as this is the same, nothing was written, by whichever process.

        It costs next to nothing. None: that cannot be told at the moment, or not so cheaply.
        """

    def last(self) -> int:
        """The last position; 0: the log is empty."""

    def consuming(self, consumer: str) -> AbstractContextManager[None]:
        """Be the only one that consumes under this name. Raises BusyError."""

    def cursor(self, consumer: str) -> int:
        """The position up to which a consumer has taken everything; 0: nothing."""

    def advance(
        self,
        consumer: str,
        position: int,
        *,
        state: Mapping[str, bytes] | None = None,
        parked: Sequence[Parked] = (),
        unparked: Sequence[int] = (),
    ) -> None:
        """Move a consumer's cursor, and with it what the consumer keeps: all or nothing.

        Since both are written at once, each event has its effect on the state exactly once.

        Args:
            position: All events up to here are taken.
            state: Key -> value, to be kept for the consumer; others stay as they are.
            parked: Events among them that could not be taken.
            unparked: Positions of parked events that have been taken since, or are gone.
        """

    def state(self, consumer: str, key: str) -> bytes | None:
        """What a consumer keeps under a key; None: nothing."""

    def states(self, consumer: str, keys: Collection[str]) -> Mapping[str, bytes]:
        """What a consumer keeps under some keys; those with nothing are left away."""

    def keys(self, consumer: str, *, after: str = "", limit: int = 1000) -> Sequence[str]:
        """The next keys under which a consumer keeps something, behind a key, in order."""

    def parked(self, consumer: str) -> Sequence[Parked]:
        """What a consumer could not take, in order."""

    def restart(self, consumer: str) -> None:
        """Let a consumer begin again: no cursor, no state, nothing parked."""

    def forget(self, user_id: str) -> int:
        """Remove a user's events and what consumers keep under the user's id; how many events."""

    def close(self) -> None:
        """Write what waits, and let go of files and connections."""
