"""Consumers of events that run beside the service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from segue.flows.consume import follow_log
from segue.flows.event_consumers import consumers
from segue.flows.wiring import Wiring

__all__ = ["following"]

_FAREWELL_S: Final = 10.0


@contextmanager
def following(wiring: Wiring, clock: Callable[[], datetime]) -> Iterator[None]:
    """Take events as they come, while this is open; of several processes one does.

    Whoever is in the middle of something long when this closes is left behind: a consumer may be
    killed at any moment, and goes on from where it was at the next start.

    Args:
        clock: The moment, aware UTC.
    """
    stop = threading.Event()
    threads = [
        threading.Thread(
            target=follow_log,
            args=(wiring.events, consumer),
            kwargs={"clock": clock, "stop": stop},
            name=f"events for {consumer.name}",
            daemon=True,
        )
        for consumer in consumers(wiring)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        last = time.monotonic() + _FAREWELL_S
        for thread in threads:
            thread.join(max(0.0, last - time.monotonic()))
