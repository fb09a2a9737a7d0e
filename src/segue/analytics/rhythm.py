"""When somebody listens: hours of the week, days in a row, the days on which most was heard."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from segue.analytics.heard import Heard

__all__ = ["WEEKDAYS", "Clock", "Day", "Run", "Streaks", "clock", "streaks"]

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_RUNS: Final = 5


@dataclass(frozen=True, slots=True)
class Clock:
    """The hours of the week, on the listener's clock.

    Args:
        plays: 7 rows from Monday on, each with 24 hours: counted plays.
        ms_played: The same for milliseconds heard.
    """

    plays: tuple[tuple[int, ...], ...]
    ms_played: tuple[tuple[int, ...], ...]

    @property
    def busiest(self) -> tuple[int, int] | None:
        """The weekday (1 is Monday) and hour with most plays; None without any."""
        cells = [
            (n, -day, -hour) for day, row in enumerate(self.plays) for hour, n in enumerate(row)
        ]
        count, day, hour = max(cells)
        return (1 - day, -hour) if count else None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values; a cell for each hour of the week."""
        cells = [
            {
                "weekday": day + 1,
                "hour": hour,
                "plays": self.plays[day][hour],
                "ms_played": self.ms_played[day][hour],
            }
            for day in range(7)
            for hour in range(24)
        ]
        busiest = self.busiest
        found = None if busiest is None else {"weekday": busiest[0], "hour": busiest[1]}
        return {"busiest": found, "cells": cells}


def clock(heard: Heard) -> Clock:
    """Counted plays and time heard in each hour of the week."""
    rows = heard.rows("""
        SELECT isodow(local_at) - 1 AS day, hour(local_at) AS hour, sum(plays)::BIGINT AS plays,
            sum(ms_played)::BIGINT AS ms_played
        FROM quarters GROUP BY ALL
    """)
    found = {(row["day"], row["hour"]): row for row in rows}

    def table(column: str) -> tuple[tuple[int, ...], ...]:
        return tuple(
            tuple(found.get((day, hour), {}).get(column, 0) for hour in range(24))
            for day in range(7)
        )

    return Clock(plays=table("plays"), ms_played=table("ms_played"))


@dataclass(frozen=True, slots=True)
class Run:
    """Days in a row, each with a counted play."""

    first_day: date
    last_day: date
    days: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
            "days": self.days,
        }


@dataclass(frozen=True, slots=True)
class Day:
    """One day, and what was heard on it."""

    day: date
    plays: int
    ms_played: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {**asdict(self), "day": self.day.isoformat()}


@dataclass(frozen=True, slots=True)
class Streaks:
    """Runs of days with a counted play.

    Args:
        days: Days with a counted play.
        of_days: Days of the window.
        longest: The longest runs, the longest first, the latest of equals before.
        current: The run that reaches today or yesterday, since today is not over; in a window
            whose end was named, its last day or the day before. None where it has been broken.
        best_day: The day with most plays.
    """

    days: int
    of_days: int
    longest: tuple[Run, ...]
    current: Run | None
    best_day: Day | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "days": self.days,
            "of_days": self.of_days,
            "longest": [run.as_dict() for run in self.longest],
            "current": None if self.current is None else self.current.as_dict(),
            "best_day": None if self.best_day is None else self.best_day.as_dict(),
        }


def streaks(heard: Heard, now: datetime) -> Streaks:
    """Runs of days within the window.

    Args:
        heard: The sums.
        now: Aware, in the listener's time zone.
    """
    rows = heard.rows("""
        WITH days AS (
            SELECT local_at::DATE AS day FROM quarters GROUP BY day HAVING sum(plays) > 0
        ), placed AS (
            SELECT day, day - row_number() OVER (ORDER BY day)::INTEGER AS run FROM days
        )
        SELECT min(day) AS first_day, max(day) AS last_day, count(*)::INTEGER AS days
        FROM placed GROUP BY run ORDER BY days DESC, last_day DESC
    """)
    best = heard.rows("""
        SELECT local_at::DATE AS day, sum(plays)::BIGINT AS plays,
            sum(ms_played)::BIGINT AS ms_played
        FROM quarters GROUP BY day HAVING sum(plays) > 0 ORDER BY plays DESC, day DESC LIMIT 1
    """)
    runs = [Run(**row) for row in rows]
    span = heard.window.span
    end = (span.until - timedelta(microseconds=1)).date()
    today = now.date() if heard.window.is_open else min(end, now.date())
    running = (run for run in runs if run.last_day >= today - timedelta(days=1))
    return Streaks(
        days=sum(run.days for run in runs),
        of_days=max(0, (min(end, now.date()) - span.since.date()).days + 1),
        longest=tuple(runs[:_RUNS]),
        current=next(running, None),
        best_day=Day(**best[0]) if best else None,
    )
