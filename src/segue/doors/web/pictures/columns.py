"""Columns over time: how much in each period, in one part or in parts on top of each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from segue.analytics.lettering import width_of
from segue.analytics.newness import Newness
from segue.analytics.periods import Every, name_of
from segue.analytics.sections import Section
from segue.analytics.totals import Timeline
from segue.analytics.words import count
from segue.doors.web.pictures.axes import amount_lines, day_labels, round_marks
from segue.doors.web.pictures.picture import WIDTH, Picture, rectangle, text

__all__ = ["Part", "columns", "legend", "new_against_known", "over_time"]

_TALL: Final = 130.0


@dataclass(frozen=True, slots=True)
class Part:
    """One part of each column: its name, its colour's name, and its amount in each period."""

    name: str
    fill: str
    amounts: tuple[int, ...]


def columns(
    begins: Sequence[date],
    parts: Sequence[Part],
    *,
    every: Every,
    key: str,
    title: str,
    words: str,
) -> Picture:
    """Columns, the first part at the foot.

    Args:
        begins: First day of each period, at least one.
        parts: Each with an amount a period.
        every: How long a period is.
        key: Of the picture.
        title: Of the picture.
        words: What it shows.
    """
    drawn, top = legend([(part.name, part.fill) for part in parts]) if len(parts) > 1 else ([], 0.0)
    foot = top + 14 + _TALL
    sums = [sum(amounts) for amounts in zip(*(part.amounts for part in parts), strict=True)]
    marks = round_marks(max(sums))
    labels = [f"{mark:,.0f}" for mark in marks]
    room = WIDTH - 12 * width_of(labels[-1]) - 4
    step = room / len(begins)
    gap = min(4.0, step * 0.2)
    drawn += amount_lines(marks, labels, width=room, top=top + 14, foot=foot)
    for n, begin in enumerate(begins):
        y = foot
        for part in parts:
            tall = _TALL * part.amounts[n] / marks[-1]
            if tall > 0:
                y -= tall
                tip = f"{name_of(begin, every)}: {part.amounts[n]:,} {part.name}"
                x, wide, round_ = n * step + gap / 2, step - gap, min(1.5, gap)
                drawn.append(rectangle(x, y, wide, tall, part.fill, radius=round_, tip=tip))
    at = [(n + 0.5) * step for n in range(len(begins))]
    drawn += day_labels(begins, every, at=at, y=foot + 18, width=room)
    rows = tuple(
        (name_of(begin, every), *(f"{part.amounts[n]:,}" for part in parts))
        for n, begin in enumerate(begins)
    )
    head = (every.capitalize(), *(f"# {part.name}" for part in parts))
    return Picture(key, title, words, foot + 24, "".join(drawn), Section(title, head, rows))


def legend(names: Sequence[tuple[str, str]]) -> tuple[list[str], float]:
    """Names with their colours, in as many lines as they need, and where the last one ends."""
    drawn, x, y = [], 0.0, 0.0
    for name, fill in names:
        wide = 17 + width_of(name) * 11.5
        if x and x + wide > WIDTH:
            x, y = 0.0, y + 18
        drawn += [rectangle(x, y + 2, 11, 11, fill, radius=2)]
        drawn += [text(x + 17, y + 12, name, fill="muted", size=12)]
        x += wide + 14
    return drawn, y + 22


def over_time(told: Timeline, *, key: str = "plays") -> Picture:
    """Plays by period."""
    plays = tuple(period.plays for period in told.periods)
    best = max(told.periods, key=lambda period: period.plays)
    words = (
        f"{count(sum(plays), 'play')}; most in the {told.every} from"
        f" {best.begins:%-d %B %Y}, {best.plays:,}."
    )
    return columns(
        [period.begins for period in told.periods],
        [Part("plays", "accent", plays)],
        every=told.every,
        key=key,
        title=f"Plays by {told.every}",
        words=words,
    )


def new_against_known(told: Newness, *, key: str = "new") -> Picture:
    """Discoveries below what was known already, by period."""
    words = (
        f"{count(told.discoveries, 'track')} and {count(told.new_artists, 'artist')} heard for"
        f" the first time, in {count(told.plays, 'play')}; {told.kept:,} were played again at"
        " least twice."
    )
    return columns(
        [period.begins for period in told.periods],
        [
            Part(
                "heard for the first time", "series-2", tuple(p.discoveries for p in told.periods)
            ),
            Part("known", "quiet", tuple(p.repeats for p in told.periods)),
        ],
        every=told.every,
        key=key,
        title=f"New and known by {told.every}",
        words=words,
    )
