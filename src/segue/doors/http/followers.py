"""Consumers of events, and schedules, in a process of their own beside those that answer.

There they take nobody's time, and one of them that fails in a way that nobody has thought of takes
no request down with it.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Final

from segue.doors.http.child import run_child, set_when_unwanted
from segue.errors import SegueError
from segue.settings import Settings

if TYPE_CHECKING:
    from segue.flows.wiring import Wiring

__all__ = ["following"]

_log = logging.getLogger(__name__)
_AGAIN_S: Final = 5.0
_BEHIND: Final = 10


@contextmanager
def following(settings: Settings) -> Iterator[Callable[[], None]]:
    """Take events as they come, while this is open; of several services one does.

    They begin when what is given is called: once the service answers, whose start they would slow.

    Whoever is in the middle of something long when this closes is left behind: a consumer may be
    killed at any moment, and goes on from where it was at the next start.
    """
    begin, stop = threading.Event(), threading.Event()
    watching = threading.Thread(
        target=_watch, args=(settings, begin, stop), name="followers", daemon=True
    )
    watching.start()
    try:
        yield begin.set
    finally:
        stop.set()
        begin.set()
        watching.join()


def _watch(settings: Settings, begin: threading.Event, stop: threading.Event) -> None:
    """Have one such process, and another if it dies."""
    begin.wait()
    while not stop.is_set():
        code = run_child(_follow, settings, "segue-followers", stop=stop)
        if not stop.is_set():
            _log.error("the process that takes events ended (%s) and will be begun again", code)
            stop.wait(_AGAIN_S)


def _follow(settings: Settings, wanted: Connection) -> None:
    """Take events until nobody wants it any more, or whoever wanted it is gone."""
    from segue.doors.http.logs import log_as_json
    from segue.flows.consume import follow_log
    from segue.flows.event_consumers import consumers
    from segue.flows.wiring import Wiring

    stop = threading.Event()
    set_when_unwanted(wanted, stop)
    os.nice(_BEHIND)
    log_as_json()
    wiring = Wiring(settings)
    try:
        threads = [
            threading.Thread(
                target=follow_log,
                args=(wiring.events, consumer),
                kwargs={"clock": _now, "stop": stop},
                name=f"events for {consumer.name}",
            )
            for consumer in consumers(wiring)
        ]
        if settings.schedule.in_service:
            threads.append(_scheduling(wiring, stop))
    except SegueError as error:
        _log.error("events wait: %s", error)
        return
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _scheduling(wiring: Wiring, stop: threading.Event) -> threading.Thread:
    from segue.doors.local_zone import clocks_of
    from segue.flows.schedule import keep_schedules

    told = {"clock": _now, "zone": clocks_of(wiring.settings), "stop": stop}
    return threading.Thread(
        target=keep_schedules, args=(wiring,), kwargs=told, name="schedules", daemon=True
    )


def _now() -> datetime:
    return datetime.now(tz=UTC)
