"""What an export writes of each table, all of it or one person's share, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import pyarrow as pa

from segue.music import columns as c

__all__ = ["FORMATS", "Format", "mart_sql", "told_as"]

Format = Literal["parquet", "csv", "jsonl"]
FORMATS: Final[tuple[Format, ...]] = ("parquet", "csv", "jsonl")

_TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"

_MINE: Final = """
    SELECT track_id, sum(plays)::BIGINT AS plays FROM (
        SELECT track_id, plays FROM user_track_counts WHERE user_id = $user_id
        UNION ALL
        SELECT track_id, 0 FROM library WHERE user_id = $user_id
        UNION ALL
        SELECT track_id, 0 FROM playlist_tracks WHERE user_id = $user_id
        UNION ALL
        SELECT track_id, 0 FROM feedback WHERE user_id = $user_id
        UNION ALL
        SELECT track_id, 0 FROM plays WHERE user_id = $user_id
    ) WHERE track_id IS NOT NULL GROUP BY track_id
"""
_OF_MINE: Final[Mapping[str, str]] = {
    # what everybody shares: only what this person touched, with their plays, not all people's
    "tracks": f"""
        SELECT tracks.* REPLACE (mine.plays AS plays)
        FROM tracks JOIN ({_MINE}) AS mine USING (track_id) ORDER BY track_id
    """,
    "artists": f"""
        WITH mine AS (
            SELECT artist_id, sum(plays)::BIGINT AS plays FROM (
                SELECT artist_id, mine.plays FROM tracks JOIN ({_MINE}) AS mine USING (track_id)
                UNION ALL
                SELECT artist_id, 0 FROM library WHERE user_id = $user_id
                UNION ALL
                SELECT artist_id, 0 FROM feedback WHERE user_id = $user_id
            ) GROUP BY artist_id
        )
        SELECT artists.* REPLACE (mine.plays AS plays)
        FROM artists JOIN mine USING (artist_id) ORDER BY artist_id
    """,
    "albums": f"""
        WITH mine AS (
            SELECT album_id, sum(mine.plays)::BIGINT AS plays
            FROM tracks JOIN ({_MINE}) AS mine USING (track_id) GROUP BY album_id
        )
        SELECT albums.* REPLACE (mine.plays AS plays)
        FROM albums JOIN mine USING (album_id) ORDER BY album_id
    """,
    "neighbours": f"""
        SELECT neighbours.* FROM neighbours
        WHERE subject = $user_id OR subject IN (SELECT track_id FROM ({_MINE}))
        ORDER BY source, kind, subject, track_id
    """,
}


def mart_sql(mart: str, schema: pa.Schema, *, of_one: bool) -> str | None:
    """The rows of a mart to write.

    Args:
        mart: Its name; a view of this name and of those that it refers to must be there.
        schema: Its columns.
        of_one: Only what is about the user `$user_id`.

    Returns:
        A query; None where the mart is about other people, such as a crowd.
    """
    if not of_one:
        return f'SELECT * FROM "{mart}"'
    if c.USER_ID in schema.names:
        return f'SELECT * FROM "{mart}" WHERE user_id = $user_id'
    return _OF_MINE.get(mart)


def told_as(schema: pa.Schema, kind: Format) -> str:
    """The columns as a format can hold them.

    Args:
        schema: Their types.
        kind: Parquet holds everything; in CSV and JSON times are ISO 8601 in UTC; a list is JSON
            in CSV, and a list in JSON; what is no finite number is null in JSON.
    """
    return ", ".join(_told(field, kind) for field in schema)


def _told(field: pa.Field, kind: Format) -> str:
    name = f'"{field.name}"'
    if kind == "parquet":
        return name
    if pa.types.is_timestamp(field.type):
        return f"strftime({name} AT TIME ZONE 'UTC', '{_TIME}') AS {name}"
    if pa.types.is_floating(field.type) and kind == "jsonl":
        return f"CASE WHEN isfinite({name}) THEN {name} END AS {name}"
    if pa.types.is_list(field.type) and kind == "csv":
        return f"CAST(to_json({name}) AS VARCHAR) AS {name}"
    return name
