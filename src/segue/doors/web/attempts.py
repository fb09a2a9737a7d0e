"""How often somebody may try to sign in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

__all__ = ["Attempts"]

_EACH: Final = 5
_ALL: Final = 60
_WITHIN_S: Final = 300.0
_MOST: Final = 10_000


class Attempts:
    """Failed attempts of the last minutes, by where they came from.

    Args:
        clock: Seconds that only grow.
        each: Failures from one address, after which it has to wait.
        all_: The same from everywhere, so that many addresses help nobody.
    """

    def __init__(self, clock: Callable[[], float], *, each: int = _EACH, all_: int = _ALL) -> None:
        self._clock = clock
        self._each = each
        self._all = all_
        self._failed: dict[str, deque[float]] = {}
        self._everywhere: deque[float] = deque(maxlen=all_)

    def wait_s(self, address: str) -> float:
        """Seconds until an address may try again; 0: at once."""
        now = self._clock()
        own = self._failed.get(address, deque())
        waits = [
            failed[-most] + _WITHIN_S - now
            for failed, most in ((own, self._each), (self._everywhere, self._all))
            if len(failed) >= most
        ]
        return max([0.0, *waits])

    def failed(self, address: str) -> None:
        """One more has failed."""
        now = self._clock()
        if len(self._failed) >= _MOST:
            self._failed = {
                one: times for one, times in self._failed.items() if times[-1] > now - _WITHIN_S
            }
        self._failed.setdefault(address, deque(maxlen=self._each)).append(now)
        self._everywhere.append(now)

    def came_in(self, address: str) -> None:
        """They knew it: what failed before counts no more."""
        self._failed.pop(address, None)
