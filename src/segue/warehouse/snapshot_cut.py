"""Where a large mart is cut into files, so that little is written when little has changed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

__all__ = ["Piece", "Tally", "cut"]

_FEWEST_ROWS: Final = 4_096
_MOST_FILES: Final = 1_024


@dataclass(frozen=True, slots=True)
class Tally:
    """The rows that share a value of the column a mart is cut by.

    Args:
        key: The value.
        rows: How many.
        digest: A sum over them that changes when one of them does, in whatever order they are.
    """

    key: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows that make one file: those of neighbouring keys."""

    tallies: tuple[Tally, ...]

    @property
    def rows(self) -> int:
        """Rows of all keys."""
        return sum(tally.rows for tally in self.tallies)

    @property
    def first(self) -> str:
        """The smallest key."""
        return self.tallies[0].key

    @property
    def last(self) -> str:
        """The largest key."""
        return self.tallies[-1].key

    def digest(self, form: str) -> str:
        """A hash of the rows and of the form they are written in."""
        hashed = blake2b(form.encode(), digest_size=16)
        for tally in self.tallies:
            hashed.update(repr((tally.key, tally.rows, tally.digest)).encode())
        return hashed.hexdigest()


def cut(tallies: Sequence[Tally], known: Sequence[str] = ()) -> list[Piece]:
    """Cut a mart at borders of keys into pieces of about the same number of rows.

    Borders stay where they were, so that a piece nobody touched stays as it is; a piece that has
    grown to more than twice the size is cut again.

    Args:
        tallies: One for each key, at least one, in any order.
        known: The first key of each piece of the last time, ascending.

    Returns:
        The pieces in the order of their keys.
    """
    ordered = sorted(tallies, key=lambda tally: tally.key)
    size = max(_FEWEST_ROWS, sum(tally.rows for tally in ordered) // _MOST_FILES)
    borders = list(known[1:])
    groups: dict[int, list[Tally]] = {}
    for tally in ordered:
        groups.setdefault(bisect_right(borders, tally.key), []).append(tally)
    return [piece for group in groups.values() for piece in _split(group, size)]


def _split(group: Sequence[Tally], size: int) -> Iterator[Piece]:
    rows = sum(tally.rows for tally in group)
    if rows <= 2 * size:
        yield Piece(tuple(group))
        return
    taken: list[Tally] = []
    for tally in group:
        if taken and sum(one.rows for one in taken) + tally.rows > size:
            yield Piece(tuple(taken))
            taken = []
        taken.append(tally)
    yield Piece(tuple(taken))
