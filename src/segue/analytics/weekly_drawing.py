"""The panels of a weekly report as SVG: the same for the page, which has two themes, and a PNG.

Colours are custom properties of the page with the light colour behind them: `var(--ink,#1d2733)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Final

from segue.analytics.lettering import cut, width_of
from segue.analytics.outcomes import WINDOW_DAYS, HitWeek, ListOutcome
from segue.analytics.rhythm import WEEKDAYS
from segue.analytics.tops import Ranked
from segue.analytics.weekly import FEW_PLAYS, WeeklyReport
from segue.analytics.words import change, count, duration, share
from segue.palette import FONT, LIGHT, SIZES, WIDTH

__all__ = ["ROOM", "Panel", "big_numbers", "in_light", "panels", "poster"]

ROOM: Final = WIDTH - 36
"""Width of a panel, in points."""

_MARGIN: Final = 18
_ROW: Final = 34
_PAINT: Final = re.compile(r"var\(--[a-z0-9-]+,(#[0-9a-f]{6})\)")
_PARTS: Final = (
    ("saved", "rise"),
    ("finished", "accent"),
    ("played", "amount-2"),
    ("skipped", "fall"),
)


@dataclass(frozen=True, slots=True)
class Panel:
    """A drawing with a heading.

    Args:
        heading: Above it; empty: none.
        body: Elements of SVG, `ROOM` points wide.
        height: In points.
        told: What it shows, for who cannot see it.
    """

    heading: str
    body: str
    height: float
    told: str

    @property
    def svg(self) -> str:
        """The drawing alone, without its heading, as an element of a page."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {ROOM} {self.height:.0f}"'
            f' role="img" aria-label="{_shown(self.told)}" font-family="{FONT}">{self.body}</svg>'
        )


def panels(report: WeeklyReport) -> tuple[Panel, ...]:
    """Everything that there is to show of a week; less of a quiet one."""
    return tuple(_panels(report))


def _panels(report: WeeklyReport) -> Iterator[Panel]:
    if report.totals.plays:
        yield _days(report)
        yield _ranking("Artists", report.artists)
        yield _ranking("Tracks", report.tracks)
        if report.found:
            yield _ranking("New to you", report.found)
        if report.moods and report.totals.plays >= FEW_PLAYS:
            yield _moods(report)
        if report.genres:
            yield _genres(report.genres)
    if report.recommended.lists:
        yield _lists(report.recommended.lists)
    if any(week.counts.hit_rate is not None for week in report.recommended.weeks):
        yield _hits(report.recommended.weeks)


def poster(report: WeeklyReport) -> str:
    """All panels below each other as one SVG, in light colours."""
    y = _MARGIN + 24.0
    parts = [
        _text(0, y, "Your week", SIZES["title"], weight="bold"),
        _text(ROOM, y, report.week, SIZES["text"], "muted", anchor="end"),
    ]
    parts.append(_text(0, y + 20, report.title, SIZES["text"], "muted"))
    y += 40
    numbers = big_numbers(report)
    if numbers:
        drawn = _numbers(numbers)
        parts.append(_moved(drawn.body, y))
        y += drawn.height + 24
    for panel in panels(report):
        parts.append(_text(0, y + 12, panel.heading, SIZES["heading"], weight="bold"))
        parts.append(_moved(panel.body, y + 24))
        y += 24 + panel.height + 26
    for note in report.notes:
        for line in _lines(note, ROOM / SIZES["label"]):
            parts.append(_text(0, y + 10, line, SIZES["label"], "muted"))
            y += 17
        y += 4
    height = round(y + _MARGIN)
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        f' viewBox="0 0 {WIDTH} {height}" font-family="{FONT}">'
        f'<rect width="{WIDTH}" height="{height}" fill="{_paint("paper")}"/>'
        f'<g transform="translate({_MARGIN} 0)">{"".join(parts)}</g></svg>'
    )
    return in_light(drawing)


def in_light(svg: str) -> str:
    """A drawing with the light colours in the place of their names."""
    return _PAINT.sub(lambda found: found[1], svg)


def big_numbers(report: WeeklyReport) -> list[tuple[str, str, str]]:
    """Number, what it counts, and how it changed; none for a week without plays."""
    now, before = report.totals, report.before
    if not now.plays:
        return []
    then = 0 if before is None else before.plays
    heard = 0 if before is None else before.ms_played
    found = [(duration(now.ms_played), "heard", change(now.ms_played, heard) if heard else "")]
    found.append(_counted(now.plays, "play", change(now.plays, then) if then else ""))
    found.append(_counted(report.new_tracks, "new track", count(report.new_artists, "new artist")))
    run = "day in a row" if report.streak_days == 1 else "days in a row"
    found.append((f"{report.streak_days:,}", run, f"{report.active_days} of 7 days"))
    return found if now.told else found[1:]


def _counted(number: int, noun: str, moved: str) -> tuple[str, str, str]:
    told, _, things = count(number, noun).partition(" ")
    return told, things, moved


def _numbers(numbers: Sequence[tuple[str, str, str]]) -> Panel:
    big, small = SIZES["number"] - 2, SIZES["small"]
    widths = [
        max(1.12 * width_of(number) * big, width_of(noun) * small, width_of(moved) * small)
        for number, noun, moved in numbers
    ]
    gap = (ROOM - sum(widths)) / max(1, len(numbers) - 1)
    body, x = "", 0.0
    for (number, noun, moved), width in zip(numbers, widths, strict=True):
        body += _text(x, 16, number, big, weight="bold")
        body += _text(x, 33, noun, small, "muted")
        body += _text(x, 49, moved, small, "muted")
        x += width + gap
    return Panel("", body, 52, "")


def _days(report: WeeklyReport) -> Panel:
    most = max(day.plays for day in report.days) or 1
    step, floor, top = ROOM / 7, 112.0, 18.0
    body = ""
    for n, day in enumerate(report.days):
        height = (floor - top) * day.plays / most
        x, middle = n * step + 5, n * step + step / 2
        colour = "accent" if day.plays == most else "amount-2"
        if day.plays:
            body += _rect(x, floor - height, step - 10, height, colour, radius=3)
        else:
            body += _rect(x, floor - 2, step - 10, 2, "line")
        body += _text(
            middle, floor - height - 5, f"{day.plays:,}", SIZES["small"], "muted", anchor="middle"
        )
        body += _text(middle, floor + 17, WEEKDAYS[n], SIZES["label"], "muted", anchor="middle")
    told = ", ".join(
        f"{WEEKDAYS[n]} {count(day.plays, 'play')}" for n, day in enumerate(report.days)
    )
    return Panel("Day by day", body, floor + 22, told)


def _ranking(heading: str, places: Sequence[Ranked]) -> Panel:
    most = max((place.plays for place in places), default=1) or 1
    body = ""
    size = SIZES["text"]
    for n, place in enumerate(places):
        y = n * _ROW
        amount = f"{place.plays:,}"
        room = ROOM / size - width_of(amount) - 1.2
        name = cut(place.name or "(no name)", room)
        rest = room - width_of(name) - 0.9
        by = place.artist or ""
        by = cut(by, rest) if by and rest >= min(5.0, width_of(by)) else ""
        body += _line(y + 14, name, by, amount, size)
        body += _rect(0, y + 21, ROOM, 5, "surface", radius=2)
        body += _rect(0, y + 21, max(3.0, ROOM * place.plays / most), 5, "accent", radius=2)
    told = "; ".join(
        f"{place.rank}. {place.name}, {count(place.plays, 'play')}" for place in places
    )
    return Panel(heading, body, len(places) * _ROW, told)


def _line(y: float, name: str, by: str, amount: str, size: int) -> str:
    """A name, whose it is in a quieter colour right after it, and an amount at the end."""
    after = f'<tspan dx="7" fill="{_paint("muted")}">{_shown(by)}</tspan>' if by else ""
    return (
        f'<text x="0" y="{y:.1f}" font-size="{size}" fill="{_paint("ink")}">{_shown(name)}{after}'
        f"</text>{_text(ROOM, y, amount, size, weight='bold', anchor='end')}"
    )


def _moods(report: WeeklyReport) -> Panel:
    rows = [(mood.name, mood.share, mood.share_before) for mood in report.moods[:6]]
    panel = _shares("Moods", rows)
    if any(before is not None for _, _, before in rows):
        note = _text(0, panel.height + 13, "| the week before", SIZES["small"], "muted")
        return Panel(panel.heading, panel.body + note, panel.height + 18, panel.told)
    return panel


def _genres(genres: Sequence[Ranked]) -> Panel:
    return _shares("Genres", [(genre.id, genre.share, None) for genre in genres[:6]])


def _shares(heading: str, rows: Sequence[tuple[str, float, float | None]]) -> Panel:
    names, numbers, step = 116, 50, 24
    room = ROOM - names - numbers
    most = max((max(now, then or 0) for _, now, then in rows), default=1) or 1
    body = ""
    for n, (name, now, then) in enumerate(rows):
        y = n * step
        label = cut(name, (names - 8) / SIZES["text"])
        body += _text(0, y + 14, label, SIZES["text"])
        body += _rect(names, y + 4, room, 12, "surface", radius=3)
        body += _rect(names, y + 4, max(2.0, room * now / most), 12, "accent", radius=3)
        if then is not None:
            body += _rect(names + room * then / most - 1, y + 1, 2, 18, "ink")
        body += _text(ROOM, y + 14, share(now), SIZES["text"], weight="bold", anchor="end")
    told = ", ".join(f"{name} {share(now)}" for name, now, _ in rows)
    return Panel(heading, body, len(rows) * step, told)


def _lists(lists: Sequence[ListOutcome]) -> Panel:
    """A bar for each list: saved, finished, played and skipped in what was offered."""
    body, told, y = "", [], 0.0
    for one in lists[:4]:
        counts = one.counts
        said = (
            f"{counts.played} of {counts.judged} played" if counts.judged else "nothing known yet"
        )
        room = ROOM / SIZES["text"] - width_of(said) - 1.5
        body += _text(0, y + 14, cut(f"{one.title} ({one.where})", room), SIZES["text"])
        body += _text(ROOM, y + 14, said, SIZES["text"], weight="bold", anchor="end")
        body += _rect(0, y + 22, ROOM, 14, "surface", radius=3)
        x = 0.0
        for number, (_, colour) in zip(counts.apart, _PARTS, strict=True):
            width = ROOM * number / max(1, counts.offered)
            body += _rect(x, y + 22, width, 14, colour) if width else ""
            x += width
        told.append(f"{one.title}: {said}")
        y += 50
    x = 0.0
    for name, colour in _PARTS:
        label = {"played": "played in part"}.get(name, name)
        body += _rect(x, y + 1, 11, 11, colour, radius=2)
        body += _text(x + 16, y + 11, label, SIZES["label"], "muted")
        x += 16 + width_of(label) * SIZES["label"] + 12
    return Panel("What became of recommendations", body, y + 16, "; ".join(told))


def _hits(weeks: Sequence[HitWeek]) -> Panel:
    """The hit rate of lists of discoveries, a column a week; weeks that go on are paler."""
    floor, top = 96.0, 18.0
    step = min(46.0, ROOM / len(weeks))
    most = max((week.counts.hit_rate or 0.0) for week in weeks) or 1.0
    body = _rect(0, floor, ROOM, 1, "line")
    told = []
    for n, week in enumerate(weeks):
        rate, middle = week.counts.hit_rate, n * step + step / 2
        if rate is not None:
            height = max(2.0, (floor - top) * rate / most)
            colour = "amount-2" if week.is_open else "accent"
            body += _rect(n * step + 4, floor - height, step - 8, height, colour, radius=3)
            number = f"{100 * rate:.0f}"
            at = floor - height - 5
            body += _text(middle, at, number, SIZES["small"], "muted", anchor="middle")
            told.append(f"{_week(week.monday)} {share(rate)}")
        label = _week(week.monday)
        body += _text(middle, floor + 16, label, SIZES["small"], "muted", anchor="middle")
    remark = f"Tracks played within {WINDOW_DAYS} days, in % of those offered as discoveries"
    if any(week.is_open and week.counts.hit_rate is not None for week in weeks):
        remark += "; pale: not over yet"
    y = floor + 36
    for line in _lines(remark, ROOM / SIZES["small"]):
        body += _text(0, y, line, SIZES["small"], "muted")
        y += 15
    return Panel("Hit rate by week", body, y - 8, ", ".join(told))


def _week(monday: date) -> str:
    return f"W{monday.isocalendar()[1]:02}"


# --- elements -----------------------------------------------------------------------------------


def _paint(name: str) -> str:
    return f"var(--{name},{LIGHT[name]})"


def _text(
    x: float,
    y: float,
    text: str,
    size: int,
    colour: str = "ink",
    *,
    weight: str = "",
    anchor: str = "",
) -> str:
    more = (f' font-weight="{weight}"' if weight else "") + (
        f' text-anchor="{anchor}"' if anchor else ""
    )
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{_paint(colour)}"{more}>'
        f"{_shown(text)}</text>"
    )


def _shown(text: str) -> str:
    """A text as XML takes it: without control characters, which titles of tracks may hold."""
    return escape("".join(one if one.isprintable() else " " for one in text))


def _rect(
    x: float, y: float, width: float, height: float, colour: str, *, radius: float = 0
) -> str:
    corner = f' rx="{min(radius, width / 2, height / 2):.1f}"' if radius else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"{corner}'
        f' fill="{_paint(colour)}"/>'
    )


def _moved(body: str, y: float) -> str:
    return f'<g transform="translate(0 {y:.1f})">{body}</g>'


def _lines(text: str, ems: float) -> Iterator[str]:
    """The text in lines that fit."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and width_of(longer) > ems:
            yield line
            line = word
        else:
            line = longer
    yield line
