"""What the invented names of one style are made of, and how its lists are written down."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Style", "lines", "words"]


@dataclass(frozen=True, slots=True)
class Style:
    """The words of one style; every field is never empty."""

    adjectives: tuple[str, ...]
    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    places: tuple[str, ...]
    firsts: tuple[str, ...]
    lasts: tuple[str, ...]
    artists: tuple[str, ...]
    titles: tuple[str, ...]


def lines(text: str) -> tuple[str, ...]:
    """Patterns, one a line."""
    return tuple(line.strip() for line in text.strip().splitlines())


def words(text: str) -> tuple[str, ...]:
    """Words apart by spaces; _ stands for a space within."""
    return tuple(word.replace("_", " ") for word in text.split())
