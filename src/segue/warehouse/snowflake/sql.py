"""The SQL around dbt that only Snowflake understands.

Identifiers are never quoted: Snowflake keeps and finds them in capitals, as analysts expect it.
Times are TIMESTAMP_NTZ in UTC: what a query answers never depends on its session's time zone.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from segue.music import columns as c
from segue.music.lake_tables import LAKE_TABLES, TIMESTAMP
from segue.warehouse.matching import ARTIST_NAMES, MATCHES
from segue.warehouse.raw_sql import PLACES, PLACES_A_TABLE, SPACES, Dialect, refs_to_match

__all__ = ["RAW_TABLES", "SCHEMAS", "SNOWFLAKE", "TABLES", "copy_into", "staged"]

SCHEMAS: Final = ("raw", "intermediate", "marts")
"""The schemas that are Segue's own, by the names they have without a prefix."""

_TYPES: Final = {
    pa.string(): "varchar",
    pa.int64(): "bigint",
    pa.int32(): "integer",
    pa.float64(): "double",
    pa.float32(): "float",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    TIMESTAMP: "timestamp_ntz(6)",
    pa.list_(pa.string()): "array",
}

RAW_TABLES: Final[dict[str, pa.Schema]] = {
    **{
        name: table.schema.insert(0, pa.field(c.ROW_ID, pa.int64())).append(
            pa.field(c.FILE_NO, pa.int64())
        )
        for name, table in LAKE_TABLES.items()
    },
    "track_matches": MATCHES,
    "artist_names": ARTIST_NAMES,
}
"""The tables of the raw schema that are loaded from Parquet files, and their columns."""


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {_TYPES[field.type]}" for field in schema)


TABLES: Final[dict[str, str]] = {
    **{name: _columns(schema) for name, schema in RAW_TABLES.items()},
    "track_refs": "track_ref varchar, title varchar, artist varchar, artists array, album varchar,"
    " spotify_uri varchar, recording_mbid varchar, isrc varchar, place integer,"
    " first_seen bigint, in_catalogue boolean, in_history boolean, in_crowd boolean",
    "loads": "table_name varchar, file_no bigint, piece varchar, n_rows bigint, commit_id varchar",
    "about": "name varchar, value varchar",
}
"""Every table of the raw schema, with its columns as a statement declares them."""

# Parquet reaches Snowflake as values of its VARIANT type, where times depend on the file format's
# options, lists on the program that wrote them, and real numbers know no infinity: so times are
# staged as whole microseconds, and lists, dates and real numbers as text. No text of SQL holds a
# NUL, in any warehouse.
_NO_NUL: Final = "replace({}, chr(0), chr(65533))"
_REAL: Final = "cast(cast({} as double) as varchar)", "{}::varchar::double"
_STAGED: Final = {
    TIMESTAMP: ("epoch_us({})", "dateadd(microsecond, {}::bigint, '1970-01-01'::timestamp_ntz(6))"),
    pa.list_(pa.string()): (
        f"cast(to_json(list_transform({{}}, lambda one: {_NO_NUL.format('one')})) as varchar)",
        "parse_json({}::varchar)::array",
    ),
    pa.string(): (_NO_NUL, "{}::varchar"),
    pa.date32(): ("cast({} as varchar)", "to_date({}::varchar)"),
    pa.float64(): _REAL,
    pa.float32(): _REAL,
}


def staged(field: pa.Field) -> str:
    """What a staged file holds for a column of a lake file, in the SQL of DuckDB."""
    return _STAGED.get(field.type, ("{}", ""))[0].format(field.name)


def copy_into(table: str, location: str) -> str:
    """The statement that loads all staged files under a location into a raw table.

    `force` because raw.loads says what was loaded, not what Snowflake remembers of file names.
    """
    schema = RAW_TABLES[table]
    values = ", ".join(
        _STAGED[field.type][1].format(f"$1:{field.name}")
        if field.type in _STAGED
        else f"$1:{field.name}::{_TYPES[field.type]}"
        for field in schema
    )
    return (
        f"copy into raw.{table} ({', '.join(schema.names)})"
        f" from (select {values} from {location})"
        " file_format = (type = parquet) on_error = abort_statement force = true"
    )


_TEXTS: Final = ("title", "artist", "album", "spotify_uri", "recording_mbid", "isrc")
_EARLIEST: Final = """over (
            partition by track_ref order by place, file_no, row_id
            rows between unbounded preceding and unbounded following
        )"""

# The earliest row of each reference names it: adding data later changes no names.
_TRACK_REFS: Final = f"""
insert into raw.track_refs (
    track_ref, artists, {", ".join(_TEXTS)}, place, first_seen,
    in_catalogue, in_history, in_crowd
)
with seen as (
    {
    " union all ".join(
        f'''
    select
        track_ref,
        {", ".join(f"nullif(trim({name}, '{SPACES}'), '') as {name}" for name in _TEXTS)},
        case when array_size(artists) > 0 then artists end as artists,
        {number} as place, file_no, row_id
    from raw.{table} where {condition}'''
        for number, (table, condition) in enumerate(PLACES)
    )
}
),

named as (
    select
        track_ref,
        first_value(artists) ignore nulls {_EARLIEST} as artists,
        {", ".join(f"first_value({name}) ignore nulls {_EARLIEST} as {name}" for name in _TEXTS)},
        min(place) over (partition by track_ref) as place,
        min(place * {PLACES_A_TABLE} + file_no) over (partition by track_ref) as first_seen,
        max(case when place = 0 then 1 else 0 end) over (partition by track_ref) as in_catalogue,
        max(case when place in (1, 2, 3, 5) then 1 else 0 end) over (partition by track_ref)
            as in_history,
        max(case when place = 4 then 1 else 0 end) over (partition by track_ref) as in_crowd,
        row_number() over (partition by track_ref order by place, file_no, row_id) as age
    from seen
)

select
    track_ref, artists, {", ".join(_TEXTS)}, place, first_seen,
    in_catalogue = 1, in_history = 1, in_crowd = 1
from named
where age = 1
"""

SNOWFLAKE: Final = Dialect(
    types=_TYPES,
    track_refs=("delete from raw.track_refs", _TRACK_REFS),
    refs_to_match=refs_to_match(several="array_size(artists) > 1", first="artists[0]::varchar"),
    # the connector's own times are nanoseconds or texts, depending on values: numbers are exact
    leaving={
        TIMESTAMP: "date_part(epoch_microsecond, {})",
        pa.list_(pa.string()): "to_json({})",
    },
)
