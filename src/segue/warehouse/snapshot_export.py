"""Writes marts into the folder of a new snapshot: what has changed, and no more."""

from __future__ import annotations

import logging
import os
import shutil
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.errors import WarehouseError
from segue.music.marts import MARTS
from segue.warehouse.raw_sql import Dialect, mart_order, select_mart
from segue.warehouse.snapshot_cut import Piece, Tally, cut
from segue.warehouse.snapshot_parts import MartFiles, Part, read_index, write_index
from segue.warehouse.storage import checksum

__all__ = ["Tallies", "Writes", "export_marts"]

_log = logging.getLogger(__name__)
_ROW_GROUP: Final = 100_000
_AT_ONCE: Final = 500_000
"""A mart of so many rows is held in memory while it is written and the next one is asked for."""
_ROWS_AT_ONCE: Final = 1_000_000
"""Rows that are in memory together: those of a hundred million plays would not fit."""
_FORM: Final = "1"
"""Raise when files are to be written in another way, so that none of the last snapshot stays."""


class Writes(Protocol):
    """An open warehouse, as far as a snapshot needs it."""

    def export(self, query: str, schema: pa.Schema, path: Path) -> int:
        """Write the answer to a query as a Parquet file, in bounded memory; its number of rows."""


@runtime_checkable
class Tallies(Protocol):
    """An open warehouse that can also tell cheaply what has changed."""

    def tally(self, mart: str, by: str) -> list[Tally]:
        """Rows and digest of a mart for each value of a column, all rows together for ""."""

    def stream(self, query: str, order: str) -> Iterator[pa.RecordBatch]:
        """All rows of a query in an order."""

    def rows_of(
        self, query: str, by: str, span: tuple[str, str], only: Sequence[str] | None
    ) -> pa.Table:
        """The rows of a query whose column `by` is in a span, in any order.

        Args:
            span: The first and the last value.
            only: Of these values only, which are at least one; None: of all in the span.
        """


def export_marts(
    session: Writes,
    dialect: Dialect,
    folder: Path,
    previous: Path | None,
    *,
    threads: int,
    rows_at_once: int = _ROWS_AT_ONCE,
) -> dict[str, int]:
    """Write every mart into an empty folder, and an index of the files; returns row counts.

    Marts of users are cut into files of neighbouring users once they are large. A file whose rows
    have not changed since the previous snapshot is the same file there, under a second name.

    Args:
        session: Where the marts are.
        dialect: How to ask for them.
        folder: Empty.
        previous: Folder of the last snapshot, if there is one; stays as it is.
        threads: Files that are written or looked at together.
        rows_at_once: Of marts of users, so many rows are in memory together.
    """
    writing = _Export(session, dialect, folder, _Previous(previous), threads, rows_at_once)
    with ThreadPoolExecutor(threads, thread_name_prefix="segue-snapshot") as writing.pool:
        under_way = {mart: writing.mart(mart) for mart in MARTS}
        marts = {mart: finish() for mart, finish in under_way.items()}
    write_index(folder, marts)
    return {mart: files.rows for mart, files in marts.items()}


class _Previous:
    """The last snapshot, as far as it can be used again."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._marts: Mapping[str, MartFiles] = {}
        if folder is not None:
            with suppress(WarehouseError):  # what cannot be read is written again
                self._marts = read_index(folder)

    def borders(self, mart: str, by: str) -> list[str]:
        """Where the mart was cut by this column."""
        files = self._marts.get(mart)
        return [part.first for part in files.parts] if files and by and files.by == by else []

    def parts(self, mart: str) -> dict[str, Part]:
        """Digest -> file with these rows."""
        files = self._marts.get(mart)
        return {part.digest: part for part in files.parts if part.digest} if files else {}

    def give(self, part: Part, target: Path) -> bool:
        """Let the file appear under another name, too; False if it is damaged or gone."""
        assert self._folder is not None  # else there would be no part
        path = self._folder / part.file
        try:
            if checksum(path) != part.crc32:
                _log.warning("%s is damaged and is written again", path)
                return False
        except OSError as error:
            _log.warning("%s cannot be read and is written again: %s", path, error)
            return False
        try:
            os.link(path, target)
        except OSError:  # not every file system has hard links
            shutil.copyfile(path, target)
        return True


class _Export:
    pool: ThreadPoolExecutor

    def __init__(
        self,
        session: Writes,
        dialect: Dialect,
        folder: Path,
        previous: _Previous,
        threads: int,
        rows_at_once: int,
    ) -> None:
        self._session = session
        self._dialect = dialect
        self._folder = folder
        self._previous = previous
        self._threads = threads
        self._rows_at_once = rows_at_once
        self._whole: list[Future[int]] = []
        self._held: deque[tuple[int, list[Future[int]]]] = deque()  # rows that are being written

    def mart(self, mart: str) -> Callable[[], MartFiles]:
        """Begin to write one mart; what is returned waits for its files to be written."""
        if not isinstance(self._session, Tallies):
            part = self._write_whole(mart, Piece((Tally("", 0, ""),)), "")
            return lambda: MartFiles("", (part(),))
        by = _cut_by(mart)
        tallies = self._session.tally(mart, by)
        pieces = cut(tallies, self._previous.borders(mart, by)) if tallies else []
        if len(pieces) < 2:  # small, or empty
            by, pieces = "", [Piece(_ordered(tallies) or (Tally("", 0, "empty"),))]
        form = repr((_FORM, by, mart_order(mart), str(MARTS[mart])))
        digests = [piece.digest(form) for piece in pieces]
        if not by:
            known = self._keep(mart, [f"{mart}.parquet"], digests)
            if known:
                return lambda: MartFiles("", (known[0],))
            part = self._write_whole(mart, pieces[0], digests[0])
            return lambda: MartFiles("", (part(),))
        (self._folder / mart).mkdir()
        names = [f"{mart}/{number:04d}.parquet" for number in range(len(pieces))]
        parts = self._keep(mart, names, digests)
        missing = {n: piece for n, piece in enumerate(pieces) if n not in parts}
        written = self._write_pieces(mart, by, missing, names)

        def finish() -> MartFiles:
            for n, crc32 in written.items():
                parts[n] = _part(names[n], pieces[n], digests[n], crc32.result())
            return MartFiles(by, tuple(parts[n] for n in range(len(pieces))))

        return finish

    def _keep(self, mart: str, names: Sequence[str], digests: Sequence[str]) -> dict[int, Part]:
        """Take over what has not changed: number -> part."""
        known = self._previous.parts(mart)
        wanted = [(n, known[digest]) for n, digest in enumerate(digests) if digest in known]
        given = self.pool.map(
            lambda one: self._previous.give(one[1], self._folder / names[one[0]]), wanted
        )
        return {
            n: Part(names[n], part.rows, part.first, part.last, part.digest, part.crc32)
            for (n, part), good in zip(wanted, given, strict=True)
            if good
        }

    def _write_whole(self, mart: str, piece: Piece, digest: str) -> Callable[[], Part]:
        path = self._folder / f"{mart}.parquet"
        if isinstance(self._session, Tallies) and 0 < piece.rows <= _AT_ONCE:
            rows = self._session.stream(select_mart(self._dialect, mart), mart_order(mart))
            table = pa.Table.from_batches(rows).cast(MARTS[mart])
            _wait(self._whole, 1)
            written = self.pool.submit(_write, table, _order(mart), path)
            self._whole.append(written)
            return lambda: _part(path.name, piece, digest, written.result())
        query = select_mart(self._dialect, mart, ordered=True)
        counted = self._session.export(query, MARTS[mart], path)
        part = Part(path.name, counted, piece.first, piece.last, digest, checksum(path))
        return lambda: part

    def _write_pieces(
        self, mart: str, by: str, pieces: Mapping[int, Piece], names: Sequence[str]
    ) -> dict[int, Future[int]]:
        """Write pieces while the warehouse hands out their rows in order: number -> CRC-32."""
        if not pieces:
            return {}
        written: dict[int, Future[int]] = {}
        order = _order(mart)
        # while some are written, the next ones are asked for
        for together in _by_rows(pieces, self._rows_at_once // 2):
            some = {n: pieces[n] for n in together}
            rows = self._rows_of(mart, by, some)
            places = _places(rows[by], [piece.first for piece in some.values()])
            for n, of_piece in zip(together, places, strict=True):
                written[n] = self.pool.submit(
                    _write_ordered, rows, of_piece, order, self._folder / names[n]
                )
            self._held.append((rows.num_rows, [written[n] for n in together]))
        return written

    def _rows_of(self, mart: str, by: str, pieces: Mapping[int, Piece]) -> pa.Table:
        """The rows of pieces in no order, once there is room for them in memory."""
        assert isinstance(self._session, Tallies)  # else there would be no pieces
        rows = sum(piece.rows for piece in pieces.values())
        while self._held and rows + sum(held for held, _ in self._held) > self._rows_at_once:
            for written in self._held.popleft()[1]:
                written.result()
        all_of_them = list(pieces.values())
        without_a_gap = max(pieces) - min(pieces) == len(pieces) - 1
        only = (
            None if without_a_gap else [t.key for piece in pieces.values() for t in piece.tallies]
        )
        query = select_mart(self._dialect, mart)
        found = self._session.rows_of(query, by, (all_of_them[0].first, all_of_them[-1].last), only)
        return found.cast(MARTS[mart]).combine_chunks()


def _by_rows(pieces: Mapping[int, Piece], most: int) -> Iterator[list[int]]:
    """The numbers of the pieces, so many together that their rows are no more, or one alone."""
    together: list[int] = []
    rows = 0
    for n, piece in pieces.items():
        if together and rows + piece.rows > most:
            yield together
            together, rows = [], 0
        together.append(n)
        rows += piece.rows
    if together:
        yield together


def _ordered(tallies: Sequence[Tally]) -> tuple[Tally, ...]:
    """In the order of their keys: a warehouse gives them in any."""
    return tuple(sorted(tallies, key=lambda tally: tally.key))


def _cut_by(mart: str) -> str:
    """The column that a mart may be cut by: the first one of its order, if it names users."""
    first = _order(mart)[0]
    return first if first == "user_id" else ""


def _order(mart: str) -> list[str]:
    """The columns that its rows are ordered by, the last of which hardly repeats itself."""
    return [name.strip() for name in mart_order(mart).split(",")]


def _part(name: str, piece: Piece, digest: str, crc32: int) -> Part:
    return Part(name, piece.rows, piece.first, piece.last, digest, crc32)


def _places(column: pa.ChunkedArray, borders: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    """Where the rows of each piece are, by the first key of each."""
    keys = column.combine_chunks().dictionary_encode()
    of_key = [bisect_right(borders, key) - 1 for key in keys.dictionary.to_pylist()]
    numbers = np.array(of_key, np.int32)[keys.indices.to_numpy()]
    ends = np.cumsum(np.bincount(numbers, minlength=len(borders)))
    return np.split(np.argsort(numbers, kind="stable"), ends[:-1])


def _write_ordered(
    rows: pa.Table, places: npt.NDArray[np.int64], order: Sequence[str], path: Path
) -> int:
    """Put the rows at some places in order and write them."""
    keys = rows.select(order).take(places)
    ordered = pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in order])
    return _write(rows.take(pa.array(places).take(ordered)), order, path)


def _write(table: pa.Table, order: Sequence[str], path: Path) -> int:
    """Write rows that are in order; the CRC-32 of the file."""
    # a dictionary of numbers, or of texts that never repeat, costs time and room
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    repeated = [name for name in texts if name != order[-1]]
    pq.write_table(
        table, path, compression="zstd", row_group_size=_ROW_GROUP, use_dictionary=repeated
    )
    return checksum(path)


def _wait(futures: Sequence[Future[int]], most: int) -> None:
    """Until no more than so many are under way."""
    under_way = [future for future in futures[-2 * most :] if not future.done()]
    if len(under_way) > most:
        under_way[0].result()
