"""How often each key may ask: buckets that drip full again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

__all__ = ["Buckets", "Left"]

_SECONDS: Final = 2.0
"""A bucket holds what this long brings: so much may come at once."""

_MOST: Final = 100_000


@dataclass(slots=True)
class Left:
    """What a key may still ask for.

    Args:
        requests: Now.
        capacity: At most.
        wait_s: Until one more may be made; 0: now.
        full_s: Until the bucket is full again.
    """

    requests: int
    capacity: int
    wait_s: float
    full_s: float

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """As draft-ietf-httpapi-ratelimit-headers has it."""
        return (
            (b"ratelimit-policy", b'"key";q=%d;w=%d' % (self.capacity, math.ceil(_SECONDS))),
            (b"ratelimit", b'"key";r=%d;t=%d' % (self.requests, math.ceil(self.full_s))),
        )


class Buckets:
    """A token bucket for each key (Turner 1986, “New Directions in Communications”).

    Args:
        share: This process's share of every rate, above 0, at most 1: others serve beside it.
        clock: Seconds that only go forward.
    """

    def __init__(self, *, share: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._clock = clock
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, key_id: str, rate: float) -> Left:
        """Count one request of a key.

        Args:
            rate: Requests a second, above 0.
        """
        rate *= self._share
        capacity = max(rate * _SECONDS, 1.0)
        now = self._clock()
        level, at = self._levels.get(key_id, (capacity, now))
        level = min(level + (now - at) * rate, capacity)
        wait_s = 0.0 if level >= 1.0 else (1.0 - level) / rate
        if not wait_s:
            level -= 1.0
        if len(self._levels) >= _MOST and key_id not in self._levels:
            self._levels.clear()  # all full again: better than memory that only grows
        self._levels[key_id] = level, now
        return Left(int(level), int(capacity), wait_s, (capacity - level) / rate)
