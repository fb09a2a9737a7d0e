"""What a table of text cells is to the sources that read one, and how a file becomes one."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from segue.sources.base import InputFile
from segue.sources.unpacking import Place

__all__ = [
    "BATCH_ROWS",
    "PARQUET_MAGIC",
    "Batch",
    "RaggedRow",
    "Table",
    "cell",
    "is_private",
    "is_table_name",
    "name_key",
    "open_table",
    "place_of",
]

BATCH_ROWS = 200_000
"""A batch ends with the first block that makes it this long: it bounds memory, not meaning."""

PARQUET_MAGIC = b"PAR1"

_SUFFIXES = (".csv", ".tsv", ".tab", ".parquet", ".pq")
_PRIVATE = frozenset({"ip", "ipaddr", "ipaddress", "useragent", "email", "emailaddress"})


@dataclass(frozen=True, slots=True)
class RaggedRow:
    """A record with another number of fields than the header.

    Args:
        row: 1-based record, the header not counted.
        detail: What is wrong with it.
        text: The record as it stands in the file.
    """

    row: int
    detail: str
    text: str

    @property
    def raw(self) -> str:
        """The record as a JSON text."""
        return json.dumps(self.text, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive records of a table.

    Args:
        cells: Arrow table: int64 `row` (1-based record, the header not counted), and a string
            column `c0`, `c1` … for each column of the file; a cell is null or its text.
        ragged: Records in between that could not be taken apart.
    """

    cells: pa.Table
    ragged: tuple[RaggedRow, ...] = ()


class Table(Protocol):
    """A file with named columns, whatever its format."""

    @property
    def place(self) -> Place:
        """Which file it is, for messages."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns as the file writes them; empty where it names none."""

    @property
    def width(self) -> int:
        """How many columns there are, with names or without."""

    @property
    def decimal_comma(self) -> bool:
        """Whether 0,5 may mean a half."""

    @property
    def damaged(self) -> bool:
        """Whether undecodable bytes were read as U+FFFD."""

    def batches(self) -> Generator[Batch]:
        """All records in file order; may be asked for again, and reads the file again.

        Raises:
            SourceError: The file is damaged beyond a row.
        """


def open_table(
    file: InputFile,
    path: Path,
    has_header: Callable[[Sequence[str]], bool] | None = None,
    *,
    quoted: bool | None = None,
) -> Table:
    """Open a CSV, TSV or Parquet file, told apart by content.

    Args:
        file: Named in messages.
        path: Its content on disk, there as long as the table is used.
        has_header: Whether the first record names the columns; None: it always does.
        quoted: Whether fields may be in double quotes; None: judged by the content.

    Raises:
        SourceError: It is no table, or has no rows.
    """
    from segue.sources.delimited import open_delimited
    from segue.sources.parquet_table import open_parquet

    place = place_of(file)
    name = file.name.lower()
    with path.open("rb") as content:
        start = content.read(4)
    if start == PARQUET_MAGIC or name.endswith((".parquet", ".pq")):
        return open_parquet(place, path)
    return open_delimited(place, path, has_header, quoted=quoted)


def is_table_name(file: InputFile) -> bool:
    """Whether a file is named like a table, or begins like a Parquet file."""
    return file.name.lower().endswith(_SUFFIXES) or file.head(4) == PARQUET_MAGIC


def place_of(file: InputFile) -> Place:
    """Which file it is, for messages: the input, and the member unless it is the input."""
    return Place(file.input, "" if file.input.name == file.name else file.name)


def cell(column: int) -> str:
    """The name of the n-th column (from 0) of a batch."""
    return f"c{column}"


def name_key(name: str) -> str:
    """A column's name without case, spaces, underscores and other marks.

    >>> name_key("Artist Name(s)"), name_key("track_uri")
    ('artistnames', 'trackuri')
    """
    return "".join(ch for ch in name.casefold() if ch.isalnum())


def is_private(name: str) -> bool:
    """Whether a column holds what the lake never stores, such as IP addresses."""
    return name_key(name) in _PRIVATE
