"""Turning what a query says about records into kept rows and rejects: one chunk of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from segue.music import columns as c
from segue.music.lake_tables import REJECTS, LakeTable
from segue.sources.base import Chunk, InputFile

__all__ = ["accounted"]


def accounted(
    table: pa.Table,
    lake_table: LakeTable,
    file: InputFile,
    *,
    first_row: int,
    constants: Mapping[str, Any],
) -> Chunk:
    """Split records into rows that are kept and rejects, with their place in the file.

    Args:
        table: One row a record, in file order. Column `reason` is null for rows to keep and says
            otherwise why not; `field`, `detail` and `raw` may add to it. Every other column is
            named as in `lake_table` (naive timestamps are taken as UTC); what is absent is null.
        lake_table: Where kept rows belong.
        file: Where the records come from.
        first_row: 1-based number of the first record of `table` within the file.
        constants: Lake columns that have one value for the whole file, such as the source.

    Returns:
        A chunk that accounts for every row of `table`.
    """
    reasons = table[c.REASON]
    if reasons.null_count == table.num_rows:
        return Chunk(lake_table, _lake_rows(table, lake_table, constants))
    kept = pc.is_null(reasons)
    facts = table.select([name for name in table.column_names if name in lake_table.schema.names])
    rows = _lake_rows(facts.filter(kept), lake_table, constants)
    refused = pc.invert(kept)
    rejected = table.select([name for name in table.column_names if name in REJECTS.names])
    numbers = pc.add(pc.indices_nonzero(refused).cast(pa.int64()), first_row)
    rejected = rejected.filter(refused).append_column(c.ROW, numbers)
    place = {c.FILE: pa.repeat(pa.scalar(file.name, pa.string()), rejected.num_rows)}
    return Chunk(lake_table, rows, _in_schema(rejected, REJECTS, place))


def _lake_rows(table: pa.Table, lake_table: LakeTable, constants: Mapping[str, Any]) -> pa.Table:
    same = {
        name: pa.repeat(pa.scalar(value, lake_table.schema.field(name).type), table.num_rows)
        for name, value in constants.items()
    }
    return _in_schema(table, lake_table.schema, same)


def _in_schema(table: pa.Table, schema: pa.Schema, extra: Mapping[str, pa.Array]) -> pa.Table:
    def column(field: pa.Field) -> pa.Array | pa.ChunkedArray:
        if field.name in extra:
            return extra[field.name]
        if field.name in table.column_names:
            return table[field.name].cast(field.type)
        return pa.nulls(table.num_rows, field.type)

    return pa.Table.from_arrays([column(field) for field in schema], schema=schema)
