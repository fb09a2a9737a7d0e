"""DuckDB on several threads: one query, prepared once, over many small tables.

DuckDB reads one JSON list on one thread, and planning a wide query takes as long as running it
on a few thousand records. So each thread here has its own connection and its own prepared query,
and both outlive a file: a history comes as dozens of files that are read alike.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from threading import local
from typing import Any, Final

import duckdb
import pyarrow as pa

__all__ = ["TABLE", "QueryPool", "query_pool", "with_values"]

TABLE: Final = "texts"
"""The name under which a query finds its table."""

_MOST_THREADS = 4
_PARAMETER = re.compile(r"\$([a-z_]+)\b")


def query_pool() -> QueryPool:
    """The pool of this process; made at first use."""
    return _pool_of(os.getpid())  # threads do not survive a fork


@cache
def _pool_of(process: int) -> QueryPool:
    del process
    return QueryPool(max(1, min(_MOST_THREADS, len(os.sched_getaffinity(0)))))


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


class QueryPool:
    """Threads with a DuckDB connection each, cut off from files and network.

    Args:
        threads: How many.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="segue-query")
        self._own = local()
        self._database = duckdb.connect(
            ":memory:",
            config={
                "threads": 1,  # each connection has a thread of its own already
                "memory_limit": "1GB",
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "enable_external_access": False,
            },
        )
        self._database.execute("SET GLOBAL TimeZone = 'UTC'")

    def submit(self, sql: str, table: pa.Table) -> Future[pa.Table]:
        """Start a query over `table`, which it finds under the name TABLE.

        The future raises duckdb.Error when DuckDB refuses the query or the data, and
        UnicodeDecodeError when it wants to quote bytes that are no text.
        """
        return self._executor.submit(self._run, sql, table)

    def _run(self, sql: str, table: pa.Table) -> pa.Table:
        worker: _Worker | None = getattr(self._own, "worker", None)
        if worker is None or worker.sql != sql:
            worker = _Worker(self._database.cursor(), sql, table)
            self._own.worker = worker
        return worker(table)


class _Feed:
    """What a prepared query reads: whichever table is put in."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class _Worker:
    """One connection with one prepared query."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str, table: pa.Table) -> None:
        self.sql = sql
        self._empty = table.slice(0, 0)
        self._feed = _Feed(self._empty)
        self._connection = connection
        self._connection.register(TABLE, self._feed)
        self._connection.execute(f"PREPARE shape AS {sql}")

    def __call__(self, table: pa.Table) -> pa.Table:
        self._feed.table = table
        try:
            return self._connection.execute("EXECUTE shape").to_arrow_table()
        finally:
            self._feed.table = self._empty
