"""How much was heard in a window, and in the one before it; and how it is spread over time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from segue.analytics.heard import Heard, days_of, periods_sql
from segue.analytics.periods import Every

__all__ = ["Period", "Timeline", "Totals", "timeline", "totals", "totals_before"]


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a window.

    Args:
        plays: Counted plays.
        ms_played: Milliseconds heard, short plays and skips included.
        starts: All plays, short ones included.
        skips: Plays left early by the listener's hand.
        finishes: Counted plays heard to the end.
        told: Plays whose source tells how long they were heard; a scrobble does not.
        tracks: Distinct tracks with a counted play.
        artists: Distinct first artists with a counted play.
        albums: Distinct albums with a counted play.
    """

    plays: int
    ms_played: int
    starts: int
    skips: int
    finishes: int
    told: int
    tracks: int
    artists: int
    albums: int

    @property
    def skip_rate(self) -> float | None:
        """Skips in all starts; None without any."""
        return self.skips / self.starts if self.starts else None

    @property
    def finish_rate(self) -> float | None:
        """Finishes in counted plays; None without any."""
        return self.finishes / self.plays if self.plays else None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {**asdict(self), "skip_rate": self.skip_rate, "finish_rate": self.finish_rate}


def totals(heard: Heard) -> Totals:
    """Of the window."""
    return _totals(heard, "")


def totals_before(heard: Heard) -> Totals | None:
    """Of the window before; None where there is none, or nothing was played in it."""
    if heard.window.before is None:
        return None
    found = _totals(heard, "_before")
    return found if found.starts else None


def _totals(heard: Heard, suffix: str) -> Totals:
    sums = ("plays", "ms_played", "starts", "skips", "finishes", "told")
    things = {"tracks": "track_id", "artists": "artist_id", "albums": "album_id"}
    row = heard.row(
        "SELECT "
        + ", ".join(f"coalesce(sum({name}{suffix}), 0)::BIGINT AS {name}" for name in sums)
        + ", "
        + ", ".join(
            f"count(DISTINCT {column}) FILTER (plays{suffix} > 0) AS {name}"
            for name, column in things.items()
        )
        + " FROM heard"
    )
    return Totals(**row)


@dataclass(frozen=True, slots=True)
class Period:
    """What was heard in one period, which begins on a day of the listener's calendar.

    Args:
        begins: Its first day.
        plays: Counted plays.
        ms_played: Milliseconds heard.
        starts: All plays, short ones included.
        skips: Skipped plays.
    """

    begins: date
    plays: int
    ms_played: int
    starts: int = 0
    skips: int = 0

    @property
    def skip_rate(self) -> float | None:
        """Skips in all starts; None without any."""
        return self.skips / self.starts if self.starts else None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A window in periods, quiet ones included, oldest first."""

    every: Every
    periods: tuple[Period, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        rows = [{**asdict(p), "begins": p.begins.isoformat()} for p in self.periods]
        return {"every": self.every, "periods": rows}


def timeline(heard: Heard, every: Every) -> Timeline:
    """Plays and time heard by day, week, month, quarter or year."""
    rows = heard.rows(
        f"""
        WITH sums AS (
            SELECT date_trunc('{every}', local_at)::DATE AS begins, sum(plays) AS plays,
                sum(ms_played) AS ms_played, sum(starts) AS starts, sum(skips) AS skips
            FROM quarters GROUP BY begins
        ), days AS (
            {periods_sql(every)}
        )
        SELECT begins, coalesce(plays, 0)::BIGINT AS plays,
            coalesce(ms_played, 0)::BIGINT AS ms_played,
            coalesce(starts, 0)::BIGINT AS starts, coalesce(skips, 0)::BIGINT AS skips
        FROM days LEFT JOIN sums USING (begins) ORDER BY begins
    """,
        **days_of(heard),
    )
    return Timeline(every, tuple(Period(**row) for row in rows))
