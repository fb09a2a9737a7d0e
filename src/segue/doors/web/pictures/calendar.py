"""The calendar heat map: a cell a day, or a cell a week where there are years of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from segue.analytics.rhythm import WEEKDAYS
from segue.analytics.sections import Section
from segue.analytics.words import count
from segue.doors.web.pictures.picture import WIDTH, Picture, rectangle, text
from segue.palette import AMOUNTS

__all__ = ["calendar", "shades"]

_DESK: Final = 760
_NAMES: Final = 34  # for weekdays or years, at the left
_HEAD: Final = 20
_GAP: Final = 1.5
_YEAR: Final = 400  # days, above which weeks are shown


def shades(amounts: Sequence[int]) -> tuple[int, ...]:
    """Where the colours change: four bounds, quarters of the amounts that are not 0.

    A few very long days do not make all others pale, which shares of the greatest would.
    """
    heard = sorted(amount for amount in amounts if amount > 0) or [1]
    return tuple(heard[min(len(heard) - 1, len(heard) * part // 5)] for part in range(1, 5))


def calendar(days: Mapping[date, int], *, wide: bool = False, key: str = "calendar") -> Picture:
    """Plays on each day of a window.

    Args:
        days: Each day of the window, quiet ones too -> its counted plays; at least one.
        wide: For a desk: a year in one row of weeks, not in two.
        key: Of the picture.
    """
    first, last = min(days), max(days)
    best = max(days, key=lambda day: (days[day], day))
    heard = sum(1 for plays in days.values() if plays)
    words = (
        f"{count(sum(days.values()), 'play')} on {heard:,} of {count(len(days), 'day')};"
        f" most on {best:%-d %B %Y}, {count(days[best], 'play')}."
    )
    if (last - first).days > _YEAR:
        height, drawn = _years(days, _DESK if wide else WIDTH)
        title = "Weeks of the years"
    else:
        height, drawn = _weeks(days, _DESK if wide else WIDTH, rows=1 if wide else 2)
        title = "Days of the year" if (last - first).days > 90 else "Days"
    return Picture(
        key=key,
        title=title,
        words=words,
        height=height,
        drawn=drawn,
        table=_table(days),
        width=_DESK if wide else WIDTH,
    )


def _weeks(days: Mapping[date, int], width: float, *, rows: int) -> tuple[float, str]:
    """Weeks side by side, in one row or in two."""
    mondays = sorted({day - timedelta(days=day.weekday()) for day in days})
    rows = rows if len(mondays) > 18 else 1
    each = -(-len(mondays) // rows)
    side = min(22.0, (width - _NAMES) / each)
    bounds = shades(tuple(days.values()))
    drawn: list[str] = []
    y = 0.0
    for row in range(rows):
        shown = mondays[row * each : (row + 1) * each]
        drawn += _months(shown, side, y + 12, width)
        y += _HEAD
        drawn += _weekdays(side, y)
        for n, monday in enumerate(shown):
            for weekday in range(7):
                day = monday + timedelta(days=weekday)
                if day in days:
                    tip = f"{day:%a %-d %b %Y}: {count(days[day], 'play')}"
                    x = _NAMES + n * side
                    drawn.append(_cell(x, y + weekday * side, side, side, days[day], bounds, tip))
        y += 7 * side + 10
    drawn += _legend(width, y + 10)
    return y + 16, "".join(drawn)


def _years(days: Mapping[date, int], width: float) -> tuple[float, str]:
    """A row a year, with a cell for each of its weeks."""
    sums: dict[tuple[int, int], int] = {}
    for day, plays in days.items():
        week = (day.timetuple().tm_yday - 1) // 7
        sums[day.year, week] = sums.get((day.year, week), 0) + plays
    bounds = shades(tuple(sums.values()))
    side = (width - _NAMES) / 53
    tall = max(14.0, side)
    first = min(days).year
    drawn = list(_month_names(width))
    for (year, week), plays in sums.items():
        begins = date(year, 1, 1) + timedelta(days=7 * week)
        tip = f"Week from {begins:%-d %b %Y}: {count(plays, 'play')}"
        x, y = _NAMES + week * side, _HEAD + (year - first) * (tall + 2)
        drawn.append(_cell(x, y, side, tall, plays, bounds, tip))
    years = max(days).year - first + 1
    for n in range(years):
        y = _HEAD + n * (tall + 2) + tall / 2 + 4
        drawn.append(text(0, y, str(first + n), fill="muted", size=12))
    foot = _HEAD + years * (tall + 2) + 10
    drawn += _legend(width, foot + 10)
    return foot + 16, "".join(drawn)


def _cell(
    x: float, y: float, wide: float, tall: float, plays: int, bounds: Sequence[int], tip: str
) -> str:
    shade = sum(plays > bound for bound in bounds) + 1 if plays else 0
    gap = _GAP if wide > 8 else 0.8
    return rectangle(
        x, y, wide - gap, tall - gap, f"amount-{shade}", radius=min(3.0, wide / 5), tip=tip
    )


def _months(mondays: Sequence[date], side: float, y: float, width: float) -> Iterator[str]:
    until = -1.0
    for n, monday in enumerate(mondays):
        sunday = monday + timedelta(days=6)
        if n and sunday.day > 7:
            continue
        x = _NAMES + n * side
        name = f"{sunday:%b %Y}" if sunday.month == 1 or n == 0 else f"{sunday:%b}"
        if x > until and x + 28 <= width:
            yield text(x, y, name, fill="muted", size=12)
            until = x + (58 if len(name) > 3 else 26)


def _month_names(width: float) -> Iterator[str]:
    step = (width - _NAMES) / 12
    every = 1 if step > 30 else 2
    for month in range(1, 13, every):
        name = f"{date(2001, month, 1):%b}"
        yield text(_NAMES + (month - 1) * step, 12, name, fill="muted", size=12)


def _weekdays(side: float, y: float) -> Iterator[str]:
    for n in (0, 2, 4, 6) if side < 16 else range(7):
        yield text(0, y + n * side + side / 2 + 4, WEEKDAYS[n], fill="muted", size=11)


def _legend(width: float, y: float) -> Iterator[str]:
    """From little to much, at the lower right."""
    x = width - 6 * 13 - 36
    yield text(x - 6, y, "quiet", fill="muted", size=11, anchor="end")
    for n in range(len(AMOUNTS)):
        yield rectangle(x + n * 13, y - 9, 11, 11, f"amount-{n}", radius=2)
    yield text(width, y, "much", fill="muted", size=11, anchor="end")


def _table(days: Mapping[date, int]) -> Section:
    """Weeks down, weekdays across."""
    mondays = sorted({day - timedelta(days=day.weekday()) for day in days})
    rows = tuple(
        (
            f"{monday:%-d %b %Y}",
            *(
                f"{days[day]:,}" if day in days else ""
                for day in (monday + timedelta(days=n) for n in range(7))
            ),
        )
        for monday in mondays
    )
    columns = ("Week from", *(f"# {name}" for name in WEEKDAYS))
    return Section("Plays by day", columns, rows)
