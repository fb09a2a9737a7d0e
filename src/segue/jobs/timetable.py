"""When something is to be done, as people or cron write it, on the clocks of a time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from segue.errors import ConfigError

__all__ = ["Timetable", "timetable"]

_DAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_GROUPS: Final = {"weekdays": "1-5", "weekends": "0,6", "daily": "*", "every day": "*"}
_HOURLY: Final = {"hourly": "1", "every hour": "1", "every minute": "1"}
_AT: Final = re.compile(r"(?P<days>.+?)\s+at\s+(?P<hour>\d{1,2}):(?P<minute>\d{2})")
_EVERY: Final = re.compile(r"every\s+(?P<n>\d{1,3})\s+(?P<unit>minute|hour|day)s?")
_AROUND: Final = timedelta(hours=3)
"""More than any change of clocks."""

_CURE: Final = (
    "Write “every 20 minutes”, “hourly”, “daily at 06:30”, “monday at 06:00”, “monday, friday at"
    " 07:15”, “weekdays at 07:00”, “every 3 days at 06:00”, or five fields of cron: 30 6 * * 1."
)


@dataclass(frozen=True, slots=True)
class Timetable:
    """Moments that come again and again.

    Where clocks go forward over a moment, it is the first minute that there is; where they go
    back, a moment of a certain hour comes once. That is what cron does.

    Args:
        cron: Five fields.
        every_days: Only on every so many days, counted from the year 1.
    """

    cron: str
    every_days: int = 1

    def next_after(self, when: datetime, zone: tzinfo) -> datetime:
        """The first moment after this one, in UTC.

        Raises:
            ConfigError: It never comes, as the 31st of April.
        """
        return next(found for found in self._moments(when, zone) if found > when)

    def last_until(self, when: datetime, zone: tzinfo) -> datetime:
        """The last moment that is not after this one, in UTC.

        Raises:
            ConfigError: It never came.
        """
        moments = self._moments(when, zone, reverse=True)
        return next(found for found in moments if found <= when)

    def _moments(
        self, when: datetime, zone: tzinfo, *, reverse: bool = False
    ) -> Iterator[datetime]:
        from cronsim import CronSim, CronSimError

        around = when + _AROUND if reverse else when - _AROUND
        try:
            for found in CronSim(self.cron, around.astimezone(zone), reverse=reverse):
                if found.toordinal() % self.every_days == 0:
                    yield found.astimezone(UTC)
        except CronSimError as error:
            raise _unreadable(self.cron, str(error)) from error
        raise _unreadable(self.cron, "that never comes")


def timetable(text: str) -> Timetable:
    """What is written, understood.

    >>> timetable("monday at 6:00").cron
    '0 6 * * 1'

    Raises:
        ConfigError: It cannot be.
    """
    told = " ".join(text.lower().split())
    made = _every(told) or _at(told) or Timetable(told)
    if len(made.cron.split()) != 5:  # cron with seconds is not what cron lines can say
        raise _unreadable(text, "it is no timetable")
    made.next_after(datetime(2024, 1, 1, tzinfo=UTC), UTC)
    return made


def _every(told: str) -> Timetable | None:
    if told in _HOURLY:
        return Timetable("0 * * * *" if "hour" in told else "* * * * *")
    words, _, at = told.partition(" at ")
    found = _EVERY.fullmatch(words)
    if found is None:
        return None
    n, unit = int(found["n"]), found["unit"]
    if unit == "day" and n:
        daily = _at(f"daily at {at or '6:00'}")
        return None if daily is None else Timetable(daily.cron, n)
    whole = {"minute": 60, "hour": 24}.get(unit, 0)
    if at or not n or not whole or whole % n:
        raise _unreadable(told, f"only parts of {whole} {unit}s come evenly" if whole else "never")
    step = "*" if n == 1 else f"*/{n}"
    return Timetable(f"{step} * * * *" if unit == "minute" else f"0 {step} * * *")


def _at(told: str) -> Timetable | None:
    found = _AT.fullmatch(told)
    if found is None:
        return None
    hour, minute = int(found["hour"]), int(found["minute"])
    if hour > 23 or minute > 59:
        raise _unreadable(told, "there is no such time of day")
    return Timetable(f"{minute} {hour} * * {_days(found['days'], told)}")


def _days(words: str, told: str) -> str:
    if words in _GROUPS:
        return _GROUPS[words]
    numbers = []
    for word in re.split(r"\s*(?:,|\band\b)\s*|\s+", words.removeprefix("every ")):
        fits = [n for n, day in enumerate(_DAYS) if word in (day, f"{day}s", day[:3])]
        if not fits:
            raise _unreadable(told, f"“{word}” is no day")
        numbers.append(str(fits[0]))
    return ",".join(numbers)


def _unreadable(text: str, why: str) -> ConfigError:
    return ConfigError(f"“{text}” says no time: {why}", field="when", cure=_CURE)
