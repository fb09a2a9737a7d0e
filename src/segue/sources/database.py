"""DuckDB as the sources use it: in memory, without a word on standard output."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

__all__ = ["database", "file_literal", "over_table", "shared_cursor", "with_values"]

_PARAMETER = re.compile(r"\$([a-z_]+)\b")
_PART_ROWS = 16_384
_GLOB = re.compile(r"([*?\[])")


@contextmanager
def database(*, threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of one's own, for computing on tables.

    Args:
        threads: How many it uses; None means one for each core.
    """
    with _connect(threads) as connection:
        yield connection


@contextmanager
def shared_cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one query at a time, which runs on the thread that asks, in file order.

    Making a database takes longer than reading a small file, so all cursors share one.
    """
    with _shared(os.getpid()).cursor() as cursor:  # a database does not survive a fork
        yield cursor


@cache
def _shared(process: int) -> duckdb.DuckDBPyConnection:
    del process
    return _connect(threads=1)


def _connect(threads: int | None) -> duckdb.DuckDBPyConnection:
    config: dict[str, Any] = {
        "memory_limit": "1GB",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    connection = duckdb.connect(
        config=config if threads is None else {**config, "threads": threads}
    )
    connection.execute("SET enable_progress_bar = false")  # it would go to standard output
    return connection


def over_table(
    connection: duckdb.DuckDBPyConnection, query: str, name: str, table: pa.Table
) -> pa.Table:
    """The answer to a query over one table, which it knows by `name`, in the table's order.

    The table is handed over in small parts, and the answer collected as a whole: so DuckDB works
    on all of its threads.
    """
    parts = pa.Table.from_batches(table.to_batches(max_chunksize=_PART_ROWS), table.schema)
    connection.register(name, parts)
    try:
        return connection.sql(query).to_arrow_table()
    finally:
        connection.unregister(name)


def file_literal(path: Path) -> str:
    """A path as SQL that names exactly this file, whatever marks are in it."""
    return _literal(_GLOB.sub(r"[\1]", str(path)))


def with_values(sql: str, values: Mapping[str, Any]) -> str:
    """A query with every `$name` replaced by the value of that name.

    Values are texts, whole numbers, booleans and datetimes (aware ones as TIMESTAMPTZ).
    """
    return _PARAMETER.sub(lambda found: _literal(values[found[1]]), sql)


def _literal(value: Any) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case datetime(tzinfo=None):
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        case datetime():
            return f"TIMESTAMPTZ '{value.astimezone(UTC).isoformat(sep=' ')}'"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            raise TypeError(f"no SQL literal for {type(value).__name__}")
