"""Data sets as CSV files on S3, each under a name of its own, so that a run can be repeated."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as arrow_csv

from segue.errors import StorageError
from segue.warehouse.s3_client import S3Options, S3Place, explained, open_client
from segue.warehouse.snapshot_database import SnapshotDatabase

__all__ = ["Uploads", "Written"]

_MOST_BYTES: Final = 512 * 1024**2  # of one file; an import reads every file under its address


@dataclass(frozen=True, slots=True)
class Written:
    """A data set on S3.

    Args:
        address: What the import job is told: all files below it.
        rows: In all files.
        bytes: Likewise.
    """

    address: str
    rows: int
    bytes: int


class Uploads:
    """Writes what queries answer to a place in S3.

    Args:
        place: Where to.
        options: How to speak to S3.
    """

    def __init__(self, place: S3Place, options: S3Options) -> None:
        self._place = place
        self._options = options

    def write(self, database: SnapshotDatabase, sql: str, folder: str) -> Written:
        """Write the rows of a query as CSV files with a header below a folder.

        What lies there from an interrupted run is replaced: the names are the same.

        Raises:
            StorageError: There is no room for the file here, or S3 refuses it.
        """
        rows = size = 0
        with database.ask(sql) as reader, tempfile.TemporaryDirectory() as scratch:
            part = _Part(Path(scratch), reader.schema)
            for batch in reader:
                part.add(batch)
                rows += batch.num_rows
                if part.bytes >= _MOST_BYTES:
                    size += self._send(part, folder)
                    part = part.next()
            if part.number == 0 or part.rows:
                size += self._send(part, folder)
        return Written(f"{self._place}/{folder}/", rows, size)

    def _send(self, part: _Part, folder: str) -> int:
        path = part.close()
        key = self._place.key(f"{folder}/part-{part.number:05d}.csv")
        client: Any = open_client(self._place, self._options)
        with explained(self._place, f"writing {key}"):
            client.upload_file(
                str(path),
                self._place.bucket,
                key,
                ExtraArgs={"ServerSideEncryption": "AES256", "ContentType": "text/csv"},
            )
        size = path.stat().st_size
        path.unlink()
        return size


class _Part:
    """One file on its way."""

    def __init__(self, folder: Path, schema: pa.Schema, number: int = 0) -> None:
        self._folder, self._schema, self.number, self.rows = folder, schema, number, 0
        self._path = folder / f"{number}.csv"
        self._file = self._path.open("wb")
        self._writer = arrow_csv.CSVWriter(self._file, schema)

    @property
    def bytes(self) -> int:
        return self._file.tell()

    def add(self, batch: pa.RecordBatch) -> None:
        try:
            self._writer.write_batch(batch)
        except OSError as error:
            raise StorageError(
                f"a file for Personalize cannot be written in {self._folder}: {error.strerror}",
                cure="Make room there, or set TMPDIR to a folder with more.",
            ) from error
        self.rows += batch.num_rows

    def close(self) -> Path:
        self._writer.close()
        self._file.close()
        return self._path

    def next(self) -> _Part:
        return _Part(self._folder, self._schema, self.number + 1)
