"""What may be tried when a model is tuned: ranges and choices, declared by the model itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["OneOf", "Real", "Space", "Value", "Whole"]

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Whole:
    """Whole numbers from `low` to `high`, both possible; `log`: equal ratios are equally likely.

    >>> Whole(16, 256, log=True).holds(64)
    True
    """

    low: int
    high: int
    log: bool = False

    def draw(self, rng: np.random.Generator) -> int:
        """One of them."""
        if self.log:
            return round(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))
        return int(rng.integers(self.low, self.high, endpoint=True))

    def holds(self, value: Value) -> bool:
        """Whether it is one of them."""
        return type(value) is int and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"a whole number from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Real:
    """Numbers from `low` to `high`; `log`: equal ratios are equally likely, and `low` is above 0.

    Drawn values have three digits: more would not be told apart.
    """

    low: float
    high: float
    log: bool = False

    def draw(self, rng: np.random.Generator) -> float:
        """One of them."""
        if self.log:
            drawn = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        else:
            drawn = float(rng.uniform(self.low, self.high))
        return min(max(float(f"{drawn:.3g}"), self.low), self.high)

    def holds(self, value: Value) -> bool:
        """Whether it is one of them; whole numbers count."""
        return type(value) in (int, float) and self.low <= float(value) <= self.high

    def __str__(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Some values, each as likely."""

    values: tuple[Value, ...]

    def draw(self, rng: np.random.Generator) -> Value:
        """One of them."""
        return self.values[int(rng.integers(len(self.values)))]

    def holds(self, value: Value) -> bool:
        """Whether it is one of them."""
        return any(value == one and type(value) is type(one) for one in self.values)

    def __str__(self) -> str:
        return f"one of {', '.join(map(str, self.values))}"


Space = Mapping[str, Whole | Real | OneOf]
"""Constructor argument -> what it may be."""
