"""`segue worker`: events are taken and schedules run, with nobody to answer."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from segue.flows.event_consumers import CONSUMERS
from segue.flows.wiring import Wiring
from segue.music.event import Event
from segue.settings import load_settings
from tests.doors.home import Home

_LONGEST_S: Final = 30.0


def test_a_worker_takes_events_and_ends_quietly(home: Home) -> None:
    home("migrate").ok()
    log = Wiring(load_settings(home=home.folder)).open_events(home.folder)
    moment = datetime.now(UTC) - timedelta(minutes=1)
    log.append([Event("e1", "ann", "t1", "like", moment)], datetime.now(UTC)).result()
    alive = home.folder / "alive"

    def known(schedule: str) -> bool:
        return log.state("schedule", schedule) is not None

    worker = home.start("worker", "--alive", alive)
    try:
        _until(lambda: log.cursor(CONSUMERS[0]) == log.last())
        _until(lambda: all(map(known, ("schedule\x1fcollect", "schedule\x1fupdate"))))
        assert time.time() - alive.stat().st_mtime < 60
        worker.send(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
    finally:
        worker.kill()
        log.close()


def test_a_file_that_cannot_be_touched_ends_it_in_words(home: Home) -> None:
    home("worker", "--alive", "/nowhere/alive").refused("/nowhere/alive cannot be written")


def _until(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + _LONGEST_S
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.05)
