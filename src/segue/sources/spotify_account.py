"""Spotify's account data: the short streaming history of the last year."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from segue.music import columns as c
from segue.music.lake_tables import PLAYS
from segue.sources import play_sql
from segue.sources import reject_reasons as why
from segue.sources.accounting import accounted
from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.json_head import base_name, keys_seen
from segue.sources.json_rows import JsonQuery, read_json_rows

__all__ = ["SpotifyAccount"]

_NAME = re.compile(r"streaminghistory.*\.json")
_SPOKEN = {"podcast": why.PODCAST, "audiobook": why.AUDIOBOOK, "video": why.VIDEO}

_FIELDS: Final = (
    "endTime",
    "artistName",
    "trackName",
    "msPlayed",
    "podcastName",
    "episodeName",
    "audiobookName",
    "chapterName",
    "authorName",
)

_SQL: Final = f"""
    WITH named AS (
        SELECT *,
            {play_sql.written("trackName")} AS title,
            {play_sql.written("artistName")} AS artist,
            {play_sql.instant("endTime")} AS ended,
            TRY_CAST(msPlayed AS BIGINT) AS ms
        FROM records
    ), reasoned AS (
        SELECT *, CASE
            WHEN stray IS NOT NULL THEN '{why.NOT_AN_OBJECT}'
            WHEN $spoken <> '' THEN $spoken
            WHEN title IS NULL AND (podcastName IS NOT NULL OR episodeName IS NOT NULL)
                THEN '{why.PODCAST}'
            WHEN title IS NULL AND (audiobookName IS NOT NULL OR chapterName IS NOT NULL
                OR authorName IS NOT NULL) THEN '{why.AUDIOBOOK}'
            WHEN title IS NULL AND artist IS NULL THEN '{why.NO_TRACK}'
            WHEN title IS NULL THEN '{why.MISSING_TITLE}'
            WHEN artist IS NULL THEN '{why.MISSING_ARTIST}'
            {play_sql.time_faults("ended")}
            {play_sql.ms_faults("ms")}
        END AS {c.REASON}
        FROM named
    )
    SELECT
        stray,
        CASE WHEN {c.REASON} IS NULL THEN {play_sql.started("ended", "ms")} END AS {c.PLAYED_AT},
        ended AS {c.ENDED_AT},
        ms AS {c.MS_PLAYED},
        {play_sql.name_ref(c.ARTIST, c.TITLE)} AS {c.TRACK_REF},
        {c.TITLE},
        {c.ARTIST},
        {c.REASON},
        {play_sql.fault_field("endTime", "msPlayed", "trackName", "artistName")} AS {c.FIELD},
        {play_sql.fault_detail("endTime", "msPlayed")} AS {c.DETAIL},
        CASE WHEN {c.REASON} IS NOT NULL AND stray IS NULL
            THEN {play_sql.raw(_FIELDS)} END AS {c.RAW}
    FROM reasoned
"""

_QUERY: Final = JsonQuery(
    what="a Spotify streaming history",
    fields=dict.fromkeys(_FIELDS, "VARCHAR"),
    expected=("endTime", "msPlayed", "trackName", "artistName"),
    sql=_SQL,
)


class SpotifyAccount:
    """Reads `StreamingHistory_music_*.json` and, from older downloads, `StreamingHistory*.json`.

    `endTime` is in UTC, to the minute. There is no id: tracks are known by their names. Files of
    podcasts and audiobooks are claimed too, and every row of them is rejected by name, so that
    the account of an import adds up.
    """

    name: ClassVar[str] = "spotify_account"
    kind: ClassVar[Kind] = "history"
    title: ClassVar[str] = "Spotify account data (streaming history of the last year)"

    def claims(self, file: InputFile) -> bool:
        """By the keys of its first records, else by its name."""
        keys = keys_seen(file)
        if {"endTime", "msPlayed"} <= keys:
            return True
        return bool(_NAME.match(base_name(file))) and not {"ts", "ms_played"} <= keys

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """Plays in file order.

        Raises:
            SourceError: The file is broken, or is JSON of something else.
        """
        name = base_name(file) if _NAME.match(base_name(file)) else ""
        spoken = next((reason for word, reason in _SPOKEN.items() if word in name), "")
        parameters = {**play_sql.time_limits(options.now), "spoken": spoken}
        constants = {c.USER_ID: options.user_id, c.SOURCE: self.name}
        row = 1
        for table in read_json_rows(file, _QUERY, parameters):
            yield accounted(table, PLAYS, file, first_row=row, constants=constants)
            row += table.num_rows
