"""Whether there is time to make whole answers: by what waits, and what they cost lately."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Room"]

_WHOLE_S: Final = 0.03
_QUICK_S: Final = 0.01
"""What answers cost is not known before there were some."""
_NEWEST: Final = 0.2
_ODD: Final = 3.0
_SPAN_S: Final = 2.0
_CROWD: Final = 1.5
"""Whole answers for all would take so much more time than there is. Who asks one thing after the
other never gets to 1, however fast."""
_MET: Final = 0.01
_SPARE: Final = 0.35


@dataclass
class Room:
    """How much one process has to do; its answers take turns, however many threads there are.

    Args:
        patience_s: For so long an answer may be expected to wait for a whole one.
        most_s: Longer nobody waits for any.
        whole: Whole answers that are wanted or being made.
        quick: Quick ones, likewise.

    >>> room = Room(patience_s=0.05, most_s=0.5)
    >>> room.for_whole, room.for_any
    (True, True)
    >>> room.whole = 3
    >>> room.for_whole, room.for_any
    (False, True)
    """

    patience_s: float
    most_s: float
    whole: int = 0
    quick: int = 0
    _whole_s: float = field(default=_WHOLE_S, repr=False)
    _quick_s: float = field(default=_QUICK_S, repr=False)
    _rate: float = field(default=0.0, repr=False)
    _met: float = field(default=0.0, repr=False)
    _at: float = field(default=-math.inf, repr=False)

    def asked(self, now: float) -> None:
        """Somebody wants an answer that has to be made.

        Args:
            now: Seconds, of a clock that only goes on.
        """
        left = self._left(now)
        met = 1.0 if self.whole or self.quick else 0.0
        self._rate = left * self._rate + 1 / _SPAN_S
        self._met = left * self._met + met / _SPAN_S
        self._at = now

    def took(self, seconds: float, *, whole: bool) -> None:
        """Learn what an answer cost.

        Args:
            seconds: Of processor time.
        """
        if whole:
            self._whole_s = _learned(self._whole_s, seconds)
        else:
            self._quick_s = _learned(self._quick_s, seconds)

    @property
    def waits_s(self) -> float:
        """How long whoever asks now may wait until a whole answer to them is begun."""
        return self.whole * self._whole_s + self.quick * self._quick_s

    @property
    def hurries_s(self) -> float:
        """The same for a quick one, which need not wait for whole ones, but shares with them."""
        return self.quick * self._quick_s * (2 if self.whole else 1)

    @property
    def for_whole(self) -> bool:
        """Whether a whole answer may be made.

        That is when it begins soon, unless so many ask these seconds that whole ones for all of
        them would take far more time than there is: then one whole answer makes many others late.
        Where patience is endless, there are no others.
        """
        if self._endless:
            return True
        return self.waits_s <= self.patience_s and not self._crowded

    @property
    def for_any(self) -> bool:
        """Whether anything may be made at all."""
        return self._shortest_s <= self.most_s

    def idle(self, now: float) -> bool:
        """Whether there is time for what nobody waits for."""
        busy = self._left(now) * self._rate * self._whole_s
        return not self.whole and not self.quick and busy <= _SPARE

    @property
    def again_s(self) -> int:
        """After so many whole seconds there is room again, by what waits now."""
        return max(1, math.ceil(self._shortest_s - self.most_s))

    @property
    def _endless(self) -> bool:
        return self.patience_s >= self.most_s

    @property
    def _shortest_s(self) -> float:
        return self.waits_s if self._endless else self.hurries_s

    @property
    def _crowded(self) -> bool:
        """Whether too many ask, and not one after the other, each when the last is answered."""
        return self._rate * self._whole_s > _CROWD and self._met > _MET * self._rate

    def _left(self, now: float) -> float:
        """What is left of the numbers of lately."""
        return math.exp(-max(now - self._at, 0.0) / _SPAN_S)


def _learned(so_far: float, seconds: float) -> float:
    """What an answer costs after another one; one listener with a huge history is not everybody."""
    return so_far + _NEWEST * (min(seconds, _ODD * so_far) - so_far)
