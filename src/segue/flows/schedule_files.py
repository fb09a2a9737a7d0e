"""Schedules for others to run: timers of systemd and lines of cron, made from the same settings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from segue.flows.schedule import ScheduleState
from segue.jobs.timetable import timetable

__all__ = ["calendar_events", "cron_lines", "systemd_units"]

_DAYS: Final = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_OFTEN: Final = "*-*-* *:0/5:00"
_OFTEN_CRON: Final = "*/5 * * * *"
_PLAIN: Final = re.compile(r"[\d*,/ -]+")
_PART: Final = re.compile(r"(\*|\d+)(?:-(\d+))?(?:/(\d+))?")


def systemd_units(
    schedules: Sequence[ScheduleState], *, segue: Sequence[str], home: Path, zone: str
) -> dict[str, str]:
    """Name of a file -> its content: a service and a timer for each schedule.

    What was missed while the machine was off runs once when it is on again (`Persistent`).

    Args:
        segue: The words that begin Segue.
        home: The data home.
        zone: Name of the time zone whose clocks are meant.
    """
    units: dict[str, str] = {}
    for one in schedules:
        calendar, is_exact = calendar_events(one.when, zone)
        words = [*segue, "--home", str(home), "schedule", "run", one.name, "--wait"]
        words += [] if is_exact else ["--if-due"]
        units[f"segue-{one.name}.service"] = (
            "[Unit]\n"
            f"Description=Segue: {one.name} ({one.when})\n"
            "After=network-online.target\n\n"
            "[Service]\n"
            "Type=oneshot\n"
            f"EnvironmentFile=-{_path(home / 'schedule.env')}\n"
            f"ExecStart={' '.join(_word(word) for word in words)}\n"
            "Nice=10\n"
        )
        lines = "".join(f"OnCalendar={line}\n" for line in calendar)
        units[f"segue-{one.name}.timer"] = (
            "[Unit]\n"
            f"Description=Segue: {one.name}, {one.when}\n\n"
            "[Timer]\n"
            f"{lines}"
            "Persistent=true\n\n"
            "[Install]\n"
            "WantedBy=timers.target\n"
        )
    return units


def cron_lines(
    schedules: Sequence[ScheduleState], *, segue: Sequence[str], home: Path, zone: str
) -> tuple[str, ...]:
    """Lines for `crontab -e`; the last one makes up for what was missed while the machine was off.

    Args:
        zone: Empty: cron goes by the clocks that are meant anyway.
    """
    lines = [f"CRON_TZ={zone}"] if zone else []
    start = shlex.join([*segue, "--quiet", "--home", str(home), "schedule", "run"])
    for one in schedules:
        table = timetable(one.when)
        is_plain = _PLAIN.fullmatch(table.cron) is not None
        is_exact = is_plain and table.every_days == 1
        words = f"{start} {one.name} --wait" + ("" if is_exact else " --if-due")
        lines.append(f"{table.cron if is_plain else _OFTEN_CRON} {_cron_word(words)} >/dev/null")
    return (*lines, f"@reboot {_cron_word(start)} --if-due >/dev/null") if schedules else ()


def calendar_events(when: str, zone: str) -> tuple[tuple[str, ...], bool]:
    """A timetable as systemd writes it, and whether that says all of it.

    >>> calendar_events("monday at 06:00", "Europe/Berlin")
    (('Mon *-*-* 6:0:00 Europe/Berlin',), True)
    """
    table = timetable(when)
    minute, hour, day, month, weekday = table.cron.split()
    parts = [_listed(one, least) for one, least in ((minute, 0), (hour, 0), (day, 1), (month, 1))]
    days = _weekdays(weekday)
    if days is None or None in parts:
        return (f"{_OFTEN} {zone}",), False
    minutes, hours, of_month, months = parts
    time = f"{hours}:{minutes}:00 {zone}"
    # cron means either of both, unless one of them begins with a star
    either = days and not day.startswith("*")
    both = [("", of_month), (days, "*")] if either else [(days, of_month)]
    lines = tuple(f"{week} *-{months}-{date} {time}".strip() for week, date in both)
    return lines, table.every_days == 1


def _listed(field: str, least: int) -> str | None:
    """Numbers of a field of cron, as systemd writes them; None: it has no words for that."""
    found = []
    for part in field.split(","):
        fits = _PART.fullmatch(part)
        if fits is None:
            return None
        first, last, step = fits.groups()
        if first == "*" and step is None:
            return "*"
        start = str(least) if first == "*" else first
        if last is not None:
            start += f"..{last}"
        found.append(start + (f"/{step}" if step else ""))
    return ",".join(found)


def _weekdays(field: str) -> str | None:
    """Days of the week; empty: all; None: systemd has no words for that."""
    if field == "*":
        return ""
    found = []
    for part in field.split(","):
        fits = re.fullmatch(r"([0-7])(?:-([0-7]))?", part)
        if fits is None:
            return None
        first, last = int(fits[1]), int(fits[2] or fits[1])
        found += [_DAYS[day] for day in range(first, last + 1)]
    return ",".join(dict.fromkeys(found))


def _word(word: str) -> str:
    """A word of a command line in a unit."""
    safe = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return safe if re.fullmatch(r"[\w@%+=:,./-]+", word) else f'"{safe}"'


def _path(path: Path) -> str:
    return str(path).replace("%", "%%")


def _cron_word(words: str) -> str:
    """For cron a percent sign ends the line."""
    return words.replace("%", r"\%")
