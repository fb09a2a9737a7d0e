"""Lets consumers take what is new in the event log, each event once."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from segue.errors import BusyError, ConfigError, SegueError, Temporary, WarehouseError
from segue.events.base import EventLog, Parked, Recorded
from segue.events.consumer import Consumer, KeptState

__all__ = ["Taken", "consume", "follow_log", "rebuild", "retry_parked", "settle"]

_log = logging.getLogger(__name__)
_TRIES: Final = 3
_NO_FAULT_OF_AN_EVENT: Final = (WarehouseError, Temporary, OSError, MemoryError)
_LOOK_EVERY_S: Final = 0.1
_REST_S: Final = 5.0
_SETTLE_EVERY: Final = timedelta(hours=1)
_LONGEST_ERROR: Final = 300
_LAST_PARTS: Final = 500
_LAST_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Taken:
    """What a consumer did.

    Args:
        consumer: Its name.
        events: Taken.
        parked: Not taken, and put aside.
    """

    consumer: str
    events: int = 0
    parked: int = 0


def consume(log: EventLog, consumer: Consumer, *, now: datetime) -> Taken:
    """Take everything up to the end of the log.

    An event that cannot be taken is tried three times, then parked; the rest goes on.

    Raises:
        BusyError: Another process consumes under this name; or what the consumer writes to is
            busy. Nothing is lost: the next call goes on from there.
        WarehouseError: What the consumer writes to cannot be written; the same.
    """
    with log.consuming(consumer.name):
        return _to_the_end(log, consumer, now)


def settle(log: EventLog, consumer: Consumer, *, now: datetime) -> None:
    """Let a consumer do what only time brings about; before it takes events.

    Raises:
        BusyError: Another process consumes under this name, or what it writes to is busy.
        WarehouseError: What the consumer writes to cannot be written.
    """
    name = consumer.name
    with log.consuming(name):
        last = ""
        while keys := log.keys(name, after=last):
            if changed := consumer.settle(log.states(name, keys), now):
                log.advance(name, log.cursor(name), state=changed)
            last = keys[-1]


def rebuild(log: EventLog, consumer: Consumer, *, now: datetime) -> Taken:
    """Forget what a consumer keeps, and take the whole log again.

    Raises:
        ConfigError: The consumer cannot begin again.
        BusyError: Another process consumes under this name.
    """
    if not consumer.from_scratch:
        raise ConfigError(
            f"“{consumer.name}” cannot be made again from the event log alone",
            field="consumer",
            cure="What it wrote stays where it is; `segue events retry` takes what was parked.",
        )
    with log.consuming(consumer.name):
        log.restart(consumer.name)
        return _to_the_end(log, consumer, now)


def retry_parked(log: EventLog, consumer: Consumer, *, now: datetime) -> Taken:
    """Try again what was parked; what works now is parked no more.

    Raises:
        BusyError: Another process consumes under this name.
        WarehouseError: What the consumer writes to cannot be written.
    """
    done = Taken(consumer.name)
    with log.consuming(consumer.name):
        for one in log.parked(consumer.name):
            found = [
                there for there in log.read(one.position - 1, 1) if there.position == one.position
            ]
            error = _tried(log, consumer, found, now, unparked=one.position) if found else None
            if error is None:
                if not found:  # its user was forgotten
                    _unpark(log, consumer, one.position)
                done = replace(done, events=done.events + len(found))
            else:
                done = replace(done, parked=done.parked + 1)
    return done


def follow_log(
    log: EventLog, consumer: Consumer, *, clock: Callable[[], datetime], stop: threading.Event
) -> None:
    """Take what comes, until told to stop.

    What can be taken in a few seconds then still is; the rest waits for the next start. Events
    gather for the consumer's `every`, or until there are `at_once`. Where another process consumes
    already, or nothing can be written, it rests and tries again.
    """
    waiting_since: datetime | None = None
    settled_at: datetime | None = None
    while not stop.wait(_LOOK_EVERY_S):
        try:
            now = clock()
            if settled_at is None or abs(now - settled_at) >= _SETTLE_EVERY:
                settle(log, consumer, now=now)
                settled_at = now
            last = log.last()
            behind = last - log.cursor(consumer.name)
            if behind <= 0:
                waiting_since = None
                continue
            if waiting_since is None or waiting_since > now:  # clocks may be put back
                waiting_since = now
            if behind >= consumer.at_once or now - waiting_since >= consumer.every:
                with log.consuming(consumer.name):  # what comes meanwhile gathers for the next time
                    _to_the_end(log, consumer, now, end=last)
                waiting_since = None
        except SegueError as error:
            if not isinstance(error, BusyError):
                _log.warning("events for “%s” wait: %s", consumer.name, error)
            stop.wait(_REST_S)
    try:
        with log.consuming(consumer.name):
            _to_the_end(log, consumer, clock(), most=_LAST_PARTS, within_s=_LAST_S)
    except SegueError as error:
        _log.info("events for “%s” wait for the next start: %s", consumer.name, error)


def _to_the_end(
    log: EventLog,
    consumer: Consumer,
    now: datetime,
    *,
    most: int | None = None,
    within_s: float = math.inf,
    end: int | None = None,
) -> Taken:
    """Take what is behind the cursor, so many at once; no new part is begun after `within_s`.

    Args:
        end: A position behind which nothing has to be taken; None: everything there is.
    """
    done, at_once = Taken(consumer.name), min(consumer.at_once, most or consumer.at_once)
    began = time.monotonic()
    while time.monotonic() - began < within_s:
        at = log.cursor(consumer.name)
        found = log.read(at, at_once) if end is None or at < end else ()
        if not found:
            break
        parked = _take(log, consumer, found, now)
        done = replace(done, events=done.events + len(found) - parked, parked=done.parked + parked)
    return done


def _take(log: EventLog, consumer: Consumer, found: Sequence[Recorded], now: datetime) -> int:
    """Take events, in halves where they cannot be taken together; how many were parked."""
    error = _tried(log, consumer, found, now)
    if error is None:
        return 0
    if len(found) > 1:
        half = len(found) // 2
        return _take(log, consumer, found[:half], now) + _take(log, consumer, found[half:], now)
    parked = Parked(found[0].position, _line(error), now)
    log.advance(consumer.name, parked.position, parked=[parked])
    _log.warning("event %d was parked for “%s”", parked.position, consumer.name)
    return 1


def _tried(
    log: EventLog,
    consumer: Consumer,
    found: Sequence[Recorded],
    now: datetime,
    *,
    unparked: int | None = None,
) -> Exception | None:
    """Take events together and note it; what is wrong where that fails."""
    state = _states(log, consumer, found)
    for tries_left in reversed(range(_TRIES if len(found) == 1 else 1)):
        try:
            kept = consumer.take(found, state, now)
        except Exception as error:  # a consumer may fail in ways that nobody has thought of
            if isinstance(error, _NO_FAULT_OF_AN_EVENT):
                raise
            if not tries_left:
                return error
        else:
            break
    if unparked is None:
        log.advance(consumer.name, found[-1].position, state=kept)
    else:
        at = log.cursor(consumer.name)
        log.advance(consumer.name, at, state=kept, unparked=[unparked])
    return None


def _states(log: EventLog, consumer: Consumer, found: Sequence[Recorded]) -> KeptState:
    """What the consumer keeps: of the events' users at hand, since a question each takes long."""
    users = {one.event.user_id for one in found}
    kept = log.states(consumer.name, users)

    def state(key: str) -> bytes | None:
        return kept.get(key) if key in users else log.state(consumer.name, key)

    return state


def _unpark(log: EventLog, consumer: Consumer, position: int) -> None:
    log.advance(consumer.name, log.cursor(consumer.name), unparked=[position])


def _line(error: Exception) -> str:
    """An error in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST_ERROR]
