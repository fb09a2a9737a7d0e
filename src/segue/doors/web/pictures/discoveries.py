"""What became of recommended discoveries, week by week."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from segue.analytics.outcomes import WINDOW_DAYS, HitWeek
from segue.analytics.words import share
from segue.doors.web.pictures.columns import Part, columns
from segue.doors.web.pictures.lines import Line, lines
from segue.doors.web.pictures.picture import Picture

__all__ = ["discoveries"]

_BECAME: Final = (
    ("saved", "rise"),
    ("finished", "accent"),
    ("in part", "series-5"),
    ("skipped", "series-2"),
)


def discoveries(weeks: Sequence[HitWeek]) -> Iterator[Picture]:
    """The share that was played, and what became of each track; nothing without weeks.

    Args:
        weeks: Oldest first.
    """
    if not weeks:
        return
    words = _words(weeks)
    begins = [week.monday for week in weeks]
    rates = tuple(week.counts.hit_rate for week in weeks)
    if sum(rate is not None for rate in rates) > 1:
        yield lines(
            begins,
            [Line("played", rates)],
            every="week",
            key="hit-rate",
            title="Hit rate by week",
            words=words,
        )
    parts = [
        Part(name, colour, tuple(week.counts.apart[n] for week in weeks))
        for n, (name, colour) in enumerate(_BECAME)
    ]
    rest = tuple(week.counts.judged - sum(week.counts.apart) for week in weeks)
    yield columns(
        begins,
        [*parts, Part("not played", "quiet", rest)],
        every="week",
        key="became",
        title="What became of discoveries",
        words=f"Tracks of lists of discoveries, each once. {words}",
    )


def _words(weeks: Sequence[HitWeek]) -> str:
    last = next((week for week in reversed(weeks) if week.counts.hit_rate is not None), None)
    if last is None:
        return "Too few tracks were recommended to tell a rate."
    grows = "; the week may still grow" if last.is_open else ""
    return (
        f"Of the discoveries of the week from {last.monday:%-d %B}, {share(last.counts.hit_rate)}"
        f" were played within {WINDOW_DAYS} days{grows}."
    )
