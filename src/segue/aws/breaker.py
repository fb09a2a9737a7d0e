"""A circuit breaker: what fails again and again is left alone for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Breaker"]


class Breaker:
    """Says whether it is worth asking; thread-safe.

    After some failures in a row nobody asks for a while; then one question is let through, and its
    outcome decides.

    Args:
        failures: So many in a row.
        rest_seconds: For so long nobody asks.
        clock: Seconds that only go forward.
    """

    def __init__(self, failures: int, rest_seconds: float, *, clock: Callable[[], float]) -> None:
        self._most = failures
        self._rest = rest_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._until = 0.0

    def allows(self) -> bool:
        """Whether to ask now; after a rest, True for one of those who want to."""
        with self._lock:
            if self._failed < self._most:
                return True
            if self._clock() < self._until:
                return False
            self._until = self._clock() + self._rest
            return True

    def worked(self) -> None:
        """The question was answered."""
        with self._lock:
            self._failed = 0

    def failed(self, *, for_good: bool = False) -> bool:
        """It was not; whether a rest begins now.

        Args:
            for_good: Asking again soon is of no use, such as where there is nothing to ask.
        """
        with self._lock:
            was_open = self._failed >= self._most
            self._failed = max(self._failed + 1, self._most if for_good else 0)
            if self._failed >= self._most:
                self._until = self._clock() + self._rest
            return self._failed >= self._most and not was_open
