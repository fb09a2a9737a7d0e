"""Writes marts into the folder of a new snapshot: what has changed, and no more."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import pyarrow as pa
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
_WAITING: Final = 8
_AT_ONCE: Final = 250_000
"""A mart of so many rows is held in memory while it is written and the next one is asked for."""
_ROWS_AT_ONCE: Final = 1_000_000
"""Rows that are put in order together: those of a hundred million plays would not fit in memory."""
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

    def stream(
        self, query: str, order: str, *, by: str, keys: Sequence[str] | None
    ) -> Iterator[pa.RecordBatch]:
        """Rows in an order, only those whose column `by` has one of the keys; None: all rows."""


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
        rows_at_once: Of a mart of users, so many rows are put in order together.
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
            rows = self._session.stream(
                select_mart(self._dialect, mart), mart_order(mart), by="", keys=None
            )
            [table] = _slices(rows, MARTS[mart], [piece.rows])
            _wait(self._whole, 1)
            written = self.pool.submit(_write, table, path)
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
        for together in _by_rows(pieces, self._rows_at_once):
            sizes = [pieces[n].rows for n in together]
            rows = self._rows_of(mart, by, [pieces[n] for n in together])
            for n, table in zip(together, _slices(rows, MARTS[mart], sizes), strict=True):
                written[n] = self.pool.submit(_write, table, self._folder / names[n])
                _wait(list(written.values()), self._threads + _WAITING)
        return written

    def _rows_of(self, mart: str, by: str, pieces: Sequence[Piece]) -> Iterator[pa.RecordBatch]:
        assert isinstance(self._session, Tallies)  # else there would be no pieces
        keys = [tally.key for piece in pieces for tally in piece.tallies]
        query, order = select_mart(self._dialect, mart), mart_order(mart)
        return self._session.stream(query, order, by=by, keys=keys)


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
    first = mart_order(mart).split(",")[0].strip()
    return first if first == "user_id" else ""


def _part(name: str, piece: Piece, digest: str, crc32: int) -> Part:
    return Part(name, piece.rows, piece.first, piece.last, digest, crc32)


def _slices(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, sizes: Sequence[int]
) -> Iterator[pa.Table]:
    """The rows of the batches as tables of these sizes, one after the other."""
    left: list[pa.RecordBatch] = []
    held = 0
    for size in sizes:
        while held < size:
            batch = next(batches)
            left.append(batch)
            held += batch.num_rows
        table = pa.Table.from_batches(left, left[0].schema if left else schema)
        yield table.slice(0, size).cast(schema)
        left = table.slice(size).to_batches()
        held -= size


def _write(table: pa.Table, path: Path) -> int:
    pq.write_table(table, path, compression="zstd", row_group_size=_ROW_GROUP)
    return checksum(path)


def _wait(futures: Sequence[Future[int]], most: int) -> None:
    """Until no more than so many are under way."""
    under_way = [future for future in futures[-2 * most :] if not future.done()]
    if len(under_way) > most:
        under_way[0].result()
