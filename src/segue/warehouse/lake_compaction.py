"""Putting small files of one table, source, user and year together, while others read and write.

What is put together keeps its *pieces*: the names and places of the files as imports wrote them.
A warehouse that has loaded the pieces has loaded the file. The new file counts, and the old ones
stop to count, with one commit; they are removed some time later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from segue.errors import SegueError, WarehouseError
from segue.music import columns as c
from segue.music.lake_tables import LAKE_TABLES
from segue.progress import Progress
from segue.warehouse.base import Piece
from segue.warehouse.intact import RESTORE, require_intact
from segue.warehouse.lake_log import LakeLog, LakeState
from segue.warehouse.lake_manifest import COMPACTION, Commit, LakeFile
from segue.warehouse.lake_names import file_name
from segue.warehouse.lake_staging import ROWS_A_PART, Group, part_writer
from segue.warehouse.lake_store import Found
from segue.warehouse.loading import PIECE
from segue.warehouse.storage import checksum, make_folder, storing, sync_file

__all__ = ["SMALL_ROWS", "CompactionReport", "compact", "due", "small_groups"]

_log = logging.getLogger(__name__)

SMALL_ROWS: Final = ROWS_A_PART // 2
"""A file with fewer rows is small; others are left as they are, so that no row moves often."""

_MOST_ROWS: Final = 4 * ROWS_A_PART
_FILES_A_COMMIT: Final = 64


@dataclass(frozen=True, slots=True)
class CompactionReport:
    """What a compaction did.

    Args:
        merged: Small files that were put together.
        made: Files that they became.
        rows: Rows in these.
        removed: Files that nothing had named for long enough.
        removed_bytes: Their size.
    """

    merged: int = 0
    made: int = 0
    rows: int = 0
    removed: int = 0
    removed_bytes: int = 0

    def having_removed(self, found: Sequence[Found]) -> CompactionReport:
        """The same report, and what was swept away afterwards."""
        size = sum(one.size for one in found)
        return replace(self, removed=len(found), removed_bytes=size)


def small_groups(files: Iterable[LakeFile]) -> dict[Group, list[LakeFile]]:
    """Small files by what they may share a file with, in the order of their first rows."""
    groups: dict[Group, list[LakeFile]] = {}
    for file in files:
        table = LAKE_TABLES.get(file.table)
        if table is not None and file.rows < SMALL_ROWS:
            group = Group(table, file.partition, file.user_id, file.year)
            groups.setdefault(group, []).append(file)
    for of_group in groups.values():
        of_group.sort(key=lambda file: file.pieces[0].place)
    return groups


def due(state: LakeState, *, at_least: int) -> bool:
    """Whether any group has this many small files."""
    return any(len(files) >= at_least for files in small_groups(state.files).values())


def compact(
    log: LakeLog,
    staging: Path,
    *,
    now: datetime,
    at_least: int,
    token: str,
    on_step: Callable[[str], None],
    progress: Progress,
) -> CompactionReport:
    """Put small files together; each commit stands for itself, so a kill loses little.

    Args:
        log: The lake's commits.
        staging: A folder of its own on this machine.
        now: Aware UTC; goes into manifests.
        at_least: Groups with fewer small files are left alone.
        token: Goes into names.
        on_step: Told the name of each step.
        progress: Told how many files have been read.
    """
    lots = list(_lots(log.state(), max(at_least, 2)))
    report = CompactionReport()
    if not lots:
        return report
    progress.start("putting small files together", sum(len(files) for _, files in lots), "files")
    work = _Work(log, staging / token, now=now, token=token, on_step=on_step)
    with storing(staging):
        make_folder(staging / token)
    for start in range(0, len(lots), _FILES_A_COMMIT):
        made = []
        for group, files in lots[start : start + _FILES_A_COMMIT]:
            made.append(work.merge(group, files))
            progress.advance(len(files))
        done = work.commit(made)
        report = replace(
            report,
            merged=report.merged + sum(len(one.files) for one in done),
            made=report.made + len(done),
            rows=report.rows + sum(one.made.rows for one in done),
        )
    progress.done(f"{report.merged:,} files became {report.made:,}")
    return report


def _lots(state: LakeState, at_least: int) -> Iterator[tuple[Group, list[LakeFile]]]:
    """What is put into one file: a group's small files, as far as they fit."""
    for group, files in small_groups(state.files).items():
        if len(files) < at_least:
            continue
        lot: list[LakeFile] = []
        for file in files:
            if lot and sum(one.rows for one in lot) + file.rows > _MOST_ROWS:
                yield group, lot
                lot = []
            lot.append(file)
        if len(lot) > 1:
            yield group, lot


@dataclass(frozen=True, slots=True)
class _Merged:
    """A file that was made, and of what."""

    made: LakeFile
    staged: Path
    files: tuple[LakeFile, ...]


class _Work:
    def __init__(
        self,
        log: LakeLog,
        staging: Path,
        *,
        now: datetime,
        token: str,
        on_step: Callable[[str], None],
    ) -> None:
        self._log = log
        self._staging = staging
        self._now = now
        self._token = token
        self._on_step = on_step
        self._written = 0

    def merge(self, group: Group, files: Sequence[LakeFile]) -> _Merged:
        """Write one staged file with the rows of several."""
        self._written += 1
        stem = f"{self._now:%Y%m%dT%H%M%SZ}-{self._token}-{self._written}"
        path = self._staging / f"{stem}.parquet"
        with storing(self._staging):
            _write(path, group, files)
            sync_file(path)
        pieces = tuple(piece for file in files for piece in file.pieces)
        first = [file.first for file in files if file.first is not None]
        last = [file.last for file in files if file.last is not None]
        made = LakeFile(
            table=files[0].table,
            name=file_name(group, stem),
            rows=sum(piece.rows for piece in pieces),
            commit_id="",
            number=0,
            partition=group.partition,
            store=self._log.store,
            user_id=group.user_id,
            year=group.year,
            first=min(first) if len(first) == len(files) else None,
            last=max(last) if len(last) == len(files) else None,
            size=path.stat().st_size,
            crc32=checksum(path),
            merged=pieces,
        )
        self._on_step("merged")
        return _Merged(made, path, tuple(files))

    def commit(self, merged: Sequence[_Merged]) -> list[_Merged]:
        """Let the new files count and the old ones not; what others have replaced is given up."""
        store, counted = self._log.store, frozenset[str]()
        tried: Commit | None = None
        try:
            for one in merged:
                store.put(one.staged, one.made.name, one.made.crc32 or 0)
                self._on_step("move")
            store.settle([one.made.name for one in merged])
            self._on_step("moved")
            for _ in self._log.retrying():
                state = self._log.state()
                there = {file.name for file in state.files}
                left = [one for one in merged if there.issuperset(file.name for file in one.files)]
                if not left:
                    return left
                tried = self._manifest(left, state.next_number)
                self._on_step("before manifest")
                if self._log.append(tried):
                    counted = frozenset(one.made.name for one in left)
                    self._on_step("manifest")
                    return left
                tried = None
            raise self._log.gave_way()
        finally:
            if counted or tried is None or self._log.surely_lacks(tried):
                given_up = [one.made.name for one in merged if one.made.name not in counted]
                with suppress(SegueError):  # the next sweep removes what stays
                    store.remove(given_up)

    def _manifest(self, merged: Sequence[_Merged], number: int) -> Commit:
        return Commit(
            number=number,
            commit_id="",
            made_at=self._now,
            kind=COMPACTION,
            input=self._log.store.folder,
            user_id="",
            name="",
            files=tuple(replace(one.made, number=n) for n, one in enumerate(merged, start=1)),
            rejects=(),
            accounts=(),
            replaced=tuple(file.name for one in merged for file in one.files),
            token=self._token,
        ).numbered(number)


def _write(path: Path, group: Group, files: Sequence[LakeFile]) -> None:
    """Write the rows of files one after another, and read them back."""
    assert group.table is not None
    schema = group.table.schema.insert(0, pa.field(c.ROW_ID, pa.int64(), nullable=False))
    schema = schema.append(pa.field(PIECE, pa.int32(), nullable=False))
    waiting: list[pa.Table] = []
    number, ids = 0, np.uint64(0)
    with part_writer(path, schema) as writer, np.errstate(over="ignore"):
        for file in files:
            rows = _rows(file, number, schema)
            ids += _sum(rows)
            number += len(file.pieces)
            waiting.append(rows)
            if sum(table.num_rows for table in waiting) >= ROWS_A_PART:
                writer.write_table(pa.concat_tables(waiting), row_group_size=ROWS_A_PART)
                waiting.clear()
        if waiting:
            writer.write_table(pa.concat_tables(waiting), row_group_size=ROWS_A_PART)
    with pq.ParquetFile(path) as written, np.errstate(over="ignore"):
        back = written.read([c.ROW_ID])
        if back.num_rows != sum(file.rows for file in files) or _sum(back) != ids:
            raise WarehouseError(
                f"{path} does not read back as it was written; nothing was changed",
                cure="Check the disk and try again.",
            )


def _sum(rows: pa.Table) -> np.uint64:
    """Of all row ids, modulo 2**64."""
    return np.uint64(rows[c.ROW_ID].to_numpy().view(np.uint64).sum(dtype=np.uint64))


def _rows(file: LakeFile, number: int, schema: pa.Schema) -> pa.Table:
    """A file's rows in today's columns, its pieces numbered from `number` on."""
    require_intact(file)
    pieces: tuple[Piece, ...] = file.pieces
    try:
        with pq.ParquetFile(file.path) as opened:
            found = opened.read(use_threads=False)
        runs = np.arange(len(pieces), dtype=np.int32)
        at = found[PIECE].to_numpy() if file.merged else np.repeat(runs, found.num_rows)
        columns = []
        for column in schema:
            if column.name == PIECE:
                columns.append(pa.array((at + number).astype(np.int32)))
            elif column.name in found.column_names:
                columns.append(found[column.name].cast(column.type))
            else:  # the file is older than the column
                columns.append(pa.nulls(found.num_rows, column.type))
        return pa.table(columns, schema=schema)
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise WarehouseError(
            f"the lake's file {file.place} cannot be read: {error}", cure=RESTORE
        ) from error
