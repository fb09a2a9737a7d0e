"""Files of many users' rows, written anew without those of one."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.errors import WarehouseError

__all__ = ["csv_without", "parquet_without"]

_USER_ID: Final = "user_id"
_AT_ONCE: Final = 100_000


def parquet_without(source: Path, user_id: str, target: Path) -> int:
    """Write a Parquet file without the rows of a user; how many there were.

    Where there are none, or where no column tells of users, nothing is written.

    Raises:
        WarehouseError: It is no Parquet file.
    """
    try:
        with pq.ParquetFile(source) as file:
            if _USER_ID not in file.schema_arrow.names:
                return 0
            gone = sum(
                int(pc.sum(pc.equal(batch.column(0), user_id), min_count=0).as_py())
                for batch in file.iter_batches(_AT_ONCE, columns=[_USER_ID])
            )
            if gone:
                codec = file.metadata.row_group(0).column(0).compression
                with pq.ParquetWriter(target, file.schema_arrow, compression=codec) as writer:
                    for batch in file.iter_batches(_AT_ONCE):
                        others = pc.not_equal(batch.column(_USER_ID), user_id)
                        kept = pc.fill_null(others, fill_value=True)
                        writer.write_batch(batch.filter(kept))
            return gone
    except (pa.ArrowInvalid, pa.ArrowException, OSError) as error:
        raise WarehouseError(
            "a file is no Parquet", cure="Look at it by hand, and remove it if it is of no use."
        ) from error


def csv_without(source: Path, user_id: str, target: Path) -> int:
    """Write a data set of Personalize without the rows of a user; how many there were.

    Where there are none, or where no column is called USER_ID, nothing is written.

    Raises:
        WarehouseError: It is no text in UTF-8.
    """
    gone = 0
    try:
        with (
            source.open(newline="", encoding="utf-8") as read,
            target.open("w", newline="", encoding="utf-8") as write,
        ):
            rows, writer = csv.reader(read), csv.writer(write, lineterminator="\n")
            header = next(rows, [])
            where = next((n for n, one in enumerate(header) if one == _USER_ID.upper()), None)
            if where is not None:
                writer.writerow(header)
                for row in rows:
                    if len(row) > where and row[where] == user_id:
                        gone += 1
                    else:
                        writer.writerow(row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise WarehouseError("a file is no CSV", cure="Look at it by hand.") from error
    if not gone:
        target.unlink()
    return gone
