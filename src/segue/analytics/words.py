"""Numbers of statistics as people write them: hours, shares, changes, spans of days."""

from __future__ import annotations

from datetime import date

__all__ = ["change", "count", "days_of", "duration", "share", "signed"]


def count(number: int, noun: str) -> str:
    """A number of things.

    >>> count(1, "day"), count(1200, "play")
    ('1 day', '1,200 plays')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(ms: int) -> str:
    """A length of time, in the unit that fits.

    >>> duration(90_000), duration(4_500_000), duration(900_000_000)
    ('2 min', '1 h 15 min', '250 h')
    """
    minutes = round(ms / 60_000)
    hours, rest = divmod(minutes, 60)
    if hours >= 100:
        return f"{round(ms / 3_600_000):,} h"
    return f"{hours} h {rest:02d} min" if hours else f"{rest} min"


def share(value: float | None) -> str:
    """A part of a whole; nothing where it is not known.

    >>> share(0.256), share(0.004), share(None)
    ('26 %', '0.4 %', '–')
    """
    if value is None:
        return "–"
    digits = 1 if 0 < value < 0.00995 else 0
    return f"{100 * value:.{digits}f} %"


def change(now: float, before: float) -> str:
    """How much more or less, relative to before.

    >>> change(120, 100), change(90, 100), change(5, 0)
    ('▲ 20 %', '▼ 10 %', 'new')
    """
    if not before:
        return "new" if now else ""
    part = now / before - 1
    return f"{'▲' if part >= 0 else '▼'} {abs(part):.0%}"[:-1] + " %"


def signed(value: float) -> str:
    """A difference of shares in points.

    >>> signed(0.034), signed(-0.2)
    ('+3.4', '−20.0')
    """
    return f"{'−' if value < 0 else '+'}{abs(value) * 100:.1f}"


def days_of(first: date, last: date) -> str:
    """From a day to a day, in as few words as tell it.

    >>> days_of(date(2024, 5, 1), date(2024, 5, 9))
    '1 – 9 May 2024'
    """
    if first == last:
        return f"{first:%-d %b %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first:%-d} – {last:%-d %b %Y}"
    if first.year == last.year:
        return f"{first:%-d %b} – {last:%-d %b %Y}"
    return f"{first:%-d %b %Y} – {last:%-d %b %Y}"
