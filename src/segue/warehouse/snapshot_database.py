"""A published snapshot as a database to ask: its marts by name, and nothing else to be reached."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from segue.errors import QueryError
from segue.warehouse.connection import connect
from segue.warehouse.query_check import check_query
from segue.warehouse.query_faults import fault_of
from segue.warehouse.snapshots import Snapshot

__all__ = ["SnapshotDatabase", "open_snapshot"]

_BATCH_ROWS: Final = 10_000
_HELD: Final = "held_rows"
_CLOSED: Final = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_unsigned_extensions": "false",
    "python_enable_replacements": "false",
}
_HARMLESS: Final = {
    "errors_as_json": "true",
    "TimeZone": "'UTC'",
    "temp_directory": "''",
}


class SnapshotDatabase:
    """The marts of one snapshot, each under its name; made by `open_snapshot`.

    Args:
        connection: To a database that holds a view for each mart and is locked.
        marts: The names of the views.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, marts: tuple[str, ...]) -> None:
        self._connection = connection
        self.marts = marts

    def table(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """What a query of ours answers.

        Args:
            sql: One statement; it may make temporary tables.
            parameters: Values of its $names.

        Raises:
            QueryError: It cannot be answered, such as for want of memory.
        """
        try:
            return self._connection.execute(sql, dict(parameters or {})).to_arrow_table()
        except duckdb.Error as error:
            raise fault_of(error, sql) from error

    def hold(self, mart: str, rows: pa.Table) -> None:
        """Have some rows of a mart in memory; from then on its name means these.

        Raises:
            QueryError: There is no room for them.
        """
        sql = f'CREATE OR REPLACE TEMP TABLE "{mart}" AS SELECT * FROM {_HELD}'
        try:
            self._connection.register(_HELD, rows)
            try:
                self._connection.execute(sql)
            finally:
                self._connection.unregister(_HELD)
        except duckdb.Error as error:
            raise fault_of(error, sql) from error

    @contextmanager
    def ask(self, sql: str, *, seconds: float = 0.0) -> Iterator[pa.RecordBatchReader]:
        """The rows of a stranger's query, as they come; it can read the marts and nothing else.

        Args:
            sql: One SELECT, WITH, FROM, VALUES, DESCRIBE, SUMMARIZE, SHOW TABLES or EXPLAIN.
            seconds: It is stopped after so long; 0 for never.

        Raises:
            QueryError: It is no such query, or cannot be answered; the message says where and why.
        """
        check_query(sql, self.marts)
        with self._no_longer_than(seconds):
            try:
                reader = self._connection.execute(sql).to_arrow_reader(_BATCH_ROWS)
                yield pa.RecordBatchReader.from_batches(
                    reader.schema, _batches(reader, sql, seconds)
                )
            except duckdb.Error as error:
                raise fault_of(error, sql, seconds=seconds) from error

    @contextmanager
    def _no_longer_than(self, seconds: float) -> Iterator[None]:
        if not seconds:
            yield
            return
        timer = threading.Timer(seconds, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


@contextmanager
def open_snapshot(
    snapshot: Snapshot, *, memory_limit: str = "1GB", threads: int = 0
) -> Iterator[SnapshotDatabase]:
    """A database in memory that reads the files of one snapshot where they lie.

    Two walls stand around what is asked of it. The database itself may open those files only: no
    other file, no network, no extension, no setting changes any more. And `ask` looks at the
    parsed query first, since DuckDB would allow writing to a file that may be read.

    Args:
        snapshot: What to read.
        memory_limit: DuckDB's; a query that needs more is refused, nothing spills to disk.
        threads: DuckDB's; 0 means all cores.
    """
    files = {name: snapshot.files(name) for name in snapshot.marts}
    files = {name: paths for name, paths in files.items() if paths[0].is_file()}
    config = {**_CLOSED, "memory_limit": memory_limit, **({"threads": threads} if threads else {})}
    connection = connect(config=config)
    try:
        for name, value in _HARMLESS.items():
            connection.execute(f"SET {name} = {value}")
        every = ", ".join(_text(str(path)) for paths in files.values() for path in paths)
        connection.execute(f"SET allowed_paths = [{every}]")
        connection.execute("SET enable_external_access = false")
        for name, paths in files.items():
            _add_mart(connection, name, paths)
        connection.execute("SET lock_configuration = true")
        yield SnapshotDatabase(connection, tuple(files))
    finally:
        connection.close()


def _add_mart(connection: duckdb.DuckDBPyConnection, name: str, paths: Sequence[Path]) -> None:
    files = ", ".join(_text(str(path)) for path in paths)
    try:
        connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM read_parquet([{files}])')
    except duckdb.Error as error:
        raise QueryError(
            f"the mart {name} cannot be read: {paths[0]} is missing or damaged",
            cure="Run `segue build`.",
        ) from error


def _batches(reader: pa.RecordBatchReader, sql: str, seconds: float) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        raise fault_of(error, sql, seconds=seconds) from error


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
