"""The SQL around dbt that only PostgreSQL understands."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from segue.music.lake_tables import TIMESTAMP
from segue.warehouse.raw_sql import (
    PLACES,
    PLACES_A_TABLE,
    REF_NAMES,
    SPACES,
    Dialect,
    refs_to_match,
)

__all__ = ["POSTGRESQL", "TRACK_REFS_COLUMNS", "column_type"]

# Text is compared by its bytes, as everywhere in Segue, whatever language the server speaks.
_COLLATED: Final = ' collate "C"'

TRACK_REFS_COLUMNS: Final = (
    f"track_ref text{_COLLATED}",
    *(f"{name} text{'[]' if name == 'artists' else ''}{_COLLATED}" for name in REF_NAMES),
    "place integer",
    "first_seen bigint",
    "in_catalogue boolean",
    "in_history boolean",
    "in_crowd boolean",
)

# What is said alike in many rows is put together first: of all plays there remain few.
_TOLD: Final = " union all ".join(
    f"""
    select track_ref, {", ".join(REF_NAMES)}, {number} as place, file_no, min(row_id) as row_id
    from raw.{table} where {condition} {{some}}
    group by track_ref, {", ".join(REF_NAMES)}, file_no"""
    for number, (table, condition) in enumerate(PLACES)
)


def column_type(kind: pa.DataType) -> str:
    """The type of a column of a raw table that holds values of an Arrow type."""
    is_text = pa.types.is_string(kind) or pa.types.is_list(kind)
    return POSTGRESQL.types[kind] + (_COLLATED if is_text else "")


def _earliest(name: str) -> str:
    if name == "artists":  # as text, since arrays of several lengths make no array
        said, there, back = "artists::text", "cardinality(artists) > 0", "::text[]"
    else:
        said, back = f"nullif(btrim({name}, '{SPACES}'), '')", ""
        there = f"{said} is not null"
    aged = "order by place, file_no, row_id"
    return f"(array_agg({said} {aged}) filter (where {there}))[1]{back} as {name}"


_OF_ROWS: Final = f"""
insert into raw.track_refs
with seen as ({_TOLD}
)
select
    track_ref,
    {", ".join(_earliest(name) for name in REF_NAMES)},
    min(place) as place,
    min(place * {PLACES_A_TABLE} + file_no) as first_seen,
    bool_or(place = 0) as in_catalogue,
    bool_or(place in (1, 2, 3, 5)) as in_history,
    bool_or(place = 4) as in_crowd
from seen
group by track_ref
"""

_TOUCHED: Final = "track_ref in (select track_ref from raw.touched_refs)"

POSTGRESQL: Final = Dialect(
    types={
        pa.string(): "text",
        pa.int64(): "bigint",
        pa.int32(): "integer",
        pa.float64(): "double precision",
        pa.float32(): "real",
        pa.bool_(): "boolean",
        pa.date32(): "date",
        TIMESTAMP: "timestamptz",
        pa.list_(pa.string()): "text[]",
    },
    track_refs=("truncate raw.track_refs", _OF_ROWS.format(some="")),
    touched_refs=(
        "analyze raw.touched_refs",
        f"delete from raw.track_refs where {_TOUCHED}",
        _OF_ROWS.format(some=f"and {_TOUCHED}"),
    ),
    refs_to_match=refs_to_match(several="cardinality(artists) > 1", first="artists[1]"),
)
