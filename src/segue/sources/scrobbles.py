"""From what any scrobbling service says about plays to rows of the lake, each kept or rejected."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from segue.music import columns as c
from segue.music.lake_tables import PLAYS
from segue.sources import reject_reasons as reasons
from segue.sources.accounting import accounted
from segue.sources.base import Chunk, InputFile, ReadOptions
from segue.sources.database import over_table, with_values
from segue.sources.timestamps import read_times

__all__ = [
    "AMBIGUOUS_DATE",
    "BAD_ROW",
    "FAULT",
    "NOW_PLAYING",
    "SCROBBLES",
    "TIME",
    "Scrobbles",
    "raw_json",
]

NOW_PLAYING: Final = "now_playing"
"""A play that had no time yet when the history was exported: it comes again with one."""
AMBIGUOUS_DATE: Final = "ambiguous_date"
"""Such as 03/04/2024, in a file that nowhere tells which is the month."""
BAD_ROW: Final = "bad_row"
"""A line of a table with too few or too many fields."""

TIME: Final = "time"
FAULT: Final = "fault"
_SPARE_TIME: Final = "spare_time"

_OLDEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Scrobbling began in 2002; devices without a clock write 1970."""
_BLANKS: Final = " \t\r\n\v\f\u00a0\u200b\ufeff"
_PRIVATE: Final = ("ip", "ip_address", "ip_addr", "user_agent", "listening_from_ip")

SCROBBLES: Final = pa.schema(
    [
        pa.field(c.ROW, pa.int64()),  # 1-based record in the file
        pa.field(FAULT, pa.string()),  # a reason to reject it that the format itself knows
        pa.field(TIME, pa.string()),
        pa.field(_SPARE_TIME, pa.string()),  # read where `time` is empty or unreadable
        pa.field(c.TITLE, pa.string()),
        pa.field(c.ARTIST, pa.string()),
        pa.field(c.ARTISTS, pa.list_(pa.string())),
        pa.field(c.ALBUM, pa.string()),
        pa.field(c.SPOTIFY_URI, pa.string()),  # a URI or an address of a track
        pa.field(c.RECORDING_MBID, pa.string()),
        pa.field(c.ISRC, pa.string()),
        pa.field(c.DURATION_MS, pa.float64()),
        pa.field(c.MS_PLAYED, pa.float64()),
    ]
)
"""Records as a source found them: nothing trimmed, nothing checked; absent columns are null."""

_TIDY = r"""
WITH named AS (
    SELECT
        "row", fault, at_us,
        coalesce(nullif(trim("time"), ''), nullif(trim(spare_time), '')) AS moment,
        trimmed(title) AS title,
        list_filter(list_transform(artists, x -> trim(x, $blanks)), x -> x <> '') AS artists,
        trimmed(artist) AS artist,
        trimmed(album) AS album,
        nullif(regexp_extract(spotify_uri,
            '(?:spotify:track:|open[.]spotify[.]com/(?:intl-[a-z-]+/)?track/|^)([0-9A-Za-z]{22})\b',
            1), '') AS spotify_id,
        lower(trim(recording_mbid)) AS mbid,
        upper(replace(trim(isrc), '-', '')) AS isrc,
        duration_ms, ms_played
    FROM scrobbles
), identified AS (
    SELECT * REPLACE (
        coalesce(artist, nullif(array_to_string(artists, ', '), '')) AS artist,
        if(len(artists) > 0, artists, NULL) AS artists,
        if(regexp_full_match(isrc, '[A-Z]{2}[A-Z0-9]{3}[0-9]{7}'), isrc, NULL) AS isrc,
        if(duration_ms BETWEEN 1 AND 1e12, round(duration_ms)::BIGINT, NULL) AS duration_ms,
        if(ms_played BETWEEN 0 AND 1e12, round(ms_played)::BIGINT, NULL) AS ms_played),
        'spotify:track:' || spotify_id AS spotify_uri,
        if(regexp_full_match(mbid, '[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}')
            AND mbid <> '00000000-0000-0000-0000-000000000000', mbid, NULL) AS recording_mbid
    FROM named
), judged AS (
    SELECT *,
        CASE
            WHEN coalesce(spotify_uri, recording_mbid) IS NOT NULL THEN NULL
            WHEN coalesce(title, artist) IS NULL THEN $no_track
            WHEN title IS NULL THEN $no_title
            WHEN artist IS NULL THEN $no_artist
        END AS unnamed,
        CASE
            WHEN moment IS NULL THEN $now_playing
            WHEN at_us IS NULL AND $unsure AND regexp_matches(moment, $two_ways) THEN $ambiguous
            WHEN at_us IS NULL THEN $bad_time
            WHEN at_us < $oldest THEN $too_old
            WHEN at_us > $newest THEN $future
        END AS mistimed
    FROM identified
)
SELECT
    title, artist, artists, album, spotify_uri, recording_mbid, isrc, duration_ms, ms_played,
    make_timestamp(if(at_us BETWEEN $oldest AND $newest, at_us, NULL)) AS played_at,
    coalesce(spotify_uri, 'mbid:' || recording_mbid, 'name:' || artist || $separator || title)
        AS track_ref,
    coalesce(fault, unnamed, mistimed) AS reason,
    CASE
        WHEN fault IS NOT NULL OR unnamed = $no_track THEN NULL
        WHEN unnamed IS NOT NULL THEN if(title IS NULL, 'title', 'artist')
        WHEN mistimed IS NOT NULL THEN 'played_at'
    END AS field,
    if(fault IS NULL AND unnamed IS NULL, moment, NULL) AS detail
FROM judged
"""
for _column in (c.TITLE, c.ARTIST, c.ALBUM):  # null when blank; most texts need no trimming
    _TIDY = _TIDY.replace(
        f"trimmed({_column})",
        f"CASE WHEN {_column}[1] BETWEEN '!' AND '~' AND {_column}[-1] BETWEEN '!' AND '~'"
        f" THEN {_column} ELSE nullif(trim({_column}, $blanks), '') END",
    )
_TWO_WAYS: Final = r"^(?:0?[1-9]|1[0-2])[/-](?:0?[1-9]|1[0-2])[/-][0-9]{2}"


@dataclass(frozen=True, slots=True)
class Scrobbles:
    """Turns records of one file into chunks.

    Args:
        connection: DuckDB, used for computing only.
        file: Named in rejects.
        options: Whose history it is, and what is now.
        source: The value of the `source` column.
        day_first: Whether 03/04/2024 is in April, if the file tells; see `read_times`.
    """

    connection: duckdb.DuckDBPyConnection
    file: InputFile
    options: ReadOptions
    source: str
    day_first: bool | None = None

    def chunk(self, records: pa.Table, raw: Callable[[Sequence[int]], list[str]]) -> Chunk:
        """The plays among some records, and the rejects.

        Args:
            records: In the schema SCROBBLES, in file order, rows rising by one; not empty.
            raw: Says for positions within `records` what the file had there, as JSON.
        """
        judged = self._judge(records)
        places = pc.indices_nonzero(pc.is_valid(judged[c.REASON])).to_pylist()
        texts: list[str | None] = [None] * len(judged)
        for at, text in zip(places, raw(places) if places else (), strict=True):
            texts[at] = text
        return accounted(
            judged.append_column(c.RAW, pa.array(texts, pa.string())),
            PLAYS,
            self.file,
            first_row=records[c.ROW][0].as_py(),
            constants={c.USER_ID: self.options.user_id, c.SOURCE: self.source},
        )

    def _judge(self, records: pa.Table) -> pa.Table:
        newest = self.options.now + timedelta(days=reasons.FUTURE_DAYS)
        values = {
            "blanks": _BLANKS,
            "separator": "\x1f",
            "oldest": _microseconds(_OLDEST),
            "newest": _microseconds(newest),
            "unsure": self.day_first is None,
            "two_ways": _TWO_WAYS,
            "no_track": reasons.NO_TRACK,
            "no_title": reasons.MISSING_TITLE,
            "no_artist": reasons.MISSING_ARTIST,
            "now_playing": NOW_PLAYING,
            "bad_time": reasons.BAD_TIMESTAMP,
            "ambiguous": AMBIGUOUS_DATE,
            "too_old": reasons.TOO_OLD_TIMESTAMP,
            "future": reasons.FUTURE_TIMESTAMP,
        }
        known = records.append_column("at_us", self._moments(records))
        return over_table(self.connection, with_values(_TIDY, values), "scrobbles", known)

    def _moments(self, records: pa.Table) -> pa.Array:
        """When each record says it was, in microseconds; null where that cannot be read."""
        texts = records[TIME].combine_chunks()
        moments = read_times(self.connection, texts, self.day_first)
        spare = records[_SPARE_TIME].combine_chunks()
        if moments.null_count and spare.null_count < len(spare):
            moments = pc.coalesce(moments, read_times(self.connection, spare, self.day_first))
        return moments


def raw_json(record: Any) -> str:
    """A record as JSON text, without addresses and user agents."""
    return json.dumps(_public(record), ensure_ascii=False)


def _public(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _public(held)
            for key, held in value.items()
            if held is not None and key.casefold() not in _PRIVATE
        }
    if isinstance(value, list):
        return [_public(item) for item in value]
    return value


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
