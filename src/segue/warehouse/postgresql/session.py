"""A session on the server: one connection for statements, for rows in bulk, and for the lock."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.errors import BusyError, WarehouseError
from segue.music import columns as c
from segue.music.lake_tables import LAKE_TABLES
from segue.warehouse.loading import Checked, batches
from segue.warehouse.postgresql.faults import fault
from segue.warehouse.postgresql.schema import LOCK
from segue.warehouse.postgresql.sql import column_type

__all__ = ["PostgreSQLSession"]

_ROWS_AT_ONCE: Final = 50_000
_BATCHES_AHEAD: Final = 3
_ROWS_IN_GROUP: Final = 100_000
_MUCH: Final = 0.05
"""A table is looked at anew once it has grown by this share."""
_NUL: Final = "\x00"
_INSTEAD: Final = "\ufffd"


class PostgreSQLSession:
    """A connection, as `segue.warehouse.sql_warehouse.Session` wants it.

    Args:
        conninfo: libpq's connection string, with the password.
        where: Server, database and role in words.
    """

    def __init__(self, conninfo: str, where: str) -> None:
        import adbc_driver_postgresql.dbapi as adbc

        self._where = where
        # transactions are begun and ended in SQL: between them the connection must not be in one
        self._connection = adbc.connect(conninfo, autocommit=True)
        self._grown: Counter[str] = Counter()

    def hold(self) -> None:
        """Be the only one who builds in this database, until the connection ends.

        Raises:
            BusyError: Somebody else is.
        """
        if self.query("select pg_try_advisory_lock(?)", [LOCK]) == [(True,)]:
            return
        found = self.query(
            "select activity.pid, coalesce(activity.usename::text, 'somebody'),"
            " coalesce(host(activity.client_addr), 'the same machine')"
            " from pg_locks as locks"
            " left join pg_stat_activity as activity on locks.pid = activity.pid"
            " where locks.locktype = 'advisory' and locks.granted and locks.objsubid = 1"
            " and (locks.classid::bigint << 32) | locks.objid::bigint = ?",
            [LOCK],
        )
        who = "".join(f" ({user} from {host}, server process {pid})" for pid, user, host in found)
        raise BusyError(
            f"another build is under way in {self._where}{who}",
            cure="Wait until it is done and try again.",
        )

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Its rows, if it has any."""
        for number in range(1, len(parameters) + 1):
            sql = sql.replace("?", f"${number}", 1)
        with self._connection.cursor() as cursor:
            cursor.execute(sql, list(parameters) or None)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def insert_rows(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Add them one by one; they travel together."""
        marks = ", ".join(f"${number}" for number in range(1, len(rows[0]) + 1))
        with self._connection.cursor() as cursor:
            cursor.executemany(
                f"insert into raw.{table} values ({marks})", [list(row) for row in rows]
            )

    def query_arrow(self, sql: str) -> pa.Table:
        """By COPY, as Arrow."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetch_arrow_table()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undone if anything is raised inside."""
        self.query("begin")
        try:
            yield
        except BaseException:
            with suppress(self._errors()):  # a lost connection has undone it already
                self.query("rollback")
            raise
        self.query("commit")

    @contextmanager
    def guarded(self, doing: str) -> Iterator[None]:
        """The server's errors become ours."""
        try:
            yield
        except self._errors() as error:
            raise fault(error, doing, self._where) from error

    def insert_files(self, table: str, batch: Sequence[Checked]) -> int:
        """Add the rows by one COPY, read on another thread while the server takes those before."""
        own = LAKE_TABLES[table].schema
        fields = [(c.ROW_ID, pa.int64()), *zip(own.names, own.types, strict=True)]
        schema = pa.schema([*fields, (c.FILE_NO, pa.int64())])
        unreadable: list[WarehouseError] = []
        rows = _ahead(_rows_of(batch, schema, unreadable))
        try:
            return self._ingest(table, pa.RecordBatchReader.from_batches(schema, rows))
        except (self._errors(), pa.ArrowException, OSError) as error:
            if unreadable:
                raise unreadable[0] from error
            raise

    def replace_table(self, table: str, rows: pa.Table) -> None:
        """Its rows only: views that read it stay."""
        columns = ", ".join(f'"{field.name}" {column_type(field.type)}' for field in rows.schema)
        self.query(f"create unlogged table if not exists raw.{table} ({columns})")
        self.query(f"truncate raw.{table}")
        sayable = (_sayable(batch, rows.schema) for batch in rows.to_batches(_ROWS_AT_ONCE))
        self._ingest(table, pa.RecordBatchReader.from_batches(rows.schema, sayable))

    def settle(self) -> None:
        """Let the planner know the sizes of the raw tables that have grown by much."""
        known = dict(
            self.query(
                "select relname::text, reltuples::bigint from pg_class"
                " where relnamespace = 'raw'::regnamespace and relkind = 'r'"
            )
        )
        for table, rows in self._grown.items():
            if table in known and rows > _MUCH * max(known[table], 0):
                self.query(f"analyze raw.{table}")
        self._grown.clear()
        self.query("analyze raw.track_refs")  # filled by a statement, not by us

    def export(self, query: str, schema: pa.Schema, path: Path) -> int:
        """Batch by batch as the server sends them."""
        rows = 0
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            with pq.ParquetWriter(path, schema, compression="zstd") as writer:
                for batch in cursor.fetch_record_batch():
                    table = pa.Table.from_batches([batch]).cast(schema)
                    writer.write_table(table, row_group_size=_ROWS_IN_GROUP)
                    rows += table.num_rows
        return rows

    def close(self) -> None:
        """The server lets go of the lock."""
        with suppress(self._errors()):
            self._connection.close()

    def _ingest(self, table: str, reader: pa.RecordBatchReader) -> int:
        with self._connection.cursor() as cursor:
            rows = int(cursor.adbc_ingest(table, reader, mode="append", db_schema_name="raw"))
        self._grown[table] += rows
        return rows

    @staticmethod
    def _errors() -> type[Exception]:
        from adbc_driver_manager import Error

        return Error


def _rows_of(
    batch: Sequence[Checked], schema: pa.Schema, unreadable: list[WarehouseError]
) -> Iterator[pa.RecordBatch]:
    """Rows to load, and what is wrong with a file: the driver makes something else of errors."""
    for one in batch:
        try:
            for rows in batches(one.load, schema.names[:-1], rows=_ROWS_AT_ONCE):
                yield _sayable(rows, schema)
        except WarehouseError as error:
            unreadable.append(error)
            raise


def _sayable(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Rows in this schema, without the one character that PostgreSQL cannot keep."""
    there = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns = [
        _without_nul(there[field.name].cast(field.type))
        if field.name in there
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _without_nul(column: pa.Array) -> pa.Array:
    if pa.types.is_list(column.type):
        flat = column.flatten()
        if _without_nul(flat) is flat:
            return column
        kept = [
            None
            if names is None
            else [None if name is None else name.replace(_NUL, _INSTEAD) for name in names]
            for names in column.to_pylist()
        ]
        return pa.array(kept, column.type)
    if not pa.types.is_string(column.type):
        return column
    content = column.buffers()[2]
    if content is None or _NUL.encode() not in content.to_pybytes():
        return column
    return pc.replace_substring(column, _NUL, _INSTEAD)


def _ahead(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same, read on a thread of its own while the server takes what was read before."""
    waiting: queue.Queue[pa.RecordBatch | BaseException | None] = queue.Queue(_BATCHES_AHEAD)
    given_up = threading.Event()

    def put(item: pa.RecordBatch | BaseException | None) -> None:
        while not given_up.is_set():
            with suppress(queue.Full):
                waiting.put(item, timeout=0.2)
                return

    def read() -> None:
        try:
            for batch in rows:
                if given_up.is_set():
                    return
                put(batch)
            put(None)
        except BaseException as error:
            put(error)

    reader = threading.Thread(target=read, name="read-lake", daemon=True)
    reader.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        given_up.set()
        reader.join()
