"""Spotify's extended streaming history: every stream since the account was opened."""

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
from segue.sources.json_head import base_name, json_start, keys_seen
from segue.sources.json_rows import JsonQuery, read_json_rows
from segue.sources.spotify_uri import local_part, track_uri

__all__ = ["SpotifyExport"]

_NAME = re.compile(r"(streaming[_ -]+history|endsong|endvideo).*\.json")
_USER = re.compile(r'"username"\s*:\s*"([^"\\]{1,200})"')
_VIDEO = re.compile(r"(streaming[_ -]+history[_ -]+video|endvideo)")

_EPISODE: Final = ("episode_name", "episode_show_name", "spotify_episode_uri")
_AUDIOBOOK: Final = (
    "audiobook_title",
    "audiobook_uri",
    "audiobook_chapter_uri",
    "audiobook_chapter_title",
)
_FIELDS: Final = (
    "ts",
    "ms_played",
    "master_metadata_track_name",
    "master_metadata_album_artist_name",
    "master_metadata_album_album_name",
    "spotify_track_uri",
    *_EPISODE,
    *_AUDIOBOOK,
    "reason_start",
    "reason_end",
    "shuffle",
    "skipped",
    "offline",
    "offline_timestamp",
    "incognito_mode",
    "platform",
    "conn_country",
)
"""All that is ever read: addresses, user agents, user names and places stay in the file."""


_BLAMED: Final = (
    "ts",
    "ms_played",
    "master_metadata_track_name",
    "master_metadata_album_artist_name",
)


def _any(fields: tuple[str, ...]) -> str:
    return "(" + " OR ".join(f"{field} IS NOT NULL" for field in fields) + ")"


_SQL: Final = f"""
    WITH named AS (
        SELECT *,
            {track_uri("spotify_track_uri")} AS track,
            coalesce({play_sql.written("master_metadata_track_name")},
                     {local_part("spotify_track_uri", 5)}) AS title,
            coalesce({play_sql.written("master_metadata_album_artist_name")},
                     {local_part("spotify_track_uri", 3)}) AS artist,
            coalesce({play_sql.written("master_metadata_album_album_name")},
                     {local_part("spotify_track_uri", 4)}) AS album,
            {play_sql.instant("ts")} AS ended,
            TRY_CAST(ms_played AS BIGINT) AS ms,
            {play_sql.unix_instant("offline_timestamp")} AS went_offline
        FROM records
    ), judged AS (
        SELECT *, CASE
            WHEN {c.ARTIST} IS NULL OR {c.TITLE} IS NULL THEN CASE
                WHEN stray IS NOT NULL THEN '{why.NOT_AN_OBJECT}'
                WHEN track IS NOT NULL THEN NULL
                WHEN {_any(_EPISODE)} OR starts_with(spotify_track_uri, 'spotify:episode:')
                    THEN '{why.PODCAST}'
                WHEN {_any(_AUDIOBOOK)} THEN '{why.AUDIOBOOK}'
                WHEN {c.ARTIST} IS NOT NULL THEN '{why.MISSING_TITLE}'
                WHEN {c.TITLE} IS NOT NULL THEN '{why.MISSING_ARTIST}'
                WHEN $video THEN '{why.VIDEO}'
                ELSE '{why.NO_TRACK}'
            END END AS unnamed
        FROM named
    ), reasoned AS (
        SELECT *, CASE
            WHEN unnamed IS NOT NULL THEN unnamed
            {play_sql.time_faults("ended")}
            {play_sql.ms_faults("ms")}
        END AS {c.REASON}
        FROM judged
    )
    SELECT
        stray,
        CASE WHEN {c.REASON} IS NULL THEN {play_sql.started("ended", "ms")} END AS {c.PLAYED_AT},
        ended AS {c.ENDED_AT},
        ms AS {c.MS_PLAYED},
        coalesce(track, {play_sql.name_ref(c.ARTIST, c.TITLE)}) AS {c.TRACK_REF},
        {c.TITLE},
        {c.ARTIST},
        {c.ALBUM},
        track AS {c.SPOTIFY_URI},
        {c.REASON_START},
        {c.REASON_END},
        TRY_CAST(skipped AS BOOLEAN) AS {c.SKIPPED},
        TRY_CAST(shuffle AS BOOLEAN) AS {c.SHUFFLE},
        TRY_CAST(offline AS BOOLEAN) AS {c.OFFLINE},
        CASE WHEN went_offline BETWEEN $earliest AND $latest THEN went_offline END
            AS {c.OFFLINE_AT},
        TRY_CAST(incognito_mode AS BOOLEAN) AS {c.INCOGNITO},
        {c.PLATFORM},
        nullif(conn_country, 'ZZ') AS {c.COUNTRY},
        {c.REASON},
        {play_sql.fault_field(*_BLAMED)} AS {c.FIELD},
        {play_sql.fault_detail("ts", "ms_played")} AS {c.DETAIL},
        CASE WHEN {c.REASON} IS NOT NULL AND stray IS NULL
            THEN {play_sql.raw(_FIELDS)} END AS {c.RAW}
    FROM reasoned
"""

_QUERY: Final = JsonQuery(
    what="a Spotify extended streaming history",
    fields=dict.fromkeys(_FIELDS, "VARCHAR"),
    expected=("ts", "ms_played", "spotify_track_uri", "master_metadata_track_name"),
    sql=_SQL,
)


class SpotifyExport:
    """Reads `Streaming_History_Audio_*.json`, `…_Video_*.json`, `endsong_*.json`, `endvideo.json`.

    `ts` is the end of a stream; a play starts `ms_played` before it. Short plays and skips are
    kept. Podcasts, audiobooks and videos without a track are rejected by name, so that the
    account of an import adds up.
    """

    name: ClassVar[str] = "spotify_export"
    kind: ClassVar[Kind] = "history"
    title: ClassVar[str] = "Spotify extended streaming history"

    def claims(self, file: InputFile) -> bool:
        """By the keys of its first records, else by its name."""
        keys = keys_seen(file)
        if {"ts", "ms_played"} <= keys:
            return True
        return bool(_NAME.match(base_name(file))) and not {"endTime", "msPlayed"} <= keys

    def owner(self, file: InputFile) -> str | None:
        """The `username` of its first record, which older exports have; it is never stored."""
        found = _USER.search(json_start(file))
        return found[1] if found else None

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """Plays in file order.

        Raises:
            SourceError: The file is broken, or is JSON of something else.
        """
        parameters = {
            **play_sql.time_limits(options.now),
            "video": bool(_VIDEO.match(base_name(file))),
        }
        constants = {c.USER_ID: options.user_id, c.SOURCE: self.name}
        row = 1
        for table in read_json_rows(file, _QUERY, parameters):
            yield accounted(table, PLAYS, file, first_row=row, constants=constants)
            row += table.num_rows
