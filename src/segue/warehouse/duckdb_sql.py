"""The SQL around dbt that only DuckDB understands."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa

from segue.music.lake_tables import TIMESTAMP
from segue.warehouse.raw_sql import PLACES, PLACES_A_TABLE, Dialect

__all__ = ["DUCKDB", "no_glob"]

# The earliest row of each reference names it: adding data later changes no names.
_OF_ROWS: Final = f"""
with seen as (
    {
    " union all ".join(
        f'''
    select
        track_ref, title, artist, artists, album, spotify_uri, recording_mbid, isrc,
        {number} as place, file_no,
        ({number} * {PLACES_A_TABLE} + file_no)::hugeint * 18446744073709551616 + row_id as age
    from raw.{table} where {condition} {{some}}'''
        for number, (table, condition) in enumerate(PLACES)
    )
}
)
select
    track_ref,
    arg_min(nullif(trim(title), ''), age) as title,
    arg_min(nullif(trim(artist), ''), age) as artist,
    arg_min(artists, age) filter (len(artists) > 0) as artists,
    arg_min(nullif(trim(album), ''), age) as album,
    arg_min(nullif(trim(spotify_uri), ''), age) as spotify_uri,
    arg_min(nullif(trim(recording_mbid), ''), age) as recording_mbid,
    arg_min(nullif(trim(isrc), ''), age) as isrc,
    min(place) as place,
    min(place * {PLACES_A_TABLE} + file_no) as first_seen,
    bool_or(place = 0) as in_catalogue,
    bool_or(place in (1, 2, 3, 5)) as in_history,
    bool_or(place = 4) as in_crowd
from seen
group by track_ref
"""

_TOUCHED: Final = "track_ref in (select track_ref from raw.touched_refs)"
_TRACK_REFS: Final = "create or replace table raw.track_refs as " + _OF_ROWS.format(some="")
_TOUCHED_REFS: Final = (
    f"delete from raw.track_refs where {_TOUCHED}",
    "insert into raw.track_refs " + _OF_ROWS.format(some=f"and {_TOUCHED}"),
)

_REFS_TO_MATCH: Final = """
select
    track_ref,
    title,
    case when len(artists) > 1 then artists[1] else coalesce(artist, artists[1]) end as artist,
    spotify_uri,
    recording_mbid,
    isrc,
    in_catalogue,
    in_history or in_crowd as in_use
from raw.track_refs
order by first_seen, track_ref
"""

DUCKDB: Final = Dialect(
    types={
        pa.string(): "varchar",
        pa.int64(): "bigint",
        pa.int32(): "integer",
        pa.float64(): "double",
        pa.float32(): "float",
        pa.bool_(): "boolean",
        pa.date32(): "date",
        TIMESTAMP: "timestamptz",
        pa.list_(pa.string()): "varchar[]",
    },
    track_refs=(_TRACK_REFS,),
    touched_refs=_TOUCHED_REFS,
    refs_to_match=_REFS_TO_MATCH,
)


def no_glob(path: Path) -> str:
    """The path for DuckDB's readers, which would take brackets and stars for patterns."""
    return "".join(f"[{ch}]" if ch in "*?[" else ch for ch in str(path))
