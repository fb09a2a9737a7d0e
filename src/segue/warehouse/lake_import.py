"""One import into the lake: staged aside, freed of duplicates, then visible all at once."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import quote

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.errors import WarehouseError
from segue.music import columns as c
from segue.music.account import Account
from segue.music.lake_tables import LakeTable
from segue.warehouse.lake_manifest import Commit, FileAccount, LakeFile, write_manifest
from segue.warehouse.lake_staging import Group, Part, Stager, filter_part
from segue.warehouse.new_rows import new_rows
from segue.warehouse.storage import checksum, make_folder, storing, sync_folder, write_atomically

__all__ = ["LakeImport", "RowsAndRejects", "Subject"]

_log = logging.getLogger(__name__)
_REJECTS = Group(None)
_LONGEST_FOLDER = 120


class RowsAndRejects(Protocol):
    """What is staged: the shape of a source's chunk."""

    @property
    def table(self) -> LakeTable:
        """The table that the rows belong to."""

    @property
    def rows(self) -> pa.Table:
        """Rows in the table's schema."""

    @property
    def rejects(self) -> pa.Table:
        """Rows in the REJECTS schema."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is imported, for the manifest."""

    kind: str
    input: Path
    user_id: str
    name: str


@dataclass(slots=True)
class _File:
    number: int
    name: str
    source: str
    staged: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    dropped: bool = False

    def account(self) -> FileAccount:
        account = Account(
            read=self.staged + self.rejected.total(),
            kept=self.kept,
            duplicate=self.staged - self.kept,
            rejected=dict(self.rejected),
        )
        return FileAccount(self.name, self.source, account)


class LakeImport:
    """An import that is under way; leaving its context without `commit` undoes it.

    Args:
        lake: The lake's folder.
        subject: What is imported.
        number: Number of the commit, one more than the last.
        known: The lake's files that may hold the same rows as a group of this import.
        threads: Files written at the same time.
        connection: Hashes texts.
        on_step: Told the name of each step of the commit as it is done.
    """

    def __init__(
        self,
        lake: Path,
        subject: Subject,
        *,
        number: int,
        known: Callable[[Group], list[LakeFile]],
        threads: int,
        connection: duckdb.DuckDBPyConnection,
        on_step: Callable[[str], None],
    ) -> None:
        self._lake = lake
        self._subject = subject
        self._number = number
        self._known = known
        self._on_step = on_step
        self._threads = threads
        self._files: dict[str, _File] = {}
        self._moved: list[Path] = []
        self._manifest: Path | None = None
        with storing(lake):
            self._stager = Stager(
                lake / "staging" / f"{number:08d}", threads=threads, connection=connection
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stager.close()
        if self._manifest is None or not self._manifest.exists():
            for path in self._moved:
                with suppress(OSError):  # the next import sweeps it
                    path.unlink(missing_ok=True)
        shutil.rmtree(self._stager.folder, ignore_errors=True)

    def file(self, name: str, source: str) -> None:
        """A file of the input is about to be read; it gets an account even without rows."""
        self._files.setdefault(name, _File(len(self._files), name, source))

    def stage(self, name: str, chunk: RowsAndRejects) -> None:
        """Take some rows and rejects of the file that was announced under this name.

        Raises:
            StorageError: The disk is full or may not be written.
        """
        file = self._files[name]
        with storing(self._lake):
            for group, rows in _groups(chunk.table, chunk.rows):
                self._stager.add(group, file.number, rows)
            if chunk.rejects.num_rows:
                self._stager.add(_REJECTS, file.number, chunk.rejects)
        file.staged += chunk.rows.num_rows
        for counted in pc.value_counts(chunk.rejects[c.REASON]).to_pylist():
            file.rejected[counted["values"]] += counted["counts"]

    def drop(self, name: str) -> None:
        """Forget all rows and rejects of a file: it turned out to be broken."""
        file = self._files[name]
        file.dropped = True
        file.staged = 0
        file.rejected.clear()

    def commit(self, now: datetime, *, ignored: tuple[str, ...] = ()) -> Commit:
        """Make the import count: from one moment to the next, all of it or nothing.

        Args:
            now: Aware UTC; goes into the manifest.
            ignored: Names of the files that no source recognised.

        Raises:
            StorageError: The disk is full or may not be written; the lake is as it was.
            WarehouseError: A file of the lake is missing or damaged.
        """
        with storing(self._lake):
            return self._commit(now, ignored)

    def _commit(self, now: datetime, ignored: tuple[str, ...]) -> Commit:
        self._stager.finish()
        self._on_step("staged")
        parts = [
            (group, part, rows)
            for group, staged in self._stager.parts.items()
            for part, rows in self._kept(group, staged)
        ]
        self._on_step("deduplicated")
        sums = self._stager.each(lambda part: checksum(part.path), [part for _, part, _ in parts])
        commit_id = f"{self._number:08d}-{now:%Y%m%dT%H%M%SZ}"
        files: list[LakeFile] = []
        rejects: list[Path] = []
        for n, ((group, part, rows), crc32) in enumerate(zip(parts, sums, strict=True), start=1):
            target = self._folder(group) / f"{commit_id}-{n}.parquet"
            self._move(part.path, target)
            if group.table is None:
                rejects.append(target)
                continue
            names = (group.table.name, target, rows, commit_id, group.partition, group.user_id)
            files.append(LakeFile(*names, crc32=crc32))
        for folder in {path.parent for path in self._moved}:
            sync_folder(folder)
        self._on_step("moved")
        commit = Commit(
            commit_id=commit_id,
            made_at=now,
            kind=self._subject.kind,
            input=self._subject.input,
            user_id=self._subject.user_id,
            name=self._subject.name,
            files=tuple(files),
            rejects=tuple(rejects),
            accounts=tuple(file.account() for file in self._files.values() if not file.dropped),
            broken=tuple(file.name for file in self._files.values() if file.dropped),
            ignored=ignored,
        )
        self._publish(commit)
        return commit

    def _publish(self, commit: Commit) -> None:
        commits = self._lake / "commits"
        make_folder(commits)
        self._manifest = commits / f"{commit.commit_id}.json"
        self._on_step("before manifest")
        write_atomically(self._manifest, write_manifest(commit, self._lake))
        self._on_step("manifest")
        total = commit.total
        _log.info(
            "import %s: read %d, kept %d, duplicate %d, rejected %d",
            *(commit.commit_id, total.read, total.kept, total.duplicate),
            sum(total.rejected.values()),
        )

    def _move(self, staged: Path, target: Path) -> None:
        make_folder(target.parent)
        self._moved.append(target)
        staged.rename(target)
        self._on_step("move")

    def _folder(self, group: Group) -> Path:
        if group.table is None:
            return self._lake / "rejects"
        folder = f"{group.table.partition}={_folder_name(group.partition)}"
        return self._lake / group.table.name / folder

    def _kept(self, group: Group, parts: list[Part]) -> list[tuple[Part, int]]:
        """Each part that has rows to keep, with their number; its file holds just these."""
        files = list(self._files.values())
        runs = np.array([run for part in parts for run in part.runs], np.int32)
        owners = np.repeat(runs[:, 0], runs[:, 1])
        dropped = np.array([file.dropped for file in files])[owners]
        if group.table is None:
            keep = ~dropped
        else:
            ids = np.concatenate([part.ids.result() for part in parts])
            keep = new_rows(ids, self._known_ids(group), dropped=dropped, threads=self._threads)
            counts = np.bincount(owners[keep], minlength=len(files))
            for file, count in zip(files, counts, strict=True):
                file.kept += int(count)
        masks = np.split(keep, np.cumsum([part.rows for part in parts])[:-1])
        by_path = {part.path: mask for part, mask in zip(parts, masks, strict=True)}
        self._stager.each(lambda part: _reduce(part, by_path[part.path]), parts)
        counted = [(part, int(by_path[part.path].sum())) for part in parts]
        return [(part, rows) for part, rows in counted if rows]

    def _known_ids(self, group: Group) -> npt.NDArray[np.int64]:
        columns = [_read_ids(file.path) for file in self._known(group)]
        return np.concatenate(columns) if columns else np.empty(0, np.int64)


def _reduce(part: Part, keep: npt.NDArray[np.bool_]) -> None:
    if keep.any() and not keep.all():
        target = part.path.with_suffix(".kept")
        filter_part(part.path, keep, target)
        target.replace(part.path)


def _read_ids(path: Path) -> npt.NDArray[np.int64]:
    try:
        with pq.ParquetFile(path) as file:
            ids: npt.NDArray[np.int64] = file.read([c.ROW_ID])[c.ROW_ID].to_numpy()
            return ids
    except (OSError, pa.ArrowException, KeyError) as error:
        raise WarehouseError(
            f"the lake's file {path} is missing or damaged ({error})",
            cure="Restore the lake from a backup.",
        ) from error


def _groups(table: LakeTable, rows: pa.Table) -> Iterator[tuple[Group, pa.Table]]:
    """The rows by partition and user; nearly always all of them are of one group."""
    names = [table.partition]
    if c.USER_ID in table.schema.names:
        names.append(c.USER_ID)
    groups = rows.select(names).group_by(names, use_threads=False).aggregate([]).to_pylist()
    for group in groups:
        values = [group[name] for name in names]
        if len(groups) == 1:
            yield Group(table, *values), rows
        else:
            same = [pc.equal(rows[name], group[name]) for name in names]
            yield Group(table, *values), rows.filter(reduce(pc.and_, same))


def _folder_name(value: str) -> str:
    """A partition's value as the name of a folder, on any file system."""
    name = quote(value, safe=" ")
    if len(name) <= _LONGEST_FOLDER:
        return name
    digest = hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()
    return f"{name[:_LONGEST_FOLDER]}-{digest}"
