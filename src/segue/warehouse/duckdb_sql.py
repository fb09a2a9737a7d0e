"""The SQL around dbt that only DuckDB understands."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa

from segue.music.lake_tables import TIMESTAMP
from segue.warehouse.raw_sql import (
    NEW_PIECES,
    PLACES,
    PLACES_A_TABLE,
    REF_NAMES,
    Dialect,
    refs_to_match,
)

__all__ = ["DUCKDB", "no_glob"]

# The earliest row of each reference names it: adding data later changes no names. In the raw tables
# this is found for each of them by itself; what comes later to one of them is in later files.
_OF_ROWS: Final = """
select
    track_ref,
    {place} as place,
    arg_min(nullif(trim(title), ''), age) as title,
    arg_min(nullif(trim(artist), ''), age) as artist,
    arg_min(artists, age) filter (len(artists) > 0) as artists,
    arg_min(nullif(trim(album), ''), age) as album,
    arg_min(nullif(trim(spotify_uri), ''), age) as spotify_uri,
    arg_min(nullif(trim(recording_mbid), ''), age) as recording_mbid,
    arg_min(nullif(trim(isrc), ''), age) as isrc,
    min(file_no) as first_file
from (
    select *, file_no::hugeint * 18446744073709551616 + row_id as age
    from raw.{table} where {condition} {some}
)
group by track_ref
"""


def _of_all_rows(some: str = "") -> str:
    """One row per reference and raw table; `some` narrows the rows of `{table}` down."""
    return " union all ".join(
        _OF_ROWS.format(
            place=place, table=table, condition=condition, some=some.format(table=table)
        )
        for place, (table, condition) in enumerate(PLACES)
    )


_OF_PLACES: Final = f"""
select
    track_ref,
    {", ".join(f"arg_min({name}, place) as {name}" for name in REF_NAMES)},
    min(place) as place,
    min(place * {PLACES_A_TABLE} + first_file) as first_seen,
    bool_or(place = 0) as in_catalogue,
    bool_or(place in (1, 2, 3, 5)) as in_history,
    bool_or(place = 4) as in_crowd
from raw.ref_places
{{some}}
group by track_ref
"""

_TRACK_REFS: Final = (
    "create or replace table raw.ref_places as " + _of_all_rows(),
    "create or replace table raw.track_refs as " + _OF_PLACES.format(some=""),
)

_TOUCHED: Final = "where track_ref in (select track_ref from raw.touched_refs)"
_TOUCHED_REFS: Final = (
    f"""
create or replace temp table newer_places as
select
    newer.track_ref,
    newer.place,
    {", ".join(f"coalesce(known.{name}, newer.{name}) as {name}" for name in REF_NAMES)},
    coalesce(known.first_file, newer.first_file) as first_file
from ({_of_all_rows(f"and file_no in ({NEW_PIECES})")}) as newer
left join raw.ref_places as known
    on newer.track_ref = known.track_ref and newer.place = known.place
""",
    """
delete from raw.ref_places as known
where exists (
    select 1 from newer_places as newer
    where newer.track_ref = known.track_ref and newer.place = known.place
)
""",
    "insert into raw.ref_places by name from newer_places",
    "drop table newer_places",
    f"delete from raw.track_refs {_TOUCHED}",
    "insert into raw.track_refs by name " + _OF_PLACES.format(some=_TOUCHED),
)

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
    track_refs=_TRACK_REFS,
    touched_refs=_TOUCHED_REFS,
    refs_to_match=refs_to_match(several="len(artists) > 1", first="artists[1]"),
)


def no_glob(path: Path) -> str:
    """The path for DuckDB's readers, which would take brackets and stars for patterns."""
    return "".join(f"[{ch}]" if ch in "*?[" else ch for ch in str(path))
