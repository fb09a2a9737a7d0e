"""Makes answers while nobody asks for them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from segue.errors import SegueError
from segue.events.answers_ahead import MadeAhead
from segue.flows.online.service import Service
from segue.flows.wiring import Wiring

__all__ = ["answer_ahead"]

_log = logging.getLogger(__name__)
_TOGETHER: Final = 20


def answer_ahead(
    wiring: Wiring,
    *,
    clock: Callable[[], datetime],
    most: int,
    stop: threading.Event | None = None,
) -> int:
    """Answer the usual question for users who have no such answer, whoever played last first.

    Whoever asked and got less than a full answer comes before all others. It ends when all of them
    have one, when something newer is published meanwhile, or when told to; what is made by then is
    kept.

    Args:
        most: Users, at most, besides those; 0: only those.
        stop: Set it, and this ends with the answer at hand.

    Returns:
        How many answers were made.

    Raises:
        WarehouseError: They cannot be written.
    """
    stop = stop or threading.Event()
    began, made = time.perf_counter(), 0
    service = Service.open(wiring, clock=clock)
    try:
        if not service.ready:
            return 0
        if most:
            service.settled()
            service.tidy_ahead()
        name, waiting = service.answers_with, list[MadeAhead]()
        whole = most > 0
        for user_id, owed in _in_turn(service, most):
            if stop.is_set() or service.answers_with != name:
                whole = False
                break
            try:
                answer = service.make_ahead(user_id, owed=owed)
            except SegueError as error:  # whoever asks is told
                _log.debug("an answer could not be made ahead: %s", error)
                continue
            if answer is not None:
                waiting.append(answer)
            if len(waiting) == _TOGETHER or (waiting and owed):
                service.keep_ahead(waiting)
                made, waiting = made + len(waiting), []
        if waiting and service.answers_with == name:
            service.keep_ahead(waiting)
            made += len(waiting)
        if whole:
            service.tidy_ahead(whole=True)
    finally:
        service.close()
    _log.info("made %d answers ahead in %.0f s", made, time.perf_counter() - began)
    return made


def _in_turn(service: Service, most: int) -> Iterator[tuple[str, bool]]:
    """Users, and whether they are owed an answer: these as soon as there are any."""
    for user_id in service.lately_active(most) if most else ():
        yield from _owed(service)
        yield user_id, False
    yield from _owed(service)


def _owed(service: Service) -> Iterator[tuple[str, bool]]:
    while (user_id := service.owed.latest()) is not None:
        service.owed.drop(user_id)
        yield user_id, True
