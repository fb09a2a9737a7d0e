"""The listening clock: a cell for each hour of the week."""

from __future__ import annotations

from typing import Final

from segue.analytics.rhythm import WEEKDAYS, Clock
from segue.analytics.sections import Section
from segue.analytics.words import count
from segue.doors.web.pictures.calendar import shades
from segue.doors.web.pictures.picture import WIDTH, Picture, rectangle, text

__all__ = ["clock"]

_NAMES: Final = 34
_SIDE: Final = (WIDTH - _NAMES) / 24
_ROW: Final = 20.0
_LONG: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_BARS: Final = 34.0


def clock(told: Clock, *, key: str = "clock") -> Picture:
    """When somebody listens; the bars above sum up the hours of all days."""
    hours = [sum(row[hour] for row in told.plays) for hour in range(24)]
    most = max(hours) or 1
    bounds = shades([plays for row in told.plays for plays in row])
    drawn = []
    for hour, plays in enumerate(hours):
        tall = _BARS * plays / most
        tip = f"{hour}–{hour + 1} h: {count(plays, 'play')}"
        x = _NAMES + hour * _SIDE
        if plays:
            drawn.append(rectangle(x, _BARS - tall, _SIDE - 1.5, tall, "accent", radius=1, tip=tip))
    top = _BARS + 6
    for day, row in enumerate(told.plays):
        y = top + day * _ROW
        drawn.append(text(0, y + 14, WEEKDAYS[day], fill="muted", size=12))
        for hour, plays in enumerate(row):
            shade = sum(plays > bound for bound in bounds) + 1 if plays else 0
            tip = f"{WEEKDAYS[day]}, {hour}–{hour + 1} h: {count(plays, 'play')}"
            x = _NAMES + hour * _SIDE
            cell = rectangle(x, y, _SIDE - 1.5, _ROW - 1.5, f"amount-{shade}", radius=2.5, tip=tip)
            drawn.append(cell)
    foot = top + 7 * _ROW + 14
    drawn += [
        text(_NAMES + hour * _SIDE, foot, f"{hour} h", fill="muted", size=12)
        for hour in range(0, 24, 6)
    ]
    return Picture(key, "Hours of the week", _words(told), foot + 4, "".join(drawn), _table(told))


def _words(told: Clock) -> str:
    busiest = told.busiest
    if busiest is None:
        return "No plays."
    day, hour = busiest
    return f"Most is played on {_LONG[day - 1]}s between {hour} and {hour + 1} o’clock."


def _table(told: Clock) -> Section:
    rows = tuple(
        (f"{hour}–{hour + 1} h", *(f"{told.plays[day][hour]:,}" for day in range(7)))
        for hour in range(24)
    )
    return Section("Plays by hour", ("Hour", *(f"# {name}" for name in WEEKDAYS)), rows)
