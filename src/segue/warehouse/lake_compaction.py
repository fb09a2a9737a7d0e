"""Putting small files of one table, source, user and year together, while others read and write.

Shared files, whose rows are of many users, are put together with each other.

What is put together keeps its *pieces*: the names and places of the files as imports wrote them.
A warehouse that has loaded the pieces has loaded the file. The new file counts, and the old ones
stop to count, with one commit; they are removed some time later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from segue.errors import WarehouseError
from segue.music import columns as c
from segue.music.lake_tables import LAKE_TABLES
from segue.progress import Progress
from segue.warehouse.base import Piece
from segue.warehouse.intact import RESTORE, require_intact
from segue.warehouse.lake_exchange import Exchange, exchange, id_sum, require_written
from segue.warehouse.lake_log import LakeLog, LakeState
from segue.warehouse.lake_manifest import LakeFile
from segue.warehouse.lake_names import file_name
from segue.warehouse.lake_shared import count_users
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

    def merge(self, group: Group, files: Sequence[LakeFile]) -> Exchange:
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
            users=count_users(path) if group.shared else 0,
            year=group.year,
            first=min(first) if len(first) == len(files) else None,
            last=max(last) if len(last) == len(files) else None,
            size=path.stat().st_size,
            crc32=checksum(path),
            merged=pieces,
        )
        self._on_step("merged")
        return Exchange(made, path, tuple(files))

    def commit(self, merged: Sequence[Exchange]) -> list[Exchange]:
        """Let the new files count and the old ones not; what others have replaced is given up."""
        return exchange(self._log, merged, now=self._now, token=self._token, on_step=self._on_step)


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
            ids += id_sum(rows)
            number += len(file.pieces)
            waiting.append(rows)
            if sum(table.num_rows for table in waiting) >= ROWS_A_PART:
                writer.write_table(pa.concat_tables(waiting), row_group_size=ROWS_A_PART)
                waiting.clear()
        if waiting:
            writer.write_table(pa.concat_tables(waiting), row_group_size=ROWS_A_PART)
    require_written(path, sum(file.rows for file in files), ids)


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
