"""Merge: the rows of a backup join those of a lake, and what is there already counts once."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from segue.errors import WarehouseError
from segue.flows.home_parts import LAKE
from segue.flows.restore import taken
from segue.music.account import Account
from segue.music.lake_tables import (
    ARTIST_TAGS,
    CATALOGUE,
    CROWD,
    FEEDBACK,
    LAKE_TABLES,
    REJECTS,
    LakeTable,
)
from segue.progress import Progress
from segue.warehouse.archive_format import About
from segue.warehouse.home_swap import StagedFiles
from segue.warehouse.lake import Lake
from segue.warehouse.lake_manifest import LakeFile

__all__ = ["MergeReport", "merge"]

_log = logging.getLogger(__name__)
_KINDS: Final = {
    CATALOGUE.name: "catalogue",
    CROWD.name: "crowd",
    ARTIST_TAGS.name: "crowd",
    FEEDBACK.name: "feedback",
}


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What joined the lake.

    Args:
        about: What the backup says of itself.
        account: Its rows: new, or known already.
        rejects: Rejected rows of the backup, which stay where they are.
        imports: Imports that were made of it.
        seconds: How long it took.
    """

    about: About
    account: Account
    rejects: int
    imports: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "backup": self.about.as_dict(),
            "total": self.account.as_dict(),
            "rejects": self.rejects,
            "imports": self.imports,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is staged."""

    table: LakeTable
    rows: pa.Table

    @property
    def rejects(self) -> pa.Table:
        return REJECTS.empty_table()


@dataclass(frozen=True, slots=True)
class _Subject:
    """What becomes one import."""

    kind: str
    user_id: str
    name: str


def merge(
    lake: Lake,
    stream: BinaryIO,
    archive: Path,
    *,
    size: int | None,
    progress: Progress,
    now: datetime,
) -> MergeReport:
    """Import the lake of a backup into another lake; rows that are there already count once.

    Each user's history, what many users share, and each catalogue and crowd, is one import, all of
    it or nothing; where this is interrupted, the same again brings the rest.

    Args:
        lake: Where to, in a folder or elsewhere.
        stream: The backup, read forward only.
        archive: Its name.
        size: Of the archive, when it is known.

    Raises:
        BusyError: An import is under way.
        WarehouseError: The backup is damaged, of a newer Segue, or not to be trusted.
        StorageError: The disk is full or the lake cannot be written.
    """
    began = time.perf_counter()
    account, imports = Account(), 0
    with lake.writing():
        staged = StagedFiles(lake.scratch / "backup")
        about, _ = taken(stream, archive, staged, size=size, progress=progress)
        state = Lake(staged.folder / LAKE).state()
        progress.start("Merging", sum(file.rows for file in state.files), "rows")
        for subject, files in _subjects(state.files):
            begun = lake.begin(subject.kind, archive, user_id=subject.user_id, name=subject.name)
            with begun as new:
                for file in files:
                    name = f"{file.table}/{file.partition}"
                    new.file(name, file.partition)
                    for rows in _read(file):
                        new.stage(name, rows)
                        progress.advance(rows.rows.num_rows)
                account += new.commit(now).total
                imports += 1
        progress.done(f"{account.kept:,} new, {account.duplicate:,} known already")
    rejects = sum(sum(commit.total.rejected.values()) for commit in state.commits)
    _log.info("merged %d rows", account.kept)
    return MergeReport(about, account, rejects, imports, time.perf_counter() - began)


def _subjects(files: Iterable[LakeFile]) -> Iterator[tuple[_Subject, list[LakeFile]]]:
    """The files by what becomes one import, in their order."""
    found: dict[_Subject, list[LakeFile]] = {}
    for file in files:
        kind = "events" if file.shared else _KINDS.get(file.table, "history")
        name = file.partition if kind in ("catalogue", "crowd") else ""
        found.setdefault(_Subject(kind, file.user_id, name), []).append(file)
    yield from found.items()


def _read(file: LakeFile) -> Iterator[_Rows]:
    """The rows of a file as their source told them, a row group at a time."""
    table = LAKE_TABLES[file.table]
    try:
        with pq.ParquetFile(file.path) as opened:
            known = [name for name in table.schema.names if name in opened.schema_arrow.names]
            for number in range(opened.num_row_groups):
                rows = opened.read_row_group(number, columns=known)
                for name in table.schema.names:
                    if name not in known:  # a column that is younger than the backup
                        field = table.schema.field(name)
                        rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
                yield _Rows(table, rows.select(table.schema.names).cast(table.schema))
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise WarehouseError(
            f"{file.name} in the backup cannot be read: {error}", cure="Use another backup."
        ) from error
