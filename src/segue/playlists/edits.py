"""What can be asked of a playlist elsewhere, one value a request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Add", "Cut", "Edit", "Move", "Put", "Remove", "after"]


@dataclass(frozen=True, slots=True)
class Put:
    """Have these items and no others."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Add:
    """Put these items before the one at `at`, counted from 0."""

    keys: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Remove:
    """Take every occurrence of these out."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """Take out `length` items from `start` on."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Move:
    """Move `length` items from `start` before the one that is at `before` now."""

    start: int
    before: int
    length: int


Edit = Put | Add | Remove | Cut | Move


def after(items: Sequence[str], edits: Iterable[Edit]) -> list[str]:
    """What a playlist holds after edits, one after another.

    >>> after(["a", "b", "c"], [Remove(("b",)), Move(1, 0, 1), Add(("d",), 1)])
    ['c', 'd', 'a']
    """
    now = list(items)
    for edit in edits:
        match edit:
            case Put(keys):
                now = list(keys)
            case Add(keys, at):
                now[at:at] = keys
            case Remove(keys):
                gone = frozenset(keys)
                now = [key for key in now if key not in gone]
            case Cut(start, length):
                del now[start : start + length]
            case Move(start, before, length):
                moved = now[start : start + length]
                rest = now[:start] + now[start + length :]
                place = before if before <= start else before - length
                now = rest[:place] + moved + rest[place:]
    return now
