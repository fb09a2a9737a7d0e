"""Bars below names: what was heard most, the longest runs of days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from segue.analytics.lettering import cut, width_of
from segue.analytics.rhythm import Run, Streaks
from segue.analytics.sections import Section
from segue.analytics.tops import By, Ranked
from segue.analytics.words import count, days_of, duration
from segue.doors.web.pictures.picture import WIDTH, Picture, rectangle, text

__all__ = ["Bar", "bars", "longest_runs", "ranking"]

_ROW: Final = 36.0
_SIZE: Final = 13.5
_PLACES: Final = 24.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One row.

    Args:
        name: What it is.
        amount: How much, 0 or more.
        told: The amount in words.
        more: Behind the name, where there is room: a track's artist.
        is_marked: Drawn in full colour; the others step back.
    """

    name: str
    amount: float
    told: str
    more: str = ""
    is_marked: bool = True


def bars(
    rows: Sequence[Bar], *, key: str, title: str, words: str, table: Section, places: bool = True
) -> Picture:
    """Rows from the top down.

    Args:
        rows: At least one.
        key: Of the picture.
        title: Of the picture.
        words: What it shows.
        table: Its numbers.
        places: Number the rows.
    """
    most = max(row.amount for row in rows) or 1
    left = _PLACES if places else 0.0
    drawn = []
    for n, row in enumerate(rows):
        y = n * _ROW
        if places:
            drawn.append(text(left - 8, y + 14, str(n + 1), fill="muted", size=12, anchor="end"))
        room = (WIDTH - left) / _SIZE - width_of(row.told) - 1.0
        name = cut(row.name, room)
        rest = room - width_of(name) - 0.8
        fits = row.more and rest >= min(5.0, width_of(row.more))
        drawn.append(text(left, y + 14, name, size=_SIZE, more=cut(row.more, rest) if fits else ""))
        drawn.append(text(WIDTH, y + 14, row.told, size=_SIZE, anchor="end", weight="bold"))
        wide = (WIDTH - left) * row.amount / most
        drawn.append(rectangle(left, y + 21, WIDTH - left, 5, "surface", radius=2.5))
        fill = "accent" if row.is_marked else "quiet"
        drawn.append(rectangle(left, y + 21, max(wide, 3), 5, fill, radius=2.5))
    return Picture(key, title, words, len(rows) * _ROW - 4, "".join(drawn), table)


def ranking(places: Sequence[Ranked], *, title: str, key: str, by: By, table: Section) -> Picture:
    """What was heard most.

    Args:
        places: At least one.
        title: What is ranked.
        key: Of the picture.
        by: What it is ranked by.
        table: Its numbers.
    """
    rows = [
        Bar(
            place.name or "(no name)",
            place.ms_played if by == "time" else place.plays,
            duration(place.ms_played) if by == "time" else f"{place.plays:,}",
            place.artist or "",
        )
        for place in places
    ]
    unit = "" if by == "time" else " plays"
    words = "; ".join(f"{row.name}, {row.told}{unit}" for row in rows[:3])
    return bars(rows, key=key, title=title, words=f"Most of all: {words}.", table=table)


def longest_runs(told: Streaks, *, key: str = "streaks") -> Picture:
    """The longest runs of days with a play; the one that goes on stands out.

    Args:
        told: With at least one run.
        key: Of the picture.
    """
    runs = list(told.longest)
    if told.current is not None and told.current not in runs:
        runs.append(told.current)
    rows = [
        Bar(
            days_of(run.first_day, run.last_day),
            run.days,
            count(run.days, "day"),
            "goes on" if run == told.current else "",
            is_marked=run == told.current or run == runs[0],
        )
        for run in runs
    ]
    return bars(
        rows,
        key=key,
        title="Days in a row",
        words=_run_words(told, runs[0]),
        table=Section(
            "Longest runs", ("From – to", "# Days"), tuple((row.name, row.told) for row in rows)
        ),
        places=False,
    )


def _run_words(told: Streaks, longest: Run) -> str:
    words = (
        f"Music on {told.days:,} of {count(told.of_days, 'day')}; the longest run is"
        f" {count(longest.days, 'day')}, {days_of(longest.first_day, longest.last_day)}."
    )
    if told.current is None:
        return words
    return f"{words} {count(told.current.days, 'day')} in a row now."
