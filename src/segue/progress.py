"""How a long step tells whoever waits for it how far it is, without knowing who that is."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "Silent"]


class Progress(Protocol):
    """A listener for progress; doors pass one that draws a bar or prints plain lines."""

    def start(self, label: str, total: float | None = None, unit: str = "") -> None:
        """A new stage begins; `total` is in `unit` (rows, bytes, tracks …), None if unknown."""

    def advance(self, amount: float = 1) -> None:
        """The current stage went forward by `amount` of its unit."""

    def done(self, note: str = "") -> None:
        """The current stage is over; `note` says the result in a few words."""


class Silent:
    """Progress that goes nowhere: the default for library use and tests."""

    def start(self, label: str, total: float | None = None, unit: str = "") -> None:
        """Ignore the stage."""

    def advance(self, amount: float = 1) -> None:
        """Ignore the step."""

    def done(self, note: str = "") -> None:
        """Ignore the result."""
