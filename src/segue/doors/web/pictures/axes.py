"""What stands beside a drawing: round numbers for amounts, and days for time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from segue.analytics.lettering import width_of
from segue.analytics.periods import Every
from segue.doors.web.pictures.paints import paint
from segue.doors.web.pictures.picture import WIDTH, number, text

__all__ = ["amount_lines", "day_labels", "round_marks"]


_STRIDES: Final = {"month": (1, 2, 3, 4, 6, 12, 24, 36), "quarter": (1, 2, 4, 8, 12)}


def round_marks(most: float, *, at_most: int = 5) -> tuple[float, ...]:
    """Round numbers from 0 on, the last at or above the most.

    >>> round_marks(87)
    (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
    >>> round_marks(0.37)
    (0.0, 0.1, 0.2, 0.3, 0.4)
    """
    if most <= 0:
        return (0.0, 1.0)
    power = 10.0 ** math.floor(math.log10(most))
    for step in (factor * power / 10 for factor in (1, 2, 2.5, 5, 10, 20, 25, 50)):
        steps = math.ceil(most / step - 1e-9)
        if steps <= at_most and (most < 1 or step % 1 == 0):
            return tuple(round(n * step, 10) for n in range(steps + 1))
    return (0.0, 10 * power)


def amount_lines(
    marks: Sequence[float], labels: Sequence[str], *, width: float, top: float, foot: float
) -> Iterator[str]:
    """A thin line for each mark, its number to the right of the lines, at WIDTH."""
    for mark, label in zip(marks, labels, strict=True):
        y = foot - (foot - top) * mark / marks[-1]
        yield (
            f'<path d="M0 {number(y)}H{number(width)}" stroke="{paint("line")}"'
            f' stroke-width="{1.5 if mark == 0 else 1}"/>'
        )
        if mark:
            yield text(WIDTH, y + 4, label, fill="muted", size=12, anchor="end")


def day_labels(
    begins: Sequence[date], every: Every, *, at: Sequence[float], y: float, width: float
) -> Iterator[str]:
    """As many names of periods as stand clear of each other, the first one always."""
    names = [_label(day, every, n == 0) for n, day in enumerate(begins)]
    widest = max(width_of(name) for name in names) * 12 + 14
    room = max(1, int(width // widest))
    stride = math.ceil(len(begins) / room)
    stride = next((n for n in _STRIDES.get(every, ()) if n >= stride), stride)
    until = -1.0
    for name, x in list(zip(names, at, strict=True))[::stride]:
        half = width_of(name) * 6
        centre = min(max(x, half), width - half)
        if centre - half > until:
            yield text(centre, y, name, fill="muted", size=12, anchor="middle")
            until = centre + half + 8


def _label(day: date, every: Every, is_first: bool) -> str:
    if every == "year":
        return f"{day:%Y}"
    if every == "quarter":
        return f"Q{(day.month + 2) // 3} {day:%y}"
    if every == "month":
        return f"{day:%b %y}" if is_first or day.month == 1 else f"{day:%b}"
    return f"{day:%-d %b}"
