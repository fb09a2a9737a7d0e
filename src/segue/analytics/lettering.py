"""How wide a text will be when it is drawn, near enough to put another beside it."""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["cut", "width_of"]

_NARROW: Final = frozenset("iIjlft.,:;'’!|()[]/ ")
_WIDE: Final = frozenset("mwMWQO@%—…&")


def width_of(text: str) -> float:
    """Its width in the height of its letters (em), for a common sans-serif."""
    return sum(_letter(letter) for letter in text)


def _letter(letter: str) -> float:
    if letter in _NARROW:
        return 0.36
    if letter in _WIDE:
        return 0.92
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    if unicodedata.combining(letter):
        return 0.0
    return 0.69 if letter.isupper() else 0.62


def cut(text: str, ems: float) -> str:
    """The text, or as much of it as fits, with “…” for the rest."""
    if width_of(text) <= ems:
        return text
    while text and width_of(text) + 0.92 > ems:
        text = text[:-1]
    return f"{text.rstrip()}…"
