"""The panels of a picture, each as wide as the picture: numbers, bars, the clock, the calendar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Final

from segue.analytics.lettering import cut, width_of
from segue.analytics.newness import Newness
from segue.analytics.rhythm import WEEKDAYS, Clock, Streaks
from segue.analytics.statistics import Statistics
from segue.analytics.tops import Ranked
from segue.analytics.totals import Timeline
from segue.analytics.words import count, days_of, duration, share
from segue.palette import (
    ACCENT,
    AMOUNTS,
    INK,
    LINE,
    MUTED,
    PAPER,
    QUIET,
    SIZES,
    SURFACE,
    WIDTH,
)

__all__ = [
    "ROOM",
    "calendar",
    "clock",
    "closing_facts",
    "counted",
    "heading",
    "newness",
    "numbers",
    "over_time",
    "ranking",
    "rows_of",
    "time_axis",
]

ROOM: Final = WIDTH - 36
"""Width of a panel, in points."""

_ROW: Final = 34
_AXIS: Final = 40  # for the numbers beside a panel
_CELL: Final = 20
_SMALL: Final = 13
_DAYS: Final = 36  # for the names of weekdays
_CALENDAR_WEEKS: Final = 53


def heading(text: str) -> Any:
    """The title of a panel."""
    import altair as alt

    return alt.TitleParams(
        text,
        anchor="start",
        fontSize=SIZES["heading"],
        fontWeight="bold",
        color=INK,
        offset=8,
        limit=ROOM,
    )


def rows_of(values: Sequence[dict[str, Any]]) -> Any:
    """Rows as a chart's own data."""
    import altair as alt

    return alt.Chart(alt.InlineData(values=list(values)))


def numbers(facts: Sequence[tuple[str, str, str]]) -> Any:
    """Big numbers side by side: number, what it counts, and how it changed (or nothing)."""
    import altair as alt

    values = [
        {
            "x": n,
            "number": number if len(number) < 8 else f"{number.partition(' h ')[0]} h",
            "noun": noun.partition(" (")[0],
            "moved": moved,
        }
        for n, (number, noun, moved) in enumerate(facts)
    ]
    scale = alt.Scale(domain=[0, max(len(values), 3)])
    base = rows_of(values).encode(x=alt.X("x:Q", axis=None, scale=scale))
    text = {"align": "left", "baseline": "top"}
    layers = [
        base.mark_text(**text, y=0, fontSize=SIZES["number"], fontWeight="bold", color=INK).encode(
            text="number:N"
        ),
        base.mark_text(**text, y=25, fontSize=SIZES["label"], color=MUTED).encode(text="noun:N"),
    ]
    has_moved = any(moved for _, _, moved in facts)
    if has_moved:
        layers.append(
            base.mark_text(**text, y=43, fontSize=SIZES["label"], color=MUTED).encode(
                text="moved:N"
            )
        )
    return alt.layer(*layers).properties(width=ROOM, height=56 if has_moved else 38)


def ranking(title: str, places: Sequence[Ranked], by: str) -> Any:
    """A ranking by plays or time: a name, its amount, and a bar below both."""
    amounts = [place.ms_played if by == "time" else place.plays for place in places]
    texts = [duration(n) if by == "time" else f"{n:,}" for n in amounts]
    named = [(f"{place.rank}  {place.name or '(no name)'}", place.artist or "") for place in places]
    return _bars(title, named, amounts, texts)


def counted(title: str, places: Sequence[Ranked], what: str, of: str) -> Any:
    """A ranking by skips or finishes, with their share of what began."""
    amounts = [getattr(place, what) for place in places]
    texts = [
        f"{n:,}  ({share(n / getattr(place, of) if getattr(place, of) else None)})"
        for n, place in zip(amounts, places, strict=True)
    ]
    named = [(f"{place.rank}  {place.name or '(no name)'}", place.artist or "") for place in places]
    return _bars(title, named, amounts, texts)


def _bars(
    title: str, named: Sequence[tuple[str, str]], amounts: Sequence[int], texts: Sequence[str]
) -> Any:
    import altair as alt

    rows = []
    size = SIZES["text"]
    for n, ((name, of), amount, text) in enumerate(zip(named, amounts, texts, strict=True)):
        room = ROOM / size - 1.1 * width_of(text) - 1.0
        shown = cut(name, room)
        rest = room - width_of(shown) - 0.8
        # a name that leaves no room has its artist left out rather than torn to a letter
        by = cut(of, rest) if of and rest >= min(5.0, width_of(of)) else ""
        at = (width_of(shown) + 0.7) * size
        rows.append({"n": n, "name": shown, "by": by, "at": at, "amount": amount, "text": text})
    y = alt.Y("n:O", axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0))
    base = rows_of(rows).encode(y=y)
    most = max(amounts) or 1
    x = alt.X("amount:Q", axis=None, scale=alt.Scale(domain=[0, most], range=[0, ROOM]))
    lettered = {"baseline": "middle", "dy": -6, "fontSize": SIZES["text"]}
    layers = [
        rows_of([{"n": row["n"], "amount": most} for row in rows])
        .mark_bar(height=5, yOffset=11, color=SURFACE, cornerRadius=2)
        .encode(y=y, x=x),
        base.mark_bar(height=5, yOffset=11, color=ACCENT, cornerRadius=2).encode(x=x),
        base.mark_text(**lettered, align="left", x=0, color=INK).encode(text="name:N"),
        base.mark_text(**lettered, align="right", x=ROOM, color=INK, fontWeight="bold").encode(
            text="text:N"
        ),
    ]
    if any(row["by"] for row in rows):
        layers.append(
            base.mark_text(**lettered, align="left", color=MUTED).encode(
                text="by:N",
                x=alt.X(
                    "at:Q",
                    axis=None,
                    scale=alt.Scale(domain=[0, ROOM], range=[0, ROOM]),
                ),
            )
        )
    chart = alt.layer(*layers).resolve_scale(x="independent")
    return chart.properties(width=ROOM, height=_ROW * len(rows), title=heading(title))


def over_time(told: Timeline) -> Any:
    """Plays by period, as bars."""
    begins = [period.begins for period in told.periods]
    rows = [
        {"from": begin, "to": end, "low": 0, "high": p.plays}
        for p, begin, end in _with_ends(begins, told.periods)
    ]
    chart = _columns(rows_of(rows).mark_bar(color=ACCENT))
    return chart.properties(title=heading(f"Plays by {told.every}"))


def _columns(chart: Any) -> Any:
    """Bars over time, from low to high."""
    import altair as alt

    drawn = chart.encode(x=time_axis("from:T"), x2="to:T", y=_amount("low:Q"), y2=alt.Y2("high:Q"))
    return drawn.properties(width=ROOM - _AXIS, height=96)


def _with_ends(begins: Sequence[date], things: Sequence[Any]) -> Iterator[tuple[Any, str, str]]:
    """Each thing, where its bar begins, and where it ends: a little before the next one."""
    lengths = [later - sooner for sooner, later in pairwise(begins)]
    lengths.append(lengths[-1] if lengths else timedelta(days=1))
    for begin, length, thing in zip(begins, lengths, things, strict=True):
        midnight = datetime.combine(begin, time())
        end = midnight + length * (0.84 if length.days > 1 else 0.94)
        yield thing, midnight.isoformat(), end.isoformat()


def time_axis(field: str) -> Any:
    """A calendar below a panel: months, with the year at each January; days where it is short."""
    import altair as alt

    return alt.X(
        field,
        axis=alt.Axis(
            title=None,
            grid=False,
            ticks=False,
            domainColor=LINE,
            labelOverlap=True,
            labelSeparation=12,
            labelFlush=True,
            labelPadding=6,
            tickCount=5,
            labelExpr="timeFormat(datum.value, date(datum.value) > 1 ? '%-d %b'"
            " : month(datum.value) ? '%b' : '%Y')",
        ),
    )


def _amount(field: str) -> Any:
    import altair as alt

    return alt.Y(
        field,
        axis=alt.Axis(
            title=None,
            tickCount=3,
            format=",d",
            labelBaseline="bottom",
            gridColor=LINE,
            domain=False,
            ticks=False,
            orient="right",
        ),
    )


def clock(told: Clock) -> Any:
    """A cell for each hour of the week, the darker the more was played."""
    import altair as alt

    rows = [
        {"day": WEEKDAYS[day], "hour": hour, "plays": told.plays[day][hour]}
        for day in range(7)
        for hour in range(24)
    ]
    most = max(max(row) for row in told.plays) or 1
    domain = [most * n / (len(AMOUNTS) - 1) for n in range(len(AMOUNTS))]
    colour = alt.Color("plays:Q", scale=alt.Scale(domain=domain, range=list(AMOUNTS)), legend=None)
    cells = rows_of(rows).mark_rect(cornerRadius=2, stroke=PAPER, strokeWidth=1.5)
    hours = [{"hour": hour, "name": f"{hour} h"} for hour in range(0, 24, 6)]
    x = alt.X("hour:O", axis=None, scale=alt.Scale(domain=list(range(24)), range=[_DAYS, ROOM]))
    chart = alt.layer(
        cells.encode(x=x, y=_weekdays(7 * _CELL), color=colour),
        _names_of_days(WEEKDAYS, 7 * _CELL),
        rows_of(hours)
        .mark_text(align="left", baseline="top", dx=-6, fontSize=SIZES["label"], color=MUTED)
        .encode(x=x, y=alt.value(7 * _CELL + 6), text="name:N"),
    )
    busiest = told.busiest
    note = (
        ""
        if busiest is None
        else (f" · most on {WEEKDAYS[busiest[0] - 1]}, {busiest[1]}–{busiest[1] + 1} h")
    )
    size = {"width": ROOM, "height": 7 * _CELL + 18}
    return chart.properties(**size, title=heading(f"Hours of the week{note}"))


def _weekdays(height: int) -> Any:
    """The rows of a table of weekdays."""
    import altair as alt

    return alt.Y("day:N", axis=None, scale=alt.Scale(domain=list(WEEKDAYS), range=[0, height]))


def _names_of_days(names: Sequence[str], height: int) -> Any:
    """Names beside it, within the panel, so that all panels begin at the same line."""
    text = {"align": "left", "baseline": "middle", "x": 0, "fontSize": SIZES["label"]}
    drawn = rows_of([{"day": name} for name in names]).mark_text(**text, color=MUTED)
    return drawn.encode(y=_weekdays(height), text="day:N")


def calendar(told: Timeline, runs: Streaks) -> Any:
    """A cell for each of the last days, weeks side by side, and the longest runs below."""
    import altair as alt

    last = told.periods[-1].begins
    first = last - timedelta(days=last.weekday() + 7 * (_CALENDAR_WEEKS - 1))
    rows = [
        {
            "week": (p.begins - timedelta(days=p.begins.weekday())).isoformat(),
            "day": WEEKDAYS[p.begins.weekday()],
            "plays": p.plays,
        }
        for p in told.periods
        if p.begins >= first
    ]
    shown = sorted(p.plays for p in told.periods if p.begins >= first)
    most = shown[int(0.98 * (len(shown) - 1))] or 1  # one long day does not pale all others
    domain = [0, *(most * n / (len(AMOUNTS) - 2) for n in range(len(AMOUNTS) - 1))]
    domain[1] = 1
    weeks = sorted({str(row["week"]) for row in rows})
    begun = [later for sooner, later in pairwise(weeks) if sooner[:7] != later[:7]][::2]
    months = [{"week": week, "name": f"{date.fromisoformat(week):%b}"} for week in begun]
    height = 7 * _SMALL
    x = alt.X("week:O", axis=None, scale=alt.Scale(domain=weeks, range=[_DAYS, ROOM]))
    colours = alt.Scale(domain=domain, range=list(AMOUNTS), clamp=True)
    chart = alt.layer(
        rows_of(rows)
        .mark_rect(cornerRadius=1, stroke=PAPER, strokeWidth=0.8)
        .encode(x=x, y=_weekdays(height), color=alt.Color("plays:Q", scale=colours, legend=None)),
        _names_of_days(WEEKDAYS[::2], height),
        rows_of(months)
        .mark_text(align="left", baseline="top", dx=-3, fontSize=SIZES["label"], color=MUTED)
        .encode(x=x, y=alt.value(height + 5), text="name:N"),
    )
    panel = chart.properties(
        width=ROOM, height=height + 16, title=heading("Days with music, the last year of them")
    )
    if not runs.longest:
        return panel
    lengths = [run.days for run in runs.longest]
    named = [(days_of(run.first_day, run.last_day), "") for run in runs.longest]
    texts = [count(days, "day") for days in lengths]
    return alt.vconcat(panel, _bars("Longest streaks", named, lengths, texts), spacing=26)


def newness(told: Newness) -> Any:
    """Plays by period: of tracks heard for the first time, and of known ones."""
    import altair as alt

    kinds = ("known", "first time")
    begins = [period.begins for period in told.periods]
    rows = [
        {
            "from": begin,
            "to": end,
            "kind": kind,
            "low": low,
            "high": high,
        }
        for p, begin, end in _with_ends(begins, told.periods)
        for kind, low, high in (
            (kinds[0], p.discoveries, p.plays),
            (kinds[1], 0, p.discoveries),
        )
    ]
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(kinds), range=[QUIET, ACCENT]),
        legend=alt.Legend(title=None, orient="top", direction="horizontal", offset=8, padding=0),
    )
    chart = _columns(rows_of(rows).mark_bar().encode(color=colour))
    found = told.discoveries
    words = f"{found:,} {'discovery' if found == 1 else 'discoveries'}"
    return chart.properties(title=heading(f"New against known · {words}"))


def closing_facts(told: Statistics) -> Iterator[tuple[str, str, str]]:
    """What the summary says in numbers at its end."""
    if told.asked.view not in ("summary", "streaks"):
        return
    if told.streaks is not None and told.streaks.longest:
        yield count(told.streaks.longest[0].days, "day"), "longest streak", ""
        if told.asked.view == "streaks":
            running = told.streaks.current
            yield ("–" if running is None else count(running.days, "day")), "running now", ""
            yield f"{told.streaks.days:,}", f"of {told.streaks.of_days:,} days", ""
            return
    if told.new is not None:
        yield share(told.new.repeat_rate), "repeated", ""
    if told.totals.skips:
        yield share(told.totals.skip_rate), "skipped", ""
    if told.finished:
        yield share(told.totals.finish_rate), "finished", ""
