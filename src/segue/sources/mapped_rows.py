"""Turning the batches of a table into chunks of lake rows by one SQL query a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from segue.errors import SourceError
from segue.music import columns as c
from segue.music.lake_tables import REJECTS, LakeTable
from segue.sources import cell_sql as sql
from segue.sources.base import Chunk
from segue.sources.database import database, over_table
from segue.sources.open_table import Batch, RaggedRow, Table, cell, is_private

__all__ = ["FaultLimit", "Mapped", "chunks", "connection", "lake_rows", "rejects_of", "run"]


@dataclass(frozen=True, slots=True)
class Mapped:
    """How the cells of a table become rows of the lake.

    Args:
        lake: The table that the rows belong to.
        steps: SELECT statements, each FROM before: the step before it, at first the batch.
            Each keeps all columns (SELECT *) and adds some.
        columns: Lake column -> SQL over the last step; columns that are left out are null.
        fault: SQL over the last step: null, or what is wrong with the row (see `first_fault`).
    """

    lake: LakeTable
    steps: tuple[str, ...]
    columns: Mapping[str, str]
    fault: str

    def query(self, table: Table) -> str:
        """The whole query; DuckDB keeps the order of rows, which is the file's."""
        names = ["batch", *(f"step{n}" for n in range(1, len(self.steps) + 1))]
        made = ",\n".join(
            f"{name} AS ({step.replace('FROM before', f'FROM {names[n]}')})"
            for n, (name, step) in enumerate(zip(names[1:], self.steps, strict=True))
        )
        values = ",\n".join(f'({value}) AS "{name}"' for name, value in self.columns.items())
        return f"""
            WITH {made},
            judged AS (SELECT *, {_with_damage(table, self.fault)} AS fault_ FROM {names[-1]})
            SELECT "row" AS row_, fault_.reason AS reason_, fault_.field AS field_,
                fault_.detail AS detail_,
                {values}
            FROM judged"""


class FaultLimit:
    """Refuses a file in which most rows fail for one reason: it is not what it seems."""

    def __init__(self, table: Table, cures: Mapping[str, str]) -> None:
        self._place = table.place
        self._cures = cures
        self._read = 0
        self._count: dict[str, int] = {}
        self._first: dict[str, Mapping[str, object]] = {}

    def add(self, chunk: Chunk) -> None:
        """Count a chunk."""
        self._read += chunk.read
        if chunk.rejects.num_rows == 0:
            return
        for counted in pc.value_counts(chunk.rejects[c.REASON]).to_pylist():
            reason = counted["values"]
            self._count[reason] = self._count.get(reason, 0) + counted["counts"]
            if reason not in self._first:
                at = pc.index(chunk.rejects[c.REASON], reason).as_py()
                self._first[reason] = chunk.rejects.slice(at, 1).to_pylist()[0]

    def check(self) -> None:
        """Refuse the file if it is over the limit."""
        for reason, cure in self._cures.items():
            count = self._count.get(reason, 0)
            if 2 * count > self._read:
                first = self._first[reason]
                raise SourceError(
                    f"most rows ({count:,} of {self._read:,}) cannot be used,"
                    f" this one as {first[c.DETAIL]}",
                    path=self._place.path,
                    member=self._place.member,
                    row=int(str(first[c.ROW])),
                    field=str(first[c.FIELD] or ""),
                    cure=cure,
                )


def chunks(
    db: duckdb.DuckDBPyConnection,
    table: Table,
    mapped: Mapped,
    *,
    file: str,
    prepare: Callable[[Batch], Batch] | None = None,
) -> Iterator[Chunk]:
    """The rows of a table as lake rows, a chunk a batch.

    Args:
        db: Where to compute.
        table: The table.
        mapped: How its cells become rows.
        file: The file's name, for rejects.
        prepare: Adds columns to a batch that SQL over its cells alone could not make.
    """
    query = mapped.query(table)
    for whole in table.batches():
        batch = prepare(whole) if prepare else whole
        found = run(db, query, batch)
        good = found.filter(pc.is_null(found["reason_"]))
        bad = found.filter(pc.is_valid(found["reason_"]))
        rejects = rejects_of(file, batch.ragged, _with_record(db, table, batch, bad))
        yield Chunk(mapped.lake, lake_rows(mapped.lake, good), rejects)


def _with_damage(table: Table, fault: str) -> str:
    if not table.damaged:
        return fault
    cells = ", ".join(cell(n) for n in range(table.width))
    found = sql.fault("'bad_encoding'", "", "'holds bytes that are not UTF-8'")
    return f"CASE WHEN instr(concat({cells}), chr(65533)) > 0 THEN {found} ELSE {fault} END"


def _with_record(
    db: duckdb.DuckDBPyConnection, table: Table, batch: Batch, bad: pa.Table
) -> pa.Table:
    """Rows that are rejected, each with its record as JSON in `raw_`."""
    if len(bad) == 0:
        return bad.append_column("raw_", pa.nulls(0, pa.string()))
    among = batch.cells.filter(pc.is_in(batch.cells["row"], bad["row_"].combine_chunks()))
    found = run(db, f"SELECT {_record(table)} AS raw_ FROM batch", Batch(among))
    return bad.append_column("raw_", found["raw_"])


def _record(table: Table) -> str:
    """The record as JSON: an object where the columns have names, otherwise a list."""
    if not table.columns:
        return f"to_json([{', '.join(cell(n) for n in range(table.width))}])::VARCHAR"
    cells = {name: cell(n) for n, name in reversed(list(enumerate(table.columns)))}
    pairs = [f"{sql.quoted(name)}, {cells[name]}" for name in cells if not is_private(name)]
    return f"json_object({', '.join(reversed(pairs))})::VARCHAR"


@contextmanager
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, for computing on one batch at a time."""
    with database() as db:
        db.execute(sql.MACROS)
        yield db


def run(db: duckdb.DuckDBPyConnection, query: str, batch: Batch) -> pa.Table:
    """The answer to a query over the relation `batch`."""
    return over_table(db, query, "batch", batch.cells)


def lake_rows(table: LakeTable, rows: pa.Table) -> pa.Table:
    """Rows in exactly the lake's schema; columns that they lack are null."""
    return pa.Table.from_arrays(
        [
            rows[column.name].cast(column.type)
            if column.name in rows.column_names
            else pa.nulls(len(rows), column.type)
            for column in table.schema
        ],
        schema=table.schema,
    )


def rejects_of(file: str, ragged: tuple[RaggedRow, ...], bad: pa.Table) -> pa.Table:
    """Rejects of both kinds, in file order."""
    judged = pa.table(
        {
            c.FILE: pa.array([file] * len(bad), pa.string()),
            c.ROW: bad["row_"],
            c.REASON: bad["reason_"],
            c.FIELD: bad["field_"],
            c.DETAIL: bad["detail_"],
            c.RAW: bad["raw_"],
        }
    ).cast(REJECTS)
    if not ragged:
        return judged
    rows = [
        {
            c.FILE: file,
            c.ROW: record.row,
            c.REASON: "bad_row",
            c.DETAIL: record.detail,
            c.RAW: record.raw,
        }
        for record in ragged
    ]
    full = [{name: row.get(name) for name in REJECTS.names} for row in rows]
    both = pa.concat_tables([judged, pa.Table.from_pylist(full, schema=REJECTS)])
    return both.sort_by(c.ROW)
