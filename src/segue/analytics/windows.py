"""Spans of a history: what “last 30 days”, “2024” or “May” mean in a listener's time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from segue.errors import ConfigError

__all__ = ["Span", "Window", "Wish", "months_later", "window_of", "window_of_days", "zone_of"]

_LAST: Final = re.compile(r"\s*(\d{1,5})\s*([dwmy])[a-z]*\s*", re.IGNORECASE)
_DAY: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_MONTHS: Final = {"m": 1, "y": 12}


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment (included) to a moment (excluded), both aware."""

    since: datetime
    until: datetime

    def as_dict(self) -> dict[str, str]:
        """Both moments in ISO 8601."""
        return {"since": self.since.isoformat(), "until": self.until.isoformat()}


@dataclass(frozen=True, slots=True)
class Window:
    """What statistics are about.

    Args:
        span: Its bounds; never open, since a history has a first and a last day.
        label: The same for people: “2024”, “all time”, “30 days to 1 May 2024”.
        before: What it is compared with: as long, and just before; None for all time.
        is_open: It ends with the last play because nobody named an end: it goes on.
    """

    span: Span
    label: str
    before: Span | None = None
    is_open: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        before = None if self.before is None else self.before.as_dict()
        return {"label": self.label, **self.span.as_dict(), "before": before}


@dataclass(frozen=True, slots=True)
class Wish:
    """The window somebody asks for, in their words; nothing at all means all time.

    Args:
        since: A day (2024-05-01), a month or a year: from its first moment.
        until: A day, a month or a year: to its last moment.
        last: A length such as 30d, 4w, 12m or 1y: up to `until`, else up to the last play.
        year: Such as 2024.
        month: Such as 2024-05.
    """

    since: str | None = None
    until: str | None = None
    last: str | None = None
    year: int | None = None
    month: str | None = None


def zone_of(name: str) -> ZoneInfo:
    """The time zone with an IANA name.

    Raises:
        ConfigError: There is none.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(
            f"there is no time zone “{name}”",
            field="time_zone",
            cure="Write its name as in Europe/Berlin, America/New_York or UTC.",
        ) from error


def window_of(wish: Wish, zone: ZoneInfo, *, first: datetime, last: datetime) -> Window:
    """What a wish means for one history.

    Args:
        wish: In the listener's words.
        zone: Days begin at its midnights.
        first: The start of the history's first play, aware.
        last: The start of its last play: a length without an end counts back from that day, so
            that an old export has last weeks, too.

    Raises:
        ConfigError: It cannot be read, contradicts itself, or ends before it begins.
    """
    _check_one_way(wish)
    end = _midnight(last.astimezone(zone).date() + timedelta(days=1), zone)
    if wish.year is not None:
        return _calendar(_years_first("year", str(wish.year)), 12, str(wish.year), zone)
    if wish.month is not None:
        begin, months = _begin("month", wish.month)
        if months != 1:
            raise _unreadable("month", wish.month, "2024-05")
        return _calendar(begin, 1, f"{begin:%B %Y}", zone)
    until = end if wish.until is None else _midnight(_end("until", wish.until), zone)
    if wish.last is not None:
        return replace(_last(wish.last, until, zone), is_open=wish.until is None)
    if wish.since is None and wish.until is None:
        since = _midnight(first.astimezone(zone).date(), zone)
        return Window(Span(since, until), "all time", is_open=True)
    if wish.since is None:
        since = min(_midnight(first.astimezone(zone).date(), zone), until)
        return Window(Span(since, until), f"up to {_told(until)}")
    since = _midnight(_begin("since", wish.since)[0], zone)
    if since >= until:
        raise ConfigError(
            f"the window ends ({_told(until)}) before it begins ({since:%-d %b %Y})",
            field="since",
            cure=f"The last play was on {last.astimezone(zone):%-d %b %Y}.",
        )
    span = Span(since, until)
    days = (until.date() - since.date()).days
    before = Span(_midnight(since.date() - timedelta(days=days), zone), since)
    label = f"{since:%-d %b %Y} – {_told(until)}"
    return Window(span, label, before, is_open=wish.until is None)


def _check_one_way(wish: Wish) -> None:
    ways = {
        "--year": wish.year is not None,
        "--month": wish.month is not None,
        "--last": wish.last is not None,
        "--since": wish.since is not None,
    }
    given = [name for name, is_given in ways.items() if is_given]
    if wish.until is not None and given[:1] in (["--year"], ["--month"]):
        given.append("--until")
    if len(given) > 1:
        raise ConfigError(
            f"{' and '.join(given)} name two windows", field="window", cure="Give one of them."
        )


def _calendar(begin: date, months: int, label: str, zone: ZoneInfo) -> Window:
    edges = [_midnight(months_later(begin, n * months), zone) for n in (-1, 0, 1)]
    return Window(Span(edges[1], edges[2]), label, Span(edges[0], edges[1]))


def _last(text: str, until: datetime, zone: ZoneInfo) -> Window:
    found = _LAST.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise _unreadable("last", text, "30d, 4w, 12m or 1y")
    number, unit = int(found[1]), found[2].lower()
    day = until.date()
    try:
        if unit in _MONTHS:
            edges = [months_later(day, -n * number * _MONTHS[unit]) for n in (2, 1)]
        else:
            length = timedelta(days=number * (7 if unit == "w" else 1))
            edges = [day - 2 * length, day - length]
        since = [_midnight(edge, zone) for edge in edges]
    except (OverflowError, ValueError) as error:
        raise ConfigError(
            f"--last {text} reaches too far back", field="last", cure="Leave it out: all time."
        ) from error
    names = {"d": "day", "w": "week", "m": "month", "y": "year"}
    plural = "" if number == 1 else "s"
    label = f"{number} {names[unit]}{plural} to {_told(until)}"
    return Window(Span(since[1], until), label, Span(since[0], since[1]))


def _begin(field: str, text: str) -> tuple[date, int]:
    """The first day of a day, month or year, and how many months it lasts; 0 for a day."""
    found = _DAY.fullmatch(text.strip())
    if found is None:
        raise _unreadable(field, text, "2024-05-01, 2024-05 or 2024")
    year, month, day = (int(part) if part else None for part in found.groups())
    try:
        begin = date(year or 0, month or 1, day or 1)
    except ValueError as error:
        raise _unreadable(field, text, "2024-05-01, 2024-05 or 2024") from error
    return begin, 0 if day else 1 if month else 12


def _end(field: str, text: str) -> date:
    """The day after a day, month or year."""
    begin, months = _begin(field, text)
    return months_later(begin, months) if months else begin + timedelta(days=1)


def _years_first(field: str, text: str) -> date:
    begin, months = _begin(field, text.zfill(4))
    if months != 12:
        raise _unreadable(field, text, "2024")
    return begin


def _unreadable(field: str, text: str, example: str) -> ConfigError:
    return ConfigError(
        f"--{field} {text} cannot be read", field=field, cure=f"Write it as in {example}."
    )


def months_later(day: date, months: int) -> date:
    """The same day so many months later; the last of the month where there is no such day.

    >>> months_later(date(2024, 1, 31), 1)
    datetime.date(2024, 2, 29)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (following - timedelta(days=1)).day))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day there."""
    at = datetime.combine(day, time(), zone)
    # where clocks skip midnight, the day begins at the first moment that exists
    return at.astimezone(UTC).astimezone(zone)


def _told(until: datetime) -> str:
    return f"{until - timedelta(seconds=1):%-d %b %Y}"


def window_of_days(first: date, days: int, zone: ZoneInfo, *, label: str) -> Window:
    """So many days of a listener's calendar, and as many before them.

    Raises:
        ConfigError: They lie before or after all calendars.
    """
    try:
        edges = [_midnight(first + timedelta(days=n * days), zone) for n in (-1, 0, 1)]
    except (OverflowError, ValueError) as error:
        raise ConfigError(f"{label} is too far away", field="week", cure="Name another.") from error
    return Window(Span(edges[1], edges[2]), label, Span(edges[0], edges[1]))
