"""Rows of an import on their way into the lake: collected, given ids, and written aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.music import columns as c
from segue.music.lake_tables import LakeTable
from segue.warehouse.row_ids import row_ids
from segue.warehouse.storage import make_folder, sync_file

__all__ = ["ROWS_A_PART", "Group", "Part", "Span", "Stager", "filter_part", "part_writer"]

ROWS_A_PART: Final = 122_880
"""Rows of a lake file that is full: one row group of DuckDB, which one thread reads."""

_BYTES_A_PART = 32_000_000

S = TypeVar("S")
T = TypeVar("T")

Span = tuple[datetime | None, datetime | None]
"""Earliest and latest date of some rows; None without dates."""

_Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that may share a lake file: of one table, partition, user and year; no table: rejects.

    Args:
        user_id: Empty where the table has none, and where a file is of several users.
        year: Of the table's date column, four digits; empty where the table has none.
    """

    table: LakeTable | None
    partition: str = ""
    user_id: str = ""
    year: str = ""

    @property
    def shared(self) -> bool:
        """Whether its files hold rows of several users."""
        has_users = self.table is not None and c.USER_ID in self.table.schema.names
        return has_users and not self.user_id


@dataclass(slots=True)
class Part:
    """One staged Parquet file.

    Args:
        path: Where it was written.
        runs: (number of the input's file, rows) in row order.
        ids: Row ids, once it is written; empty for rejects.
        first: Earliest value of the table's date column; None without one.
        last: Latest value of it.
        users: Whose rows they are -> `first` and `last` of theirs; empty in a table without users.
    """

    path: Path
    runs: list[tuple[int, int]]
    ids: Future[_Ids]
    first: datetime | None = None
    last: datetime | None = None
    users: Mapping[str, Span] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows staged."""
        return sum(rows for _, rows in self.runs)


@dataclass(slots=True)
class _Pending:
    tables: list[pa.Table] = field(default_factory=list)
    runs: list[tuple[int, int]] = field(default_factory=list)
    size: int = 0

    @property
    def full(self) -> bool:
        return self.size >= _BYTES_A_PART or sum(n for _, n in self.runs) >= ROWS_A_PART


class Stager:
    """Collects rows and writes them in the background, a bounded number of parts at a time.

    Args:
        folder: The staging folder; made here.
        threads: Parts that are written at the same time.
        connection: Hashes texts; each part uses a cursor of it.
    """

    def __init__(
        self, folder: Path, *, threads: int, connection: duckdb.DuckDBPyConnection
    ) -> None:
        self.folder = folder
        self.parts: dict[Group, list[Part]] = {}
        self._pending: dict[Group, _Pending] = {}
        self._connection = connection
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="segue-lake")
        self._running: list[Future[_Ids]] = []
        self._written = 0
        make_folder(folder)

    def add(self, group: Group, file: int, rows: pa.Table) -> None:
        """Take rows of the file with this number; blocks while too much is being written."""
        pending = self._pending.setdefault(group, _Pending())
        for start in range(0, rows.num_rows, ROWS_A_PART):
            piece = rows.slice(start, ROWS_A_PART)
            pending.tables.append(piece)
            pending.runs.append((file, piece.num_rows))
            pending.size += piece.nbytes
            if pending.full:
                self._flush(group)
                pending = self._pending.setdefault(group, _Pending())

    def finish(self) -> None:
        """Write what is left and wait until all of it is on the disk."""
        for group in list(self._pending):
            self._flush(group)
        for running in self._running:
            running.result()
        self._running.clear()

    def each(self, work: Callable[[S], T], things: Iterable[S]) -> list[T]:
        """Do something with many parts at a time; the answers in the order of the parts."""
        return list(self._pool.map(work, things))

    def close(self) -> None:
        """Stop the background work; what has not begun is not begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _flush(self, group: Group) -> None:
        pending = self._pending.pop(group, None)
        if pending is None or not pending.tables:
            return
        self._wait_for_room()
        self._written += 1
        path = self.folder / f"{self._written}.parquet"
        rows = pa.concat_tables(pending.tables)
        ids = self._pool.submit(_write, group.table, rows, path, self._connection.cursor())
        self._running.append(ids)
        span = _span(group.table, rows)
        part = Part(path, pending.runs, ids, *span, _users(group, rows, span))
        self.parts.setdefault(group, []).append(part)

    def _wait_for_room(self) -> None:
        while len(self._running) > self._threads:
            self._running.pop(0).result()


def _span(table: LakeTable | None, rows: pa.Table) -> Span:
    if table is None or table.date is None:
        return None, None
    span = pc.min_max(rows[table.date]).as_py()
    return span["min"], span["max"]


def _users(group: Group, rows: pa.Table, span: Span) -> dict[str, Span]:
    if not group.shared or group.table is None:
        return {group.user_id: span} if group.user_id else {}
    date = group.table.date
    if date is None:
        return dict.fromkeys(pc.unique(rows[c.USER_ID]).to_pylist(), span)
    both = rows.select([c.USER_ID, date]).group_by(c.USER_ID, use_threads=False)
    found = both.aggregate([(date, "min"), (date, "max")])
    first, last = found[f"{date}_min"].to_pylist(), found[f"{date}_max"].to_pylist()
    return dict(zip(found[c.USER_ID].to_pylist(), zip(first, last, strict=True), strict=True))


def _write(
    table: LakeTable | None, rows: pa.Table, path: Path, cursor: duckdb.DuckDBPyConnection
) -> _Ids:
    ids = np.empty(0, np.int64)
    if table is not None:
        ids = row_ids(table, rows, cursor)
        rows = rows.add_column(0, pa.field(c.ROW_ID, pa.int64(), nullable=False), pa.array(ids))
    with part_writer(path, rows.schema) as writer:
        writer.write_table(rows, row_group_size=ROWS_A_PART)
    sync_file(path)
    return ids


def part_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """What writes a lake file."""
    # Names, references and reasons repeat; times and ids do not, and a dictionary that is given
    # up half way costs a third of the time of writing.
    words = [name for name in _leaves(schema) if name != c.RAW]
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=words)


def _leaves(schema: pa.Schema) -> Iterator[str]:
    for column in schema:
        if pa.types.is_string(column.type):
            yield column.name
        elif pa.types.is_list(column.type):
            yield f"{column.name}.list.element"


def filter_part(path: Path, keep: npt.NDArray[np.bool_], target: Path) -> None:
    """Copy the kept rows of a Parquet file, a row group at a time."""
    with pq.ParquetFile(path) as file, part_writer(target, file.schema_arrow) as writer:
        start = 0
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number)
            kept = rows.filter(pa.array(keep[start : start + rows.num_rows]))
            start += rows.num_rows
            if kept.num_rows:
                writer.write_table(kept, row_group_size=ROWS_A_PART)
    sync_file(target)
