"""A listener's plays, summed once: by track, and by quarter of an hour; all statistics ask these.

Reading millions of plays again for every question takes longer than the questions do. Two sums
are small and answer most of them: a row a track, and a row a quarter of an hour, which no clock
in the world cuts in two.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol

import pyarrow as pa

from segue.analytics.periods import Every
from segue.analytics.windows import Window

__all__ = ["QUARTER_S", "Asks", "Heard", "days_of", "periods_sql", "sum_up"]

QUARTER_S: Final = 900


class Asks(Protocol):
    """The published marts as a database, which takes temporary tables."""

    def table(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """What a query answers."""


class Heard:
    """The sums of one listener and window, ready to be asked.

    Its tables are `heard` (a row a track: plays, ms_played, starts, skips, finishes and told in the
    window and, with _before, in the one before; first_at is the first counted play ever) and
    `quarters` (a row a quarter of an hour of the window, with `local_at`, its start on the
    listener's clock).

    Args:
        database: Holds the tables.
        user_id: Whose plays.
        window: Which of them.
        zone: Name of the listener's time zone.
    """

    def __init__(self, database: Asks, user_id: str, window: Window, zone: str) -> None:
        self._database = database
        self.user_id = user_id
        self.window = window
        self.zone = zone

    def table(self, sql: str, **parameters: Any) -> pa.Table:
        """What a query over the tables answers, as Arrow."""
        return self._database.table(sql, parameters)

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """What a query over the tables answers."""
        found: list[dict[str, Any]] = self.table(sql, **parameters).to_pylist()
        return found

    def row(self, sql: str, **parameters: Any) -> dict[str, Any]:
        """The one row that a query answers."""
        return self.rows(sql, **parameters)[0]


def sum_up(database: Asks, user_id: str, window: Window, zone: str) -> Heard:
    """Read the listener's plays: twice, and only the columns that are needed.

    Args:
        database: The marts.
        user_id: Whose plays.
        window: Which of them.
        zone: Name of the listener's time zone.
    """
    database.table(_tracks_sql(window), {"user_id": user_id, **_moments(window)})
    database.table(
        _QUARTERS,
        {
            "user_id": user_id,
            "since": window.span.since,
            "until": window.span.until,
            "zone": zone,
        },
    )
    return Heard(database, user_id, window, zone)


def _moments(window: Window) -> dict[str, datetime]:
    moments = {"since": window.span.since, "until": window.span.until}
    if window.before is not None:
        moments |= {"since_before": window.before.since, "until_before": window.before.until}
    return moments


_SUMS: Final = {
    "plays": "count(*) FILTER (counted AND {span})",
    "ms_played": "coalesce(sum(ms_played) FILTER ({span}), 0)::BIGINT",
    "starts": "count(*) FILTER ({span})",
    "skips": "count(*) FILTER (skipped AND {span})",
    "told": "count(ms_played) FILTER ({span})",
    "finishes": "count(*) FILTER (finished AND counted AND {span})",
}


def _tracks_sql(window: Window) -> str:
    now = _sums("played_at >= $since", "")
    before = _sums(
        "played_at >= $since_before AND played_at < $until_before" if window.before else "false",
        "_before",
    )
    return f"""
        CREATE OR REPLACE TEMP TABLE heard AS
        WITH sums AS (
            SELECT track_id, {now}, {before},
                min(played_at) FILTER (counted) AS first_at
            FROM plays
            WHERE user_id = $user_id AND NOT not_me AND played_at < $until
            GROUP BY track_id
        )
        SELECT sums.*, title, artist, artist_id, album_id, genres
        FROM sums LEFT JOIN tracks USING (track_id)
    """


def _sums(span: str, suffix: str) -> str:
    return ", ".join(f"{sql.format(span=span)} AS {name}{suffix}" for name, sql in _SUMS.items())


_QUARTERS: Final = f"""
    CREATE OR REPLACE TEMP TABLE quarters AS
    WITH sums AS (
        SELECT
            epoch_us(played_at) // {QUARTER_S * 1_000_000} AS quarter,
            count(*) FILTER (counted) AS plays,
            count(*) AS starts,
            count(*) FILTER (skipped) AS skips,
            coalesce(sum(ms_played), 0)::BIGINT AS ms_played
        FROM plays
        WHERE user_id = $user_id AND NOT not_me
            AND played_at >= $since AND played_at < $until
        GROUP BY quarter
    )
    SELECT *, timezone($zone, to_timestamp(quarter * {QUARTER_S})) AS local_at
    FROM sums
"""


def periods_sql(every: Every) -> str:
    """A query for the first day of every period of the window, quiet ones too; see `days_of`."""
    return f"""
        SELECT unnest(
            generate_series(date_trunc('{every}', $first_day::DATE), $last_day, INTERVAL 1 {every})
        )::DATE AS begins
    """


def days_of(heard: Heard) -> dict[str, date]:
    """Its parameters."""
    span = heard.window.span
    return {
        "first_day": span.since.date(),
        "last_day": (span.until - timedelta(microseconds=1)).date(),
    }
