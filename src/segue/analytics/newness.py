"""New against known: which plays were of a track that had never been played before."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from segue.analytics.heard import Heard, days_of, periods_sql
from segue.analytics.periods import Every

__all__ = ["NewPeriod", "Newness", "newness"]


@dataclass(frozen=True, slots=True)
class NewPeriod:
    """One period.

    Args:
        begins: Its first day, on the listener's calendar.
        plays: Counted plays.
        discoveries: Tracks whose first counted play ever was then.
        repeats: All other counted plays.
        new_artists: First artists whose first counted play ever was then.
    """

    begins: date
    plays: int
    discoveries: int
    repeats: int
    new_artists: int

    @property
    def repeat_rate(self) -> float | None:
        """Repeats in plays; None without plays."""
        return self.repeats / self.plays if self.plays else None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        begins = self.begins.isoformat()
        return {**asdict(self), "begins": begins, "repeat_rate": self.repeat_rate}


@dataclass(frozen=True, slots=True)
class Newness:
    """A window's discoveries.

    Args:
        every: How long a period is.
        periods: Oldest first, quiet ones included.
        plays: Counted plays of the window.
        discoveries: Tracks first played in the window.
        plays_of_new: Counted plays of those tracks, the first ones included.
        new_artists: Artists first played in the window.
        kept: Discoveries that were played again at least twice.
    """

    every: Every
    periods: tuple[NewPeriod, ...]
    plays: int
    discoveries: int
    plays_of_new: int
    new_artists: int
    kept: int

    @property
    def repeat_rate(self) -> float | None:
        """Plays that were no discovery, in all; None without plays."""
        return 1 - self.discoveries / self.plays if self.plays else None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        names = ("every", "plays", "discoveries", "plays_of_new", "new_artists", "kept")
        return {
            **{name: getattr(self, name) for name in names},
            "repeat_rate": self.repeat_rate,
            "periods": [period.as_dict() for period in self.periods],
        }


def newness(heard: Heard, every: Every) -> Newness:
    """Discoveries and repeats by period; known is what was played at any time before."""
    since = heard.window.span.since
    sums = heard.row(
        """
        SELECT coalesce(sum(plays), 0)::BIGINT AS plays,
            count(*) FILTER (first_at >= $since) AS discoveries,
            coalesce(sum(plays) FILTER (first_at >= $since), 0)::BIGINT AS plays_of_new,
            count(*) FILTER (first_at >= $since AND plays >= 3) AS kept,
            (
                SELECT count(*) FROM (
                    SELECT min(first_at) AS first_at FROM heard
                    WHERE artist_id IS NOT NULL GROUP BY artist_id
                ) WHERE first_at >= $since
            ) AS new_artists
        FROM heard
        """,
        since=since,
    )
    rows = heard.rows(
        f"""
        WITH played AS (
            SELECT date_trunc('{every}', local_at)::DATE AS begins, sum(plays) AS plays
            FROM quarters GROUP BY begins
        ), tracks_found AS (
            SELECT date_trunc('{every}', timezone($zone, first_at))::DATE AS begins,
                count(*) AS discoveries
            FROM heard WHERE first_at >= $since GROUP BY begins
        ), artists_found AS (
            SELECT date_trunc('{every}', timezone($zone, first_at))::DATE AS begins,
                count(*) AS new_artists
            FROM (
                SELECT min(first_at) AS first_at FROM heard
                WHERE artist_id IS NOT NULL GROUP BY artist_id
            ) WHERE first_at >= $since GROUP BY begins
        ), days AS (
            {periods_sql(every)}
        )
        SELECT begins, coalesce(plays, 0)::BIGINT AS plays,
            coalesce(discoveries, 0)::BIGINT AS discoveries,
            (coalesce(plays, 0) - coalesce(discoveries, 0))::BIGINT AS repeats,
            coalesce(new_artists, 0)::BIGINT AS new_artists
        FROM days LEFT JOIN played USING (begins) LEFT JOIN tracks_found USING (begins)
            LEFT JOIN artists_found USING (begins)
        ORDER BY begins
        """,
        since=since,
        zone=heard.zone,
        **days_of(heard),
    )
    return Newness(every=every, periods=tuple(NewPeriod(**row) for row in rows), **sums)
