"""How a window is cut into periods that are neither too many nor too few to look at."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

from segue.analytics.windows import Span

__all__ = ["Every", "name_of", "period_for", "period_of_mixes"]

Every = Literal["day", "week", "month", "quarter", "year"]

_LONGEST: Final[tuple[tuple[int, Every], ...]] = (
    (45, "day"),
    (200, "week"),
    (1_500, "month"),
    (3_700, "quarter"),
)
_LONGEST_OF_MIXES: Final[tuple[tuple[int, Every], ...]] = (
    (62, "week"),
    (1_000, "month"),
    (3_700, "quarter"),
)


def period_for(span: Span) -> Every:
    """The period that makes a readable row of at most some fifty."""
    return _fitting(span, _LONGEST)


def period_of_mixes(span: Span) -> Every:
    """The same for mixes, which need more plays than a week has to say something."""
    return _fitting(span, _LONGEST_OF_MIXES)


def _fitting(span: Span, longest: tuple[tuple[int, Every], ...]) -> Every:
    days = (span.until - span.since).days
    return next((every for most, every in longest if days <= most), "year")


def name_of(day: date, every: Every) -> str:
    """What a period is called by the day it begins with.

    >>> name_of(date(2024, 4, 1), "quarter")
    'Q2 2024'
    """
    match every:
        case "year":
            return f"{day:%Y}"
        case "quarter":
            return f"Q{(day.month + 2) // 3} {day:%Y}"
        case "month":
            return f"{day:%b %Y}"
    return f"{day:%-d %b %Y}"
