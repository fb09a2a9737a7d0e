"""One import into the lake: staged aside, freed of duplicates, then visible all at once."""

from __future__ import annotations

import logging
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.errors import SegueError, WarehouseError
from segue.music import columns as c
from segue.music.account import Account
from segue.music.lake_tables import LakeTable
from segue.warehouse.lake_log import LakeLog, LakeState
from segue.warehouse.lake_manifest import Commit, FileAccount, LakeFile, RejectFile
from segue.warehouse.lake_names import file_name
from segue.warehouse.lake_shared import count_users
from segue.warehouse.lake_staging import Group, Part, Span, Stager, filter_part
from segue.warehouse.new_rows import new_rows
from segue.warehouse.storage import checksum, storing

__all__ = ["LakeImport", "RowsAndRejects", "Subject"]

_log = logging.getLogger(__name__)
_REJECTS = Group(None)
_MOST_OWN_FILES: Final = 16
"""Users with a file of their own, which costs 10 ms; more of them share one for all."""

_Ids = npt.NDArray[np.int64]
_Mask = npt.NDArray[np.bool_]


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


@dataclass(slots=True)
class _Kept:
    """What is left of a staged part.

    Args:
        group: Whose rows they are.
        part: The staged file, which holds just the kept rows.
        ids: Of the kept rows; empty for rejects.
        owners: For each kept row the number of the input's file.
        crc32: Of the staged file.
        users: How many share the file, once it is known; 0 where nobody does.
        name: In the lake, once it is there.
    """

    group: Group
    part: Part
    ids: _Ids
    owners: npt.NDArray[np.int32]
    crc32: int = 0
    size: int = 0
    users: int = 0
    name: str = ""

    def reduce(self, keep: _Mask) -> None:
        """Let only these rows stay; what is in the lake already is not it any more."""
        if keep.all():
            return
        if keep.any():
            target = self.part.path.with_suffix(".kept")
            filter_part(self.part.path, keep, target)
            target.replace(self.part.path)
        self.owners = self.owners[keep]
        if self.group.table is not None:
            self.ids = self.ids[keep]
        self.name = ""

    def sum_up(self) -> None:
        """Take the checksum of the file as it is now, and count who shares it."""
        if not self.name:
            self.users = count_users(self.part.path) if self.group.shared else 0
            self.crc32 = checksum(self.part.path)
            self.size = self.part.path.stat().st_size


class LakeImport:
    """An import that is under way; leaving its context without `commit` undoes it.

    Others may commit meanwhile. Then the rows are compared with theirs, too, and the next number is
    tried: a row that two bring at once is kept once.

    Args:
        log: The lake's commits.
        staging: A folder of its own on this machine.
        subject: What is imported.
        token: Goes into names, so that no two imports use the same.
        threads: Files written at the same time.
        connection: Hashes texts.
        on_step: Told the name of each step of the commit as it is done.
    """

    def __init__(
        self,
        log: LakeLog,
        staging: Path,
        *,
        subject: Subject,
        token: str,
        threads: int,
        connection: duckdb.DuckDBPyConnection,
        on_step: Callable[[str], None],
    ) -> None:
        self._log = log
        self._store = log.store
        self._subject = subject
        self._token = token
        self._on_step = on_step
        self._threads = threads
        self._files: dict[str, _File] = {}
        self._brought: list[str] = []
        self._compared: set[str] = set()
        self._counts = False
        self._tried: Commit | None = None
        with storing(staging):
            self._stager = Stager(staging / token, threads=threads, connection=connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stager.close()
        with suppress(OSError, SegueError):  # the next sweep removes what stays
            if not self._counts and (self._tried is None or self._log.surely_lacks(self._tried)):
                self._store.remove(self._brought)
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
        with storing(self._store.folder):
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
            BusyError: Others were faster time and again.
        """
        with storing(self._store.folder):
            self._stager.finish()
            self._on_step("staged")
            parts = self._staged()
            for _ in self._log.retrying():
                state = self._log.state()
                parts = self._reduced(parts, state)
                self._on_step("deduplicated")
                commit = self._brought_in(parts, state.next_number, now, ignored)
                self._on_step("before manifest")
                if self._publish(commit):
                    return commit
        raise self._log.gave_way()

    def _publish(self, commit: Commit) -> bool:
        self._tried = commit
        self._counts = self._log.append(commit)
        if not self._counts:
            self._tried = None
            _log.info("somebody else has committed number %d", commit.number)
            return False
        self._on_step("manifest")
        given_up = set(self._brought) - set(commit.names)
        with suppress(SegueError):  # a collector may not be allowed to; the next sweep is
            self._store.remove(sorted(given_up))
        total = commit.total
        _log.info(
            "import %s: read %d, kept %d, duplicate %d, rejected %d",
            *(commit.commit_id, total.read, total.kept, total.duplicate),
            sum(total.rejected.values()),
        )
        return True

    # --- freeing of duplicates ------------------------------------------------------------------

    def _staged(self) -> list[_Kept]:
        kept = []
        dropped = np.array([file.dropped for file in self._files.values()], np.bool_)
        for group, parts in self._stager.parts.items():
            for part in parts:
                runs = np.array(part.runs, np.int32)
                owners = np.repeat(runs[:, 0], runs[:, 1])
                kept.append(_Kept(group, part, part.ids.result(), owners))
        if dropped.any():
            self._stager.each(lambda one: one.reduce(~dropped[one.owners]), kept)
        return [one for one in kept if len(one.owners)]

    def _reduced(self, parts: list[_Kept], state: LakeState) -> list[_Kept]:
        """The parts without rows that the lake holds; compared once with each piece of it."""
        known = [file for file in state.files if not self._has_compared(file)]
        groups: dict[Group, list[_Kept]] = defaultdict(list)
        for one in parts:
            if one.group.table is not None:  # a user's rows may be in a shared file and in others
                groups[replace(one.group, user_id="")].append(one)
        for group, of_group in groups.items():
            ids = np.concatenate([one.ids for one in of_group])
            keep = new_rows(ids, _known_ids(known, group, of_group), threads=self._threads)
            masks = np.split(keep, np.cumsum([len(one.ids) for one in of_group])[:-1])
            self._stager.each(
                lambda work: work[0].reduce(work[1]), zip(of_group, masks, strict=True)
            )
        self._compared.update(piece.name for file in known for piece in file.pieces)
        left = [one for one in parts if len(one.owners)]
        for file in self._files.values():
            file.kept = 0
        for one in left:
            if one.group.table is not None:
                counts = np.bincount(one.owners, minlength=len(self._files))
                for file, count in zip(self._files.values(), counts, strict=True):
                    file.kept += int(count)
        return left

    def _has_compared(self, file: LakeFile) -> bool:
        return all(piece.name in self._compared for piece in file.pieces)

    # --- into the lake --------------------------------------------------------------------------

    def _brought_in(
        self, parts: list[_Kept], number: int, now: datetime, ignored: tuple[str, ...]
    ) -> Commit:
        """The commit, once all of its files are in the lake."""
        self._stager.each(_Kept.sum_up, parts)
        fresh = [one for one in parts if not one.name]
        stem, first = f"{now:%Y%m%dT%H%M%SZ}-{self._token}", len(self._brought) + 1
        names = [file_name(one.group, f"{stem}-{n}") for n, one in enumerate(fresh, start=first)]
        self._bring(fresh, names)
        self._on_step("moved")
        tables = [one for one in parts if one.group.table is not None]
        return Commit(
            number=number,
            commit_id="",
            made_at=now,
            kind=self._subject.kind,
            input=self._subject.input,
            user_id=self._subject.user_id,
            name=self._subject.name,
            files=tuple(self._lake_file(one, n) for n, one in enumerate(tables, start=1)),
            rejects=tuple(
                RejectFile(one.name, self._store, one.crc32)
                for one in parts
                if one.group.table is None
            ),
            accounts=tuple(file.account() for file in self._files.values() if not file.dropped),
            broken=tuple(file.name for file in self._files.values() if file.dropped),
            ignored=ignored,
            token=self._token,
        ).numbered(number)

    def _bring(self, parts: list[_Kept], names: list[str]) -> None:
        self._brought += names
        self._stager.each(lambda work: self._put(*work), zip(parts, names, strict=True))
        self._store.settle(names)

    def _put(self, one: _Kept, name: str) -> None:
        self._store.put(one.part.path, name, one.crc32)
        one.name = name
        self._on_step("move")

    def _lake_file(self, one: _Kept, number: int) -> LakeFile:
        table = one.group.table
        assert table is not None
        return LakeFile(
            table=table.name,
            name=one.name,
            rows=len(one.ids),
            commit_id="",
            number=number,
            partition=one.group.partition,
            store=self._store,
            user_id=one.group.user_id,
            users=one.users,
            year=one.group.year,
            first=one.part.first,
            last=one.part.last,
            size=one.size,
            crc32=one.crc32,
        )


def _known_ids(files: list[LakeFile], group: Group, parts: list[_Kept]) -> _Ids:
    """Ids of the rows of the lake that may be the same as some of a group, whoever has them."""
    assert group.table is not None
    spans: dict[str, list[Span]] = defaultdict(list)
    for one in parts:
        for user, span in one.part.users.items():
            spans[user].append(span)

    def may_repeat(file: LakeFile) -> bool:
        if spans and not file.shared:  # a user's file may be long, so only the user's dates count
            return any(file.may_hold(*span) for span in spans.get(file.user_id, ()))
        return any(file.may_hold(one.part.first, one.part.last) for one in parts)

    columns = [
        _read_ids(file)
        for file in files
        if (file.table, file.partition) == (group.table.name, group.partition)
        and (not file.year or file.year == group.year)
        and may_repeat(file)
    ]
    return np.concatenate(columns) if columns else np.empty(0, np.int64)


def _read_ids(file: LakeFile) -> _Ids:
    try:
        with pq.ParquetFile(file.path) as opened:
            ids: _Ids = opened.read([c.ROW_ID])[c.ROW_ID].to_numpy()
            return ids
    except (OSError, pa.ArrowException, KeyError) as error:
        raise WarehouseError(
            f"the lake's file {file.place} is missing or damaged ({error})",
            cure="Restore the lake from a backup.",
        ) from error


def _groups(table: LakeTable, rows: pa.Table) -> Iterator[tuple[Group, pa.Table]]:
    """The rows by partition, year and user; many users share a group."""
    keys = {"partition": rows[table.partition]}
    if table.date:
        keys["year"] = pc.year(rows[table.date])
    for found, same in _alike(keys, rows):
        year = f"{found['year']:04d}" if table.date else ""
        group = Group(table, found["partition"], "", year)
        if not group.shared or pc.count_distinct(same[c.USER_ID]).as_py() > _MOST_OWN_FILES:
            yield group, same
            continue
        for user, own in _alike({c.USER_ID: same[c.USER_ID]}, same):
            yield replace(group, user_id=user[c.USER_ID]), own


def _alike(
    keys: dict[str, pa.ChunkedArray], rows: pa.Table
) -> Iterator[tuple[dict[str, Any], pa.Table]]:
    """The rows by the values of some keys; mostly all of them are of one or a few."""
    groups = pa.table(keys).group_by(list(keys), use_threads=False).aggregate([]).to_pylist()
    for group in groups:
        if len(groups) == 1:
            yield group, rows
        else:
            same = [pc.equal(keys[name], value) for name, value in group.items()]
            yield group, rows.filter(reduce(pc.and_, same))
