"""Delimited text (CSV, TSV) as a table of text cells, with damage held to its row."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from segue.errors import SourceError
from segue.sources.delimited_layout import (
    SAVE_AS,
    Coding,
    Layout,
    coding_of,
    fitted_header,
    layout_of,
    no_rows,
    records_of,
    refuse_other_formats,
    sample_of,
    transcoded,
)
from segue.sources.open_table import BATCH_ROWS, Batch, RaggedRow, cell
from segue.sources.unpacking import Place

__all__ = ["DelimitedTable", "open_delimited"]

_BLOCK = 1 << 23
"""No record may be longer than this many bytes; an unclosed quote makes one."""


@dataclass(frozen=True, slots=True)
class DelimitedTable:
    """A delimited text file; see `Table`."""

    place: Place
    path: Path
    columns: tuple[str, ...]
    width: int
    layout: Layout
    coding: Coding

    @property
    def decimal_comma(self) -> bool:
        """Programs that separate fields by semicolons do so where 0,5 is a half."""
        return self.layout.delimiter == ";"

    @property
    def damaged(self) -> bool:
        """Whether some bytes are not UTF-8 in a file that is."""
        return self.coding.damaged

    def batches(self) -> Generator[Batch]:
        """All records in file order, some blocks at a time."""
        ragged: list[arrow_csv.InvalidRow] = []

        def remember(row: arrow_csv.InvalidRow) -> str:
            ragged.append(row)
            return "skip"

        numbers = _Numbers(1 if self.columns else 0)
        blocks: list[pa.Table] = []
        found = False
        for block in self._blocks(remember):
            blocks.append(block)
            if sum(len(part) for part in blocks) >= BATCH_ROWS:
                yield self._batch(pa.concat_tables(blocks), ragged, numbers)
                blocks, found = [], True
        if blocks or ragged:
            rest = pa.concat_tables(blocks) if blocks else self._schema().empty_table()
            yield self._batch(rest, ragged, numbers)
        elif not found:
            raise no_rows(self.place)

    def _schema(self) -> pa.Schema:
        return pa.schema([pa.field(cell(n), pa.string()) for n in range(self.width)])

    def _blocks(self, remember: Callable[[arrow_csv.InvalidRow], str]) -> Iterator[pa.Table]:
        with ExitStack() as stack:
            source: str | BufferedReader = str(self.path)
            if not self.coding.is_plain:
                source = stack.enter_context(transcoded(self.path, self.coding))
            try:
                reader = stack.enter_context(self._reader(source, remember))
                for block in reader:
                    yield pa.Table.from_batches([block])
            except pa.ArrowInvalid as error:
                raise self._broken(error) from error
            except UnicodeDecodeError as error:
                raise self.place.error(
                    f"is not the text it seems to be: {error}", SAVE_AS
                ) from error

    def _reader(
        self, source: str | BufferedReader, remember: Callable[[arrow_csv.InvalidRow], str]
    ) -> arrow_csv.CSVStreamingReader:
        schema = self._schema()
        return arrow_csv.open_csv(
            source,
            read_options=arrow_csv.ReadOptions(
                # rows that are left out are numbered only without threads
                use_threads=False,
                block_size=_BLOCK,
                skip_rows=self.layout.skip,
                skip_rows_after_names=1 if self.columns else 0,
                column_names=schema.names,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self.layout.delimiter,
                quote_char='"' if self.layout.quoted else False,
                newlines_in_values=self.layout.quoted,
                invalid_row_handler=remember,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=schema, strings_can_be_null=False
            ),
        )

    def _broken(self, error: pa.ArrowInvalid) -> SourceError:
        if "straddling" in str(error):
            return self.place.error(
                "holds a record of more than 8 MB: a quote that is opened and never closed, or"
                " no table at all",
                'Close the quote (a quote within quotes is written ""), or check the file.',
            )
        return self.place.error(f"cannot be taken apart: {error}", SAVE_AS)

    def _batch(
        self, cells: pa.Table, ragged: list[arrow_csv.InvalidRow], numbers: _Numbers
    ) -> Batch:
        rows, taken = numbers.take(len(cells), ragged)
        del ragged[: len(taken)]
        batch = Batch(
            cells.add_column(0, "row", rows), tuple(self._ragged(row, numbers) for row in taken)
        )
        self._refuse_most(batch)
        if self.layout.quoted:
            self._refuse_run_together(batch)
        return batch

    def _ragged(self, row: arrow_csv.InvalidRow, numbers: _Numbers) -> RaggedRow:
        number = numbers.record(row)
        if self.layout.quoted and self._runs_on(row.text):
            raise self._open_quote(number)
        fields = "1 field" if row.actual_columns == 1 else f"{row.actual_columns:,} fields"
        detail = f"{fields} where the table has {row.expected_columns:,}"
        return RaggedRow(number, detail, row.text)

    def _refuse_most(self, batch: Batch) -> None:
        if len(batch.ragged) > len(batch.cells):
            first = batch.ragged[0]
            raise SourceError(
                f"most rows do not have the {self.width} columns of the first line"
                f" ({first.detail})",
                path=self.place.path,
                member=self.place.member,
                row=first.row,
                cure="Check the delimiter and the quotes; save the table again as CSV.",
            )

    def _refuse_run_together(self, batch: Batch) -> None:
        """An unclosed quote swallows the rows after it into one cell, silently."""
        for name in batch.cells.column_names[1:]:
            column = batch.cells[name]
            if not _has_newline(column):
                continue
            with_newline = pc.match_substring(column, "\n")
            rows = batch.cells["row"].filter(with_newline).to_pylist()
            for row, text in zip(rows, column.filter(with_newline).to_pylist(), strict=True):
                if self._runs_on(text):
                    raise self._open_quote(row)

    def _runs_on(self, text: str) -> bool:
        needed = self.width - 1
        lines = text.split("\n")[1:]
        return needed > 0 and any(line.count(self.layout.delimiter) >= needed for line in lines)

    def _open_quote(self, row: int) -> SourceError:
        return SourceError(
            "a quote is opened and not closed, so that the rows after it run together",
            path=self.place.path,
            member=self.place.member,
            row=row,
            cure='Close the quote; a quote within quotes is written "".',
        )


def _has_newline(column: pa.ChunkedArray) -> bool:
    """Whether a byte of the column is a newline: much faster than asking each cell."""
    texts = (chunk.buffers()[2] for chunk in column.chunks)
    return any(text is not None and re.search(b"\n", memoryview(text)) for text in texts)


class _Numbers:
    """Numbers records while ragged ones are left out in between."""

    def __init__(self, header: int) -> None:
        self.header = header
        self.next = 1

    def record(self, row: arrow_csv.InvalidRow) -> int:
        """The record's number, the header not counted."""
        return int(row.number) - self.header

    def take(
        self, n: int, ragged: Sequence[arrow_csv.InvalidRow]
    ) -> tuple[pa.ChunkedArray, list[arrow_csv.InvalidRow]]:
        """Numbers for the next n records that are whole, and the ragged ones among them."""
        parts: list[pa.Array] = []
        taken: list[arrow_csv.InvalidRow] = []
        for row in ragged:
            whole = self.record(row) - self.next
            if whole > n:
                break
            parts.append(self._range(whole))
            n -= whole
            self.next += 1
            taken.append(row)
        parts.append(self._range(n))
        return pa.chunked_array(parts, pa.int64()), taken

    def _range(self, n: int) -> pa.Array:
        start = self.next
        self.next += n
        return pa.array(np.arange(start, start + n))


def open_delimited(
    place: Place,
    path: Path,
    has_header: Callable[[Sequence[str]], bool] | None = None,
    *,
    quoted: bool | None = None,
) -> DelimitedTable:
    """Find out how a delimited text file is written; see `open_table`."""
    coding = coding_of(place, path)
    sample, whole = sample_of(path, coding)
    refuse_other_formats(place, sample)
    layout = layout_of(sample, quoted)
    records = records_of(sample, layout, whole=whole)
    if not records:
        raise no_rows(place)
    first = [name.strip().lstrip("\ufeff") for name in records[0]]
    named = has_header is None or has_header(first)
    if whole and named and len(records) == 1:
        raise no_rows(place, first)
    columns = fitted_header(first, records[1:]) if named else ()
    width = len(columns) if named else len(first)
    return DelimitedTable(place, path, tuple(columns), width, layout, coding)
