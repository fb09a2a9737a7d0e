"""A Parquet file as a table of text cells."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.errors import SourceError
from segue.sources.open_table import BATCH_ROWS, Batch, cell
from segue.sources.unpacking import Place

__all__ = ["ParquetTable", "open_parquet"]

_SEPARATOR = "\x1e"


@dataclass(frozen=True, slots=True)
class ParquetTable:
    """A Parquet file; see `Table`. Lists of texts become texts that look like JSON lists."""

    place: Place
    path: Path
    columns: tuple[str, ...]
    decimal_comma: bool = False
    damaged: bool = False

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.columns)

    def batches(self) -> Generator[Batch]:
        """All rows in file order."""
        row = 0
        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(batch_size=BATCH_ROWS):
                    yield Batch(self._cells(batch, row))
                    row += len(batch)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(self.place, error) from error

    def _cells(self, batch: pa.RecordBatch, start: int) -> pa.Table:
        rows = pa.array(np.arange(start + 1, start + 1 + len(batch)))
        texts = [_text(column) for column in batch.columns]
        names = ["row", *(cell(n) for n in range(len(texts)))]
        return pa.Table.from_arrays([rows, *texts], names=names)


def open_parquet(place: Place, path: Path) -> ParquetTable:
    """Open a Parquet file by its footer.

    Raises:
        SourceError: It is damaged, has no rows, or nests tables in its columns.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            n_rows = file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise _damaged(place, error) from error
    for column in schema:
        if not _is_flat(column.type):
            raise SourceError(
                f"the column is nested ({column.type})"[:200],
                path=place.path,
                member=place.member,
                field=column.name,
                cure="Make it columns of plain numbers and texts, or leave it out.",
            )
    if n_rows == 0:
        raise place.error("holds no rows", "Check that the export was complete.")
    return ParquetTable(place, path, tuple(schema.names))


def _damaged(place: Place, error: Exception) -> SourceError:
    return place.error(
        f"is not a readable Parquet file ({error})"[:300], "Download or write it again."
    )


def _is_flat(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return not pa.types.is_nested(kind.value_type)
    return not pa.types.is_nested(kind)


def _text(column: pa.Array) -> pa.Array:
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return _list_text(column)
    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = column.cast(pa.timestamp(column.type.unit))  # UTC, and ten times as fast to write
    return column.cast(pa.string())


def _list_text(column: pa.Array) -> pa.Array:
    """["A", "B"] for a list of texts, so that it reads as lists in delimited text do."""
    items = column.cast(pa.list_(pa.string()))
    joined = pc.binary_join(items, _SEPARATOR)
    escaped = pc.replace_substring(pc.replace_substring(joined, "\\", "\\\\"), '"', '\\"')
    between = pc.replace_substring(escaped, _SEPARATOR, '", "')
    quoted = pc.binary_join_element_wise('["', between, '"]', "")
    return pc.if_else(pc.equal(pc.list_value_length(items), 0), "[]", quoted)
