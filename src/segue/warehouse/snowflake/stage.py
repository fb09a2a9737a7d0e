"""Files on their way to Snowflake: written here in parts, put on a stage, removed here."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from segue.errors import WarehouseError
from segue.music import columns as c
from segue.warehouse.connection import connect
from segue.warehouse.intact import RESTORE
from segue.warehouse.loading import Load, batches
from segue.warehouse.snowflake.sql import RAW_TABLES, staged
from segue.warehouse.storage import make_folder, storing

__all__ = ["STAGE", "Staging"]

STAGE: Final = "@raw.lake"
_PART_BYTES: Final = 128 << 20
"""Snowflake advises files of 100 to 250 MB: each is loaded by one thread of the warehouse."""
_BATCH: Final = 100_000


class Staging:
    """The rows that one COPY INTO will load, in as few files as their size allows.

    A lake holds a file for each import and user; loading them one by one would cost a statement
    each. So their rows are written together, each with the number of its file.

    Args:
        folder: For files until they are uploaded; made when needed, one part large at most.
        config: DuckDB's options for reading the lake.
        put: Runs a PUT statement.
        part_bytes: A part is uploaded when it has grown to this size.
    """

    def __init__(
        self,
        folder: Path,
        *,
        config: dict[str, Any],
        put: Callable[[str], object],
        part_bytes: int = _PART_BYTES,
    ) -> None:
        self._folder = folder
        self._config = config
        self._put = put
        self._part_bytes = part_bytes
        self._token = uuid.uuid4().hex
        self._reader: duckdb.DuckDBPyConnection | None = None
        self._table = ""
        self._parts = 0
        self._path: Path | None = None
        self._writer: pq.ParquetWriter | None = None
        self.rows: dict[str, int] = {}
        """Rows staged so far, by table."""

    def location(self, table: str) -> str:
        """Where on the stage the files of a table are."""
        return f"{STAGE}/{self._token}/{table}/"

    @property
    def everything(self) -> str:
        """Where on the stage all files are."""
        return f"{STAGE}/{self._token}/"

    def add_file(self, table: str, load: Load) -> int:
        """Stage the rows that `load` asks for, with their file_no; returns how many.

        Raises:
            WarehouseError: The file cannot be read.
            StorageError: The disk is full.
        """
        columns = [name for name in RAW_TABLES[table].names if name != c.FILE_NO]
        rows = 0
        try:
            for batch in batches(load, columns):
                self._write(table, self._as_staged(table, batch))
                rows += batch.num_rows
        except (duckdb.Error, pa.ArrowException) as error:
            raise WarehouseError(
                f"the lake's file {load.file.path} cannot be read: {str(error).splitlines()[0]}",
                cure=RESTORE,
            ) from error
        return rows

    def add_rows(self, table: str, rows: pa.Table) -> None:
        """Stage rows in the columns of a raw table."""
        for batch in rows.to_batches(max_chunksize=_BATCH):
            self._write(table, self._as_staged(table, batch))

    def finish(self) -> None:
        """Upload what has not been uploaded yet."""
        self._upload()

    def close(self) -> None:
        """Remove what is left on this machine; twice is fine."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _as_staged(self, table: str, batch: pa.RecordBatch) -> pa.Table:
        if self._reader is None:
            self._reader = connect(config=self._config)
            self._reader.execute("set TimeZone = 'UTC'")
        there = set(batch.schema.names)
        values = ", ".join(
            f"{staged(field) if field.name in there else 'null'} as {field.name}"
            for field in RAW_TABLES[table]
        )
        self._reader.register("batch", pa.Table.from_batches([batch]))
        found = self._reader.execute(f"select {values} from batch").to_arrow_table()
        self._reader.unregister("batch")
        return found

    def _write(self, table: str, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        if table != self._table:
            self._upload()
            self._table = table
        with storing(self._folder):
            if self._writer is None or self._path is None:
                make_folder(self._folder)
                self._path = self._folder / f"{self._token}-{self._parts}.parquet"
                self._parts += 1
                self._writer = pq.ParquetWriter(self._path, rows.schema, compression="snappy")
            self._writer.write_table(rows.cast(self._writer.schema))
            self.rows[table] = self.rows.get(table, 0) + rows.num_rows
            size = self._path.stat().st_size
        if size >= self._part_bytes:
            self._upload()

    def _upload(self) -> None:
        if self._writer is None or self._path is None:
            return
        with storing(self._folder):
            self._writer.close()
        self._writer = None
        source = str(self._path).replace("\\", "\\\\").replace("'", "\\'")
        self._put(
            f"put 'file://{source}' {self.location(self._table)}"
            " auto_compress = false overwrite = true"
        )
        self._path.unlink()
        self._path = None
