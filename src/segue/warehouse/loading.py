"""Which lake files a raw table lacks, and how their rows are read: the same for every warehouse."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from segue.errors import WarehouseError
from segue.music import columns as c
from segue.warehouse.base import RawFile
from segue.warehouse.intact import RESTORE, require_intact

__all__ = ["PIECE", "Checked", "Load", "LoadPlan", "batches", "checked", "plan_load"]

PIECE: Final = "piece"
"""The column of a file of several pieces that says which of them a row belongs to, from 0."""

_AHEAD: Final = 8
_FILES_A_TASK: Final = 32
"""A checked file costs a third of a millisecond: threads that hand over each one cost more."""
_TASKS_WAITING: Final = 64
_ROWS_AT_ONCE: Final = 5_000_000
_FILES_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Load:
    """A lake file of which at least one piece is not loaded yet.

    Args:
        file: The file.
        places: For each of its pieces the `file_no` of its rows; None if they are loaded already.
    """

    file: RawFile
    places: tuple[int | None, ...]

    @property
    def rows(self) -> int:
        """How many rows there are to load."""
        both = zip(self.file.pieces, self.places, strict=True)
        return sum(piece.rows for piece, place in both if place is not None)

    @property
    def several(self) -> bool:
        """Whether the column `piece` tells rows apart; else all of them are of one piece."""
        return len(self.places) > 1

    @property
    def partly(self) -> bool:
        """Whether some of its rows must be left out."""
        return None in self.places

    @property
    def loaded(self) -> Iterator[tuple[str, int, int]]:
        """(name, place, rows) of each piece to load: what to remember of it."""
        for piece, place in zip(self.file.pieces, self.places, strict=True):
            if place is not None:
                yield piece.name, place, piece.rows


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What brings a raw table up to date.

    Args:
        anew: Something that was loaded is not in the lake any more: empty the table first.
        loads: What to load then, in the order of the lake.
    """

    anew: bool
    loads: tuple[Load, ...]

    @property
    def rows(self) -> int:
        """How many rows there are to load."""
        return sum(load.rows for load in self.loads)


def plan_load(loaded: Iterable[tuple[str, int, int]], files: Sequence[RawFile]) -> LoadPlan:
    """Compare what a table has loaded with what the lake holds.

    Args:
        loaded: (name, place, rows) of each piece that the raw table holds.
        files: All of the table's files in the lake.

    >>> plan_load([], [])
    LoadPlan(anew=False, loads=())
    """
    known = set(loaded)
    wanted = {(piece.name, piece.place, piece.rows) for file in files for piece in file.pieces}
    anew = not known <= wanted
    if anew:
        known = set()
    loads = []
    for file in files:
        places = tuple(
            None if (piece.name, piece.place, piece.rows) in known else piece.place
            for piece in file.pieces
        )
        if any(place is not None for place in places):
            loads.append(Load(file, places))
    return LoadPlan(anew, tuple(loads))


def batches(load: Load, columns: Sequence[str], *, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
    """The rows to load as Arrow, for warehouses that do not read Parquet: columns, then `file_no`.

    Args:
        load: What to load.
        columns: Of these the ones that the file has, in this order.
        rows: Most rows of a batch.

    Raises:
        WarehouseError: The file is damaged inside.
    """
    numbers = pa.array(load.places, pa.int64())
    with _readable(load.file), pq.ParquetFile(load.file.path) as file:
        there = [name for name in columns if name in file.schema_arrow.names]
        wanted = [*there, PIECE] if load.several else there
        for batch in file.iter_batches(rows, columns=wanted, use_threads=False):
            of_rows = pa.repeat(numbers[0], batch.num_rows)
            if load.several:
                of_rows = numbers.take(batch.column(PIECE))
            numbered = batch.select(there).append_column(c.FILE_NO, of_rows)
            if load.partly:
                numbered = numbered.filter(of_rows.is_valid())
            if numbered.num_rows:
                yield numbered


@dataclass(frozen=True, slots=True)
class Checked:
    """A load whose file is on this machine, whole, and as long as the lake says.

    Args:
        load: What to load.
        columns: The columns that the file has.
    """

    load: Load
    columns: frozenset[str]


def checked(loads: Sequence[Load], *, threads: int) -> Iterator[list[Checked]]:
    """The loads in their order, some at a time; the next ones are fetched and checked meanwhile.

    Args:
        loads: What to load.
        threads: Files that are looked at together; fetching may use more.

    Raises:
        WarehouseError: A file is missing, damaged, or not what the lake says it is.
    """
    batch: list[Checked] = []
    rows = 0
    for one in _looked_at(loads, ahead=max(threads, _AHEAD)):
        batch.append(one)
        rows += one.load.rows
        if rows >= _ROWS_AT_ONCE or len(batch) >= _FILES_AT_ONCE:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


def _looked_at(loads: Sequence[Load], *, ahead: int) -> Iterator[Checked]:
    some = min(_FILES_A_TASK, 1 + len(loads) // (8 * ahead))  # few files are fetched side by side
    coming = (loads[at : at + some] for at in range(0, len(loads), some))
    with ThreadPoolExecutor(ahead, thread_name_prefix="segue-check") as pool:
        under_way = deque(pool.submit(_check_all, part) for part in islice(coming, _TASKS_WAITING))
        try:
            while under_way:
                done = under_way.popleft().result()
                under_way.extend(pool.submit(_check_all, part) for part in islice(coming, 1))
                yield from done
        finally:
            for waiting in under_way:
                waiting.cancel()


def _check_all(loads: Sequence[Load]) -> list[Checked]:
    return [_check(load) for load in loads]


def _check(load: Load) -> Checked:
    file = load.file
    require_intact(file)
    with _readable(file):
        about = pq.read_metadata(file.path)
        columns = frozenset(about.schema.to_arrow_schema().names)
    if about.num_rows != file.rows:
        raise WarehouseError(
            f"the lake's file {file.place} holds {about.num_rows:,} rows, not {file.rows:,}",
            cure=RESTORE,
        )
    return Checked(load, columns)


@contextmanager
def _readable(file: RawFile) -> Iterator[None]:
    """Name the file that cannot be read."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise WarehouseError(
            f"the lake's file {file.place} cannot be read: {str(error).splitlines()[0]}",
            cure=RESTORE,
        ) from error
