"""Big numbers of the page, with their names and how they changed."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Figure"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name, and how it changed against the window before; empty: unknown."""

    number: str
    name: str
    moved: str = ""
