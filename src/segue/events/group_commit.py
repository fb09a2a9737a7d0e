"""Many writers, one commit: what waits together is written together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from segue.errors import OverloadedError, StorageError, WarehouseError
from segue.events.base import Outcome
from segue.music.event import Event

__all__ = ["Group", "GroupCommit", "Write"]

_AT_ONCE: Final = 4_096
"""Events in one commit, about: an append is never split."""


@dataclass(frozen=True, slots=True)
class Group:
    """Events that are appended together."""

    events: Sequence[Event]
    received_at: datetime


Write = Callable[[Sequence[Group]], Sequence[tuple[Outcome, ...]]]


class GroupCommit:
    """A thread that writes what has come in since its last commit as one commit.

    A flush to the disk takes the same time for one event as for a thousand; while one is under
    way, the next group gathers (DeWitt et al. 1984, "Implementation Techniques for Main Memory
    Database Systems", calls it group commit).

    Args:
        write: Writes groups in one transaction; returns the outcomes of each. What it raises goes
            to everybody who waits for that transaction.
        most_waiting: Events that may wait; more are refused, so that memory does not grow.
    """

    def __init__(self, write: Write, *, most_waiting: int = 50_000) -> None:
        self._write = write
        self._most = most_waiting
        self._waiting: deque[tuple[Group, Future[tuple[Outcome, ...]]]] = deque()
        self._count = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def submit(self, group: Group) -> Future[tuple[Outcome, ...]]:
        """Hand events over; the future is done when they are durable.

        Raises:
            OverloadedError: Too many events wait already.
            StorageError: The log was closed.
        """
        answer: Future[tuple[Outcome, ...]] = Future()
        if not group.events:
            answer.set_result(())
            return answer
        with self._changed:
            if self._closed:
                raise StorageError("the event log is closed", cure="Start the service again.")
            if self._count and self._count + len(group.events) > self._most:
                raise OverloadedError(
                    f"{self._count:,} events wait to be written", cure="Send them again later."
                )
            self._waiting.append((group, answer))
            self._count += len(group.events)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()
            self._changed.notify()
        return answer

    def close(self) -> None:
        """Write what waits, then end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while taken := self._take():
            self._answer(taken)

    def _answer(self, taken: Sequence[tuple[Group, Future[tuple[Outcome, ...]]]]) -> None:
        """Write what was taken, and tell those who wait for it."""
        try:
            outcomes = self._write([group for group, _ in taken])
        except BaseException as error:  # it belongs to those who wait
            if len(taken) > 1 and not isinstance(error, WarehouseError):
                for one in taken:  # one of them cannot be written: the others can
                    self._answer([one])
                return
            for _, answer in taken:
                answer.set_exception(error)
        else:
            for (_, answer), outcome in zip(taken, outcomes, strict=True):
                answer.set_result(outcome)

    def _take(self) -> list[tuple[Group, Future[tuple[Outcome, ...]]]]:
        """What waits, about `_AT_ONCE` events at most; empty: closed, and nothing waits."""
        taken: list[tuple[Group, Future[tuple[Outcome, ...]]]] = []
        with self._changed:
            while not taken:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if not self._waiting:
                    break
                size = 0
                while self._waiting and size < _AT_ONCE:
                    group, answer = self._waiting.popleft()
                    size += len(group.events)
                    if answer.set_running_or_notify_cancel():
                        taken.append((group, answer))
                self._count -= size
        return taken
