"""Ask: a query of the user's own over the published marts, and what there is to ask of."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from segue.errors import QueryError
from segue.warehouse.mart_words import MartWords, mart_words
from segue.warehouse.snapshot_database import open_snapshot
from segue.warehouse.snapshots import Snapshot

__all__ = ["ColumnWords", "TableWords", "ask", "limited", "tables", "type_words"]


@dataclass(frozen=True, slots=True)
class ColumnWords:
    """A column: its name, its type as DuckDB writes it, and what it holds."""

    name: str
    type: str
    description: str


@dataclass(frozen=True, slots=True)
class TableWords:
    """A published mart: its name, what a row is, how many there are, and its columns."""

    name: str
    description: str
    rows: int
    columns: tuple[ColumnWords, ...]


@contextmanager
def ask(
    snapshot: Snapshot,
    sql: str,
    *,
    memory_limit: str = "1GB",
    threads: int = 0,
    seconds: float = 0.0,
) -> Iterator[pa.RecordBatchReader]:
    """The answer to one query, as it comes; columns of the same name are told apart by a number.

    Args:
        snapshot: The published marts.
        sql: One statement that reads; see `segue.warehouse.snapshot_database`.
        memory_limit: A query that needs more is refused.
        threads: 0 means all cores.
        seconds: A query that takes longer is stopped; 0 for never.

    Raises:
        QueryError: It is refused or cannot be answered.
    """
    with (
        open_snapshot(snapshot, memory_limit=memory_limit, threads=threads) as database,
        database.ask(sql, seconds=seconds) as reader,
    ):
        names = _told_apart(reader.schema.names)
        schema = pa.schema([f.with_name(n) for f, n in zip(reader.schema, names, strict=True)])
        renamed = (pa.RecordBatch.from_arrays(b.columns, schema=schema) for b in reader)
        yield pa.RecordBatchReader.from_batches(schema, renamed)


def tables(snapshot: Snapshot, name: str | None = None) -> tuple[TableWords, ...]:
    """The marts of a snapshot with their columns, in alphabetical order.

    Args:
        snapshot: The published marts.
        name: Only this one; None for all.

    Raises:
        QueryError: There is no mart of this name.
    """
    words = mart_words()
    with open_snapshot(snapshot) as database:
        found = sorted(database.marts)
        if name is not None:
            found = [_the_one(name, found)]
        return tuple(
            TableWords(
                mart,
                words.get(mart, MartWords()).grain,
                snapshot.rows(mart),
                tuple(
                    ColumnWords(
                        row["column_name"],
                        row["column_type"],
                        words.get(mart, MartWords()).columns.get(row["column_name"], ""),
                    )
                    for row in database.table(f'DESCRIBE "{mart}"').to_pylist()
                ),
            )
            for mart in found
        )


def _the_one(name: str, known: list[str]) -> str:
    if name.casefold() in known:
        return name.casefold()
    near = difflib.get_close_matches(name.casefold(), known, n=2, cutoff=0.6)
    hint = f"; did you mean {' or '.join(near)}" if near else ""
    raise QueryError(
        f"there is no table {name}{hint}", cure="`segue sql --tables` lists the tables."
    )


def _told_apart(names: list[str]) -> list[str]:
    """Names that are all different: a second `plays` becomes `plays_2`."""
    told: list[str] = []
    for name in names:
        new, number = name, 1
        while new in told:
            number += 1
            new = f"{name}_{number}"
        told.append(new)
    return told


def limited(rows: pa.RecordBatchReader, most: int) -> pa.RecordBatchReader:
    """The first rows; 0 for all."""
    return rows if not most else pa.RecordBatchReader.from_batches(rows.schema, _first(rows, most))


def _first(rows: pa.RecordBatchReader, most: int) -> Iterator[pa.RecordBatch]:
    for batch in rows:
        yield batch.slice(0, most)
        most -= batch.num_rows
        if most <= 0:
            return


def type_words(schema: pa.Schema) -> tuple[str, ...]:
    """A plain word for the type of each column, such as text, integer, real, yes/no or time."""
    return tuple(_word(field.type) for field in schema)


def _word(kind: pa.DataType) -> str:
    words = {
        "text": (pa.types.is_string, pa.types.is_large_string),
        "yes/no": (pa.types.is_boolean,),
        "integer": (pa.types.is_integer,),
        "real": (pa.types.is_floating, pa.types.is_decimal),
        "time": (pa.types.is_timestamp,),
        "date": (pa.types.is_date,),
    }
    if pa.types.is_decimal(kind) and kind.scale == 0:
        return "integer"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"list of {_word(kind.value_type)}"
    found = (word for word, tests in words.items() if any(test(kind) for test in tests))
    return next(found, str(kind))
