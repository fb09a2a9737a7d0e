"""How long a stage took, and how much memory the process held meanwhile."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

__all__ = ["Spent", "measured"]

_EVERY: Final = 0.02
_STATM: Final = Path("/proc/self/statm")


@dataclass
class Spent:
    """Filled in when the stage is over.

    Args:
        seconds: Wall time.
        peak_bytes: Highest resident memory of the process that was seen, at least at both ends.
    """

    seconds: float = 0.0
    peak_bytes: int = 0


@contextmanager
def measured() -> Iterator[Spent]:
    """Watch a stage; memory is looked at fifty times a second."""
    spent = Spent()
    over = threading.Event()

    def watch() -> None:
        while True:
            spent.peak_bytes = max(spent.peak_bytes, _resident())
            if over.wait(_EVERY):
                return

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    began = perf_counter()
    try:
        yield spent
    finally:
        spent.seconds = perf_counter() - began
        over.set()
        watching.join()
        spent.peak_bytes = max(spent.peak_bytes, _resident())


def _resident() -> int:
    """Resident bytes now; where the system does not tell, the most there ever were."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else 1024 * most
    return pages * os.sysconf("SC_PAGE_SIZE")
