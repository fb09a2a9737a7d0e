"""A session with Snowflake, as `segue.warehouse.sql_warehouse.Session` wants it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from snowflake.connector.errors import Error

from segue.errors import WarehouseError
from segue.warehouse.loading import Checked
from segue.warehouse.raw_sql import Dialect
from segue.warehouse.snowflake.account import SnowflakeAccount
from segue.warehouse.snowflake.faults import told
from segue.warehouse.snowflake.lease import Lease
from segue.warehouse.snowflake.sql import SCHEMAS, SNOWFLAKE, copy_into
from segue.warehouse.snowflake.stage import STAGE, Staging
from segue.warehouse.storage import storing

__all__ = ["SnowflakeSession"]

_log = logging.getLogger(__name__)
_OURS: Final = re.compile(rf"\b({'|'.join(SCHEMAS)})\.")
_ROW_GROUP: Final = 100_000


class SnowflakeSession:
    """One connection, and what is staged for the transaction that is open on it.

    Statements name the schemas raw, intermediate and marts; here they get the account's prefix.

    Args:
        account: Names the schemas, and itself in errors.
        connection: Of Snowflake's connector, with autocommit.
        folder: For files on their way, and for nothing else.
        config: DuckDB's options for reading the lake.
    """

    dialect: Dialect = SNOWFLAKE

    def __init__(
        self, account: SnowflakeAccount, connection: Any, *, folder: Path, config: dict[str, Any]
    ) -> None:
        self._account = account
        self._connection = connection
        self._folder = folder
        self._config = config
        self._staging: Staging | None = None
        self.lease: Lease | None = None
        """That nobody else builds here: checked in every transaction, given back at the end."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement; Snowflake answers even those without rows with a word or a number."""
        with self._connection.cursor() as cursor:
            cursor.execute(self.named(sql), list(parameters) or None)
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    def insert_rows(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows to a raw table; they travel together."""
        marks = ", ".join("?" for _ in rows[0])
        with self._connection.cursor() as cursor:
            cursor.executemany(
                self.named(f"insert into raw.{table} values ({marks})"),
                [tuple(row) for row in rows],
            )

    def query_arrow(self, sql: str) -> pa.Table:
        """The answer to a query as Arrow, names in small letters."""
        with self._connection.cursor() as cursor:
            cursor.execute(self.named(sql))
            names = [column.name.lower() for column in cursor.description]
            chunks = list(cursor.fetch_arrow_batches())
        if not chunks:  # the connector would ask pandas what an empty table looks like
            return pa.table([pa.nulls(0) for _ in names], names=names)
        return pa.concat_tables(chunks, promote_options="permissive").rename_columns(names)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What happens inside happens as a whole, or not at all.

        Only while nothing inside is DDL: Snowflake commits before each such statement.
        """
        self.query("begin")
        try:
            if self.lease is not None:
                self.lease.renew()
            with self._staged():
                yield
                self._load_staged()
                self.query("commit")
        except BaseException:
            with suppress(Error):  # a lost session is rolled back by Snowflake
                self.query("rollback")
            raise

    def insert_files(self, table: str, batch: Sequence[Checked]) -> int:
        """Stage the rows of lake files; they are in the table when the transaction ends."""
        staging = self._require_staging()
        return sum(staging.add_file(table, one.load) for one in batch)

    def replace_table(self, table: str, rows: pa.Table) -> None:
        """Empty a table of the raw schema; the rows are in it when the transaction ends."""
        self.query(f"delete from raw.{table}")
        self._require_staging().add_rows(table, rows)

    def settle(self) -> None:
        """Snowflake keeps its statistics by itself."""

    def export(self, query: str, schema: pa.Schema, path: Path) -> int:
        """Write the answer to a query as a Parquet file, a few chunks of it in memory at a time."""
        rows = 0
        with self._connection.cursor() as cursor, storing(path.parent):
            cursor.execute(self.named(query))
            with pq.ParquetWriter(path, schema, compression="zstd") as writer:
                waiting: list[pa.Table] = []
                for chunk in cursor.fetch_arrow_batches():
                    waiting.append(as_promised(chunk, schema))
                    if sum(table.num_rows for table in waiting) >= _ROW_GROUP:
                        writer.write_table(pa.concat_tables(waiting), _ROW_GROUP)
                        waiting.clear()
                    rows += chunk.num_rows
                if waiting:
                    writer.write_table(pa.concat_tables(waiting), _ROW_GROUP)
        return rows

    @contextmanager
    def guarded(self, doing: str) -> Iterator[None]:
        """Tag the statements inside with what they are for, and turn Snowflake's errors into ours.

        The tag is what QUERY_HISTORY shows beside each statement and its cost.
        """
        try:
            self.query(f"alter session set query_tag = 'segue: {doing}'")
            yield
        except Error as error:
            raise told(error, doing, self._account) from error

    def close(self) -> None:
        """Give back the lease and hang up; a lost connection is no error any more."""
        with suppress(Error):
            if self.lease is not None:
                self.lease.give_back()
        self.lease = None
        with suppress(Error):
            self._connection.close()

    # --- staged files ---------------------------------------------------------------------------

    def sweep(self) -> None:
        """Remove what killed builds left on the stage and on this machine."""
        self.query(f"remove {STAGE}/")
        for leftover in self._folder.glob("*.parquet"):
            leftover.unlink()

    @contextmanager
    def _staged(self) -> Iterator[None]:
        self._staging = staging = Staging(self._folder, config=self._config, put=self.query)
        try:
            yield
        finally:
            self._staging = None
            staging.close()
            if staging.rows:
                with suppress(Error):  # the next build sweeps
                    self.query(f"remove {staging.everything}")

    def _require_staging(self) -> Staging:
        if self._staging is None:
            raise WarehouseError("rows were written outside of a transaction")
        return self._staging

    def _load_staged(self) -> None:
        staging = self._require_staging()
        staging.finish()
        for table, rows in staging.rows.items():
            answer = self.query(copy_into(table, staging.location(table)))
            # file, status, rows_parsed, rows_loaded, …
            loaded = sum(int(line[3]) for line in answer if len(line) > 3)
            if loaded != rows:
                raise WarehouseError(
                    f"Snowflake loaded {loaded:,} of {rows:,} rows into {table}",
                    cure="Run `segue build` again; if it fails again, report this message.",
                )

    def named(self, sql: str) -> str:
        """A statement with the schemas' names as they are here."""
        return _OURS.sub(lambda found: f"{self._account.schema(found[1])}.", sql)


def as_promised(found: pa.Table, schema: pa.Schema) -> pa.Table:
    """Columns as `Dialect.leaving` let them out, in the types of a mart."""
    arrays = []
    for field, column in zip(schema, found.columns, strict=True):
        if pa.types.is_list(field.type):
            values = [None if text is None else json.loads(text) for text in column.to_pylist()]
            arrays.append(pa.array(values, field.type))
        elif pa.types.is_timestamp(field.type):
            arrays.append(column.cast(pa.int64()).cast(field.type))
        else:
            arrays.append(column.cast(field.type))
    return pa.table(arrays, schema=schema)
