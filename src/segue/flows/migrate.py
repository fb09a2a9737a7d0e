"""Makes what the live service keeps ready for this version: tables of events and keys."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any

from segue.flows.wiring import Wiring

__all__ = ["Migrated", "migrate"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Migrated:
    """What is there now.

    Args:
        store: Where events and keys are kept, in words.
        events: Last position of the event log; 0: it is empty.
        keys: Whether there was ever an API key.
    """

    store: str
    events: int
    keys: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def migrate(wiring: Wiring) -> Migrated:
    """Make tables that are missing, and bring older ones up to date; safe to repeat.

    Several may do so at once: one works, the others wait and find it done.

    Raises:
        StorageError: The home, or its files, cannot be made.
        WarehouseError: The server cannot be reached, or its tables may not be made.
    """
    with_keys, log = wiring.keys, wiring.events
    try:
        told = Migrated(
            wiring.events_elsewhere or str(wiring.home), log.last(), with_keys.version() > 0
        )
    finally:
        log.close()
        with_keys.close()
    _log.info("events and keys are up to date, %d events", told.events)
    return told
