"""Takes events and runs schedules without answering anybody: `segue worker`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

from segue.doors.http.followers import following
from segue.doors.http.logs import log_as_json
from segue.errors import StorageError
from segue.flows.wiring import Wiring
from segue.settings import Settings

__all__ = ["work"]

_BEAT_S: Final = 10.0


def work(settings: Settings, say: Callable[[str], None], *, alive: Path | None = None) -> None:
    """Follow the event log, and the schedules where the settings say so, until told to stop.

    Of all services and workers that share a log, one does each of these; the others stand by.

    Args:
        say: Told where the events are, once they can be read.
        alive: A file that is touched every 10 seconds, for whoever watches; None: nobody does.

    Raises:
        StorageError: The file cannot be written, or the home cannot.
        WarehouseError: The event log cannot be read.
        BusyError: Another command has the home for itself.
    """
    wiring = Wiring(settings)
    last = wiring.events.last()
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    signal.set_wakeup_fd(-1)  # from here on a signal means: finish, then end
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    log_as_json()
    say(f"Segue takes events of {wiring.events_elsewhere or settings.home}; the last is {last:,}")
    with following(settings) as follow:
        follow()
        _beat(alive)
        while not stop.wait(_BEAT_S):
            _beat(alive)
    wiring.events.close()


def _beat(alive: Path | None) -> None:
    if alive is None:
        return
    try:
        alive.touch(mode=0o600)
    except OSError as error:
        raise StorageError(
            f"{alive} cannot be written: {error.strerror or error}",
            cure="Name a file in a folder that may be written to.",
        ) from error
