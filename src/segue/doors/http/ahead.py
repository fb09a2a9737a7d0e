"""Answers made ahead, in a process of their own that works while nothing else does."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from segue.doors.http.child import run_child, set_when_unwanted
from segue.errors import BusyError, SegueError
from segue.flows.home_parts import AHEAD, EVENTS
from segue.flows.online.owed import OWED, Owed
from segue.own_folder import own_folder
from segue.settings import Settings

__all__ = ["answering_ahead"]

_log = logging.getLogger(__name__)
_LOOK_S: Final = 5.0
_PUBLISHED: Final = ("models/current", "snapshots/current")
_LOCK: Final = "ahead"
_LEAST_NICE: Final = 19
_LAST_TURN_S: Final = 1.0
"""Killed, it loses some answers that nobody has asked for: nobody has to wait for it."""

_Seen = tuple[object, ...]


@contextmanager
def answering_ahead(
    settings: Settings, *, look_every_s: float = _LOOK_S
) -> Iterator[Callable[[], None]]:
    """While this is open, have answers made whenever something is published, and each new day.

    Likewise when somebody is owed a full answer.

    It begins some seconds after what is given is called: once the service answers. The process is
    there only while there is something to make, and only one of several services has it.
    """
    begin, stop = threading.Event(), threading.Event()
    watching = threading.Thread(
        target=_watch, args=(settings, begin, stop, look_every_s), name="ahead", daemon=True
    )
    if settings.service.ahead:
        watching.start()
    try:
        yield begin.set
    finally:
        stop.set()
        begin.set()
        if watching.ident is not None:
            watching.join()


def _watch(
    settings: Settings, begin: threading.Event, stop: threading.Event, look_every_s: float
) -> None:
    begin.wait()
    done: _Seen | None = None
    owed = Owed(settings.home / EVENTS / AHEAD / OWED)
    while not stop.wait(look_every_s):
        seen = _published(settings.home)
        if None in seen or (seen == done and not owed):
            continue
        work = _answer if seen != done else _answer_owed
        code = run_child(work, settings, "segue-ahead", stop=stop, last_turn_s=_LAST_TURN_S)
        if code and not stop.is_set():
            _log.error("the process that makes answers ahead ended (%s)", code)
            owed.clear()
        done = seen  # one that fails is not begun again and again


def _published(home: Path) -> _Seen:
    """What tells that there are answers to be made: the day, and what is published."""
    found: list[object] = [datetime.now(tz=UTC).date()]
    for name in _PUBLISHED:
        about = None
        with suppress(OSError):
            about = (home / name).stat().st_mtime_ns
        found.append(about)
    return tuple(found)


def _answer(settings: Settings, wanted: Connection) -> None:
    """Make answers until there is nothing to make, or nobody wants them."""
    _make(settings, wanted, settings.service.ahead)


def _answer_owed(settings: Settings, wanted: Connection) -> None:
    """The same for those who are owed one, and nobody else."""
    _make(settings, wanted, 0)


def _make(settings: Settings, wanted: Connection, most: int) -> None:
    from segue.doors.http.logs import log_as_json
    from segue.events.one_consumer import one_consumer
    from segue.flows.online.ahead_making import answer_ahead
    from segue.flows.wiring import Wiring

    stop = threading.Event()
    set_when_unwanted(wanted, stop)
    _step_back()
    log_as_json()
    try:
        own_folder(settings.home / EVENTS)
        with suppress(BusyError), one_consumer(settings.home / EVENTS, _LOCK):
            answer_ahead(Wiring(settings), clock=_now, most=most, stop=stop)
    except SegueError as error:
        _log.warning("no answers are made ahead: %s", error)


def _step_back() -> None:
    """Let everybody else go first: work only where a core has nothing to do."""
    os.nice(_LEAST_NICE)
    with suppress(AttributeError, OSError):  # of Linux
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _now() -> datetime:
    return datetime.now(tz=UTC)
