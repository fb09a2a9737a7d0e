"""Which lake files a raw table lacks, and how their rows are read: the same for every warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from segue.music import columns as c
from segue.warehouse.base import RawFile

__all__ = ["PIECE", "Load", "LoadPlan", "batches", "fetched", "plan_load"]

PIECE: Final = "piece"
"""The column of a file of several pieces that says which of them a row belongs to, from 0."""

_AHEAD = 8


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
    """
    numbers = pa.array(load.places, pa.int64())
    with pq.ParquetFile(load.file.path) as file:
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


def fetched(loads: Sequence[Load]) -> Iterator[Load]:
    """The same loads, while the files of the next ones are already on their way to this machine."""
    coming = iter(loads)
    with ThreadPoolExecutor(_AHEAD, thread_name_prefix="segue-fetch") as pool:

        def fetch(load: Load) -> tuple[Load, Future[Path]]:
            return load, pool.submit(lambda: load.file.path)

        under_way = [fetch(load) for load in islice(coming, _AHEAD)]
        try:
            while under_way:
                load, path = under_way.pop(0)
                under_way.extend(fetch(more) for more in islice(coming, 1))
                path.result()
                yield load
        finally:
            for _, path in under_way:
                path.cancel()
