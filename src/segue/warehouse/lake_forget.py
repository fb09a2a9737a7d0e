"""Taking rows out of the lake for good: whose they are, which files go, what the accounts say."""

from __future__ import annotations

import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.errors import WarehouseError
from segue.music import columns as c
from segue.music.account import Account
from segue.music.lake_tables import LAKE_TABLES
from segue.warehouse.intact import RESTORE
from segue.warehouse.lake import Lake
from segue.warehouse.lake_log import LakeState
from segue.warehouse.lake_manifest import Commit, FileAccount, LakeFile, RejectFile
from segue.warehouse.lake_shared import rows_of, users_in
from segue.warehouse.lake_thinning import thin_out
from segue.warehouse.storage import checksum, make_folder, sync_file

__all__ = ["LakeLoss", "Whose", "forget_in_lake", "lake_loss"]

_OF_A_USER: Final = ("history", "feedback")
"""Kinds of commits whose user is the one that the rows belong to."""

_AGAIN: Final = 5


@dataclass(frozen=True, slots=True)
class Whose:
    """Which rows are meant: a user's, a source's, or a user's from one source.

    Args:
        user_id: None: everybody's.
        source: None: from anywhere.

    Raises:
        ValueError: Neither is said: that would be everything.
    """

    user_id: str | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        if self.user_id is None and self.source is None:
            raise ValueError("neither a user nor a source is named")

    @property
    def whole_user(self) -> bool:
        """Whether nothing of the user is to stay."""
        return self.source is None

    def takes(self, file: LakeFile) -> bool:
        """Whether all rows of a lake file are meant; else none is, unless the file is shared."""
        of_user = self.user_id is None or (self.user_id == file.user_id and not file.shared)
        return of_user and self._is_from(file)

    def may_share(self, file: LakeFile) -> bool:
        """Whether some rows of a lake file can be meant, among those of others."""
        return file.shared and self.user_id is not None and self._is_from(file)

    def _is_from(self, file: LakeFile) -> bool:
        has_users = c.USER_ID in LAKE_TABLES[file.table].schema.names
        return has_users and self.source in (None, file.partition)

    def may_reject(self, commit: Commit) -> bool:
        """Whether rejected rows of a commit can be meant."""
        return commit.kind in _OF_A_USER and self.user_id in (None, commit.user_id)

    def is_of(self, entry: FileAccount) -> bool:
        """Whether a file of an input was read by a reader of the source."""
        return self.source is None or f"{entry.source}_".startswith(f"{self.source}_")


@dataclass(frozen=True, slots=True)
class LakeLoss:
    """What the lake loses.

    Args:
        rows: (table, source) -> rows that count now.
        rejects: Rejected rows.
        commits: Imports and feedback that brought any of it.
        names: Files that go, those that were put together already among them.
        users: Users of whom the lake holds rows, sorted.
    """

    rows: Mapping[tuple[str, str], int]
    rejects: int
    commits: int
    names: tuple[str, ...]
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Change:
    """A commit, and how it reads afterwards.

    Args:
        after: Still with the files of rejected rows that are to be rewritten.
        thinned: Files of rejected rows of which only some go, and the input files that those name.
        names: Files that go.
        rejects: Rejected rows that go.
    """

    before: Commit
    after: Commit
    names: tuple[str, ...] = ()
    rejects: int = 0
    thinned: Mapping[RejectFile, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left of shared files that were put together or rewritten.

    Args:
        pieces: Name -> rows, of those that count.
        replaced: Names of files that do not count any more.
    """

    pieces: Mapping[str, int]
    replaced: Collection[str]

    def of(self, file: LakeFile, commit: Commit) -> LakeFile | None:
        """How a commit tells of its file from now on; None: not at all."""
        known = file.merged or commit.accounts  # checkpoints leave pieces out
        if not (file.shared and known and file.name in self.replaced):
            return file
        pieces = [
            replace(piece, rows=self.pieces[piece.name])
            for piece in file.pieces
            if piece.name in self.pieces
        ]
        rows = sum(piece.rows for piece in pieces)
        if rows == file.rows:
            return file
        merged = tuple(pieces) if file.merged else ()
        dateless = replace(file, rows=rows, first=None, last=None, merged=merged)
        return dateless if rows else None


def lake_loss(lake: Lake, whose: Whose) -> LakeLoss:
    """What would be forgotten; nothing is changed.

    Raises:
        WarehouseError: A manifest is damaged.
    """
    state = lake.state()
    changes = list(_changes(state, whose))
    rows = Counter[tuple[str, str]]()
    for file in state.files:
        if whose.takes(file):
            rows[file.table, file.partition] += file.rows
    held = _held(state, whose)
    for file, number in held.items():
        rows[file.table, file.partition] += number
    users = {file.user_id for file in state.files} | {
        commit.user_id for commit in state.commits if commit.kind in _OF_A_USER
    }
    for file in state.files:
        if file.shared:
            users.update(users_in(file).to_pylist())
    return LakeLoss(
        rows=dict(sorted(rows.items())),
        rejects=sum(change.rejects for change in changes),
        commits=sum(change.before.kind in _OF_A_USER for change in changes),
        names=(*(name for change in changes for name in change.names), *_stale(state, held)),
        users=tuple(sorted(users - {""})),
    )


def forget_in_lake(
    lake: Lake,
    whose: Whose,
    names: Sequence[str] = (),
    *,
    on_step: Callable[[str], None] = lambda step: None,
) -> None:
    """Take rows out of the lake; doing it twice is as good as once.

    First files without the user's rows take the place of shared ones, by a commit of their own.
    Then manifests are rewritten, where rows of a shared file have gone missing, too, and at last
    files are removed, so that no manifest names what is gone. The account of an import keeps
    saying how many rows it read.

    Args:
        names: Files to remove in any case: an earlier try may not have come to them.
        on_step: Told the name of each step as it is done.

    Raises:
        BusyError: An import is under way, and the lake is a folder.
        WarehouseError: A file is damaged.
        StorageError: The lake cannot be written.
    """
    with lake.writing():
        for _ in range(_AGAIN):  # others may write to a lake on a server meanwhile
            state = lake.state()
            held = _held(state, whose)
            gone = {*names, *_stale(state, held)}
            whole = {file.name for file, rows in held.items() if rows == file.rows}
            thick = [file for file in held if file.name not in whole]
            if whose.user_id is not None and thick:
                thin_out(
                    lake.log,
                    lake.scratch,
                    thick,
                    user_id=whose.user_id,
                    now=state.commits[-1].made_at,
                    on_step=on_step,
                )
            changes = list(_changes(lake.state(), whose, whole))
            done = [_thinned(lake, change) for change in changes]
            on_step("rejects")
            lake.log.rewrite([change.after for change in done], on_step=on_step)
            on_step("manifests")
            gone.update(name for change in done for name in change.names)
            lake.store.remove(sorted(gone))
            on_step("files")
            if lake.store.shared:
                shutil.rmtree(lake.store.folder, ignore_errors=True)  # copies of what is there
            if not (changes or held) or not lake.store.shared:
                return


def _held(state: LakeState, whose: Whose) -> dict[LakeFile, int]:
    """Shared files that count and hold rows that are meant, and how many."""
    held = {}
    for file in state.files:
        if whose.user_id is not None and whose.may_share(file):
            rows = int(rows_of(file, whose.user_id).sum())
            if rows:
                held[file] = rows
    return held


def _stale(state: LakeState, held: Iterable[LakeFile]) -> Iterator[str]:
    """Names of these files, and of what was put together before and may hold the same rows."""
    kinds = {(file.table, file.partition, file.year) for file in held}
    yield from (file.name for file in held)
    for commit in state.commits:
        for file in commit.files:
            kind = (file.table, file.partition, file.year)
            if file.shared and kind in kinds and file.name in state.replaced_by:
                yield file.name


def _changes(state: LakeState, whose: Whose, whole: Collection[str] = ()) -> Iterator[_Change]:
    """How commits read afterwards; only those that change.

    Args:
        whole: Names of shared files that go as a whole.
    """
    gone = {
        file.name
        for commit in state.commits
        for file in commit.files
        if whose.takes(file) or file.name in whole
    }
    left = {
        piece.name: piece.rows
        for file in state.files
        if file.shared and file.name not in gone
        for piece in file.pieces
    }
    for commit in state.commits:
        change = _change(commit, whose, gone, _Left(left, state.replaced_by.keys()))
        if change.after != commit or change.names or change.thinned:
            yield change


def _change(commit: Commit, whose: Whose, gone: set[str], left: _Left) -> _Change:
    after = [None if file.name in gone else left.of(file, commit) for file in commit.files]
    files = tuple(file for file in after if file is not None)
    lost = [file.name for file, one in zip(commit.files, after, strict=True) if one is None]
    rows = Counter[str]()
    for file, one in zip(commit.files, after, strict=True):
        rows[file.partition] += file.rows - (one.rows if one else 0) if commit.accounts else 0
    mine = [entry for entry in commit.accounts if whose.may_reject(commit) and whose.is_of(entry)]
    all_mine = len(mine) == len(commit.accounts)
    rejecting = frozenset(entry.file for entry in mine if entry.account.rejected)
    rejects = sum(sum(entry.account.rejected.values()) for entry in mine)
    thinned: dict[RejectFile, frozenset[str]] = {}
    kept_rejects = commit.rejects
    if rejecting and all_mine:
        kept_rejects = ()
    elif rejecting:
        thinned = dict.fromkeys(commit.rejects, rejecting)
    dropped = [file.name for file in commit.rejects if file not in kept_rejects]
    accounts = tuple(_accounts(commit.accounts, rows, rejecting))
    rewritten = replace(
        commit,
        files=files,
        rejects=kept_rejects,
        accounts=accounts,
        replaced=tuple(name for name in commit.replaced if name not in gone),
    )
    names = (*lost, *dropped)
    nameless = _nameless(rewritten, whose, emptied=bool(names))
    return _Change(commit, nameless, names, rejects, thinned)


def _nameless(commit: Commit, whose: Whose, *, emptied: bool) -> Commit:
    """The commit without what tells of the user: all of it where the user goes as a whole."""
    if whose.whole_user and commit.user_id == whose.user_id:
        if commit.kind not in _OF_A_USER:  # set by default, of a table of tracks
            return replace(commit, user_id="")
    elif not (emptied and commit.kind in _OF_A_USER and not commit.files and not commit.rejects):
        return commit
    return replace(
        commit,
        input=Path("/forgotten"),
        user_id="" if whose.whole_user else commit.user_id,
        name="",
        accounts=tuple(
            replace(entry, file=f"forgotten {number}")
            for number, entry in enumerate(commit.accounts, start=1)
        ),
        broken=(),
        ignored=(),
    )


def _accounts(
    entries: Iterable[FileAccount], rows: Counter[str], rejecting: frozenset[str]
) -> Iterator[FileAccount]:
    """The accounts, once rows of some sources are forgotten.

    Which file of an input a row came from is not kept; where only some of its rows are forgotten,
    they are taken from its files in order, those of readers of that source first.
    """
    entries = tuple(entries)
    taken = [0] * len(entries)
    for source, number in rows.items():
        ranks = sorted(
            range(len(entries)),
            key=lambda n: (not f"{entries[n].source}_".startswith(f"{source}_"), n),
        )
        for n in ranks:
            take = min(number, entries[n].account.kept - taken[n])
            taken[n] += take
            number -= take
    for entry, forgotten in zip(entries, taken, strict=True):
        account = entry.account
        rejected = dict(account.rejected)
        if entry.file in rejecting:
            forgotten += sum(rejected.values())
            rejected = {}
        yield replace(
            entry,
            account=Account(
                read=account.read,
                kept=account.read
                - account.duplicate
                - sum(rejected.values())
                - forgotten
                - account.forgotten,
                duplicate=account.duplicate,
                rejected=rejected,
                forgotten=account.forgotten + forgotten,
            ),
        )


def _thinned(lake: Lake, change: _Change) -> _Change:
    """The change with new files in the place of those that keep some of their rejected rows."""
    if not change.thinned:
        return change
    rejects: list[RejectFile] = []
    names: list[str] = list(change.names)
    for number, (file, inputs) in enumerate(change.thinned.items(), start=1):
        names.append(file.name)
        staged = lake.scratch / f"rejects-{number}.parquet"
        if _without(file, inputs, staged):
            crc32 = checksum(staged)
            name = (
                f"rejects/{change.before.made_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(8)}-{number}"
                ".parquet"
            )
            lake.store.put(staged, name, crc32)
            lake.store.settle([name])
            rejects.append(RejectFile(name, lake.store, crc32))
    return replace(change, after=replace(change.after, rejects=tuple(rejects)), names=tuple(names))


def _without(file: RejectFile, inputs: frozenset[str], target: Path) -> bool:
    """Copy the rejected rows of other input files, a row group at a time; whether there are any."""
    make_folder(target.parent)
    kept = 0
    try:
        with (
            pq.ParquetFile(file.path) as opened,
            pq.ParquetWriter(target, opened.schema_arrow, compression="zstd") as writer,
        ):
            for number in range(opened.num_row_groups):
                rows = opened.read_row_group(number)
                rows = rows.filter(pc.invert(pc.is_in(rows[c.FILE], pa.array(sorted(inputs)))))
                kept += rows.num_rows
                writer.write_table(rows)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise WarehouseError(
            f"the lake's file {file.place} cannot be read: {error}", cure=RESTORE
        ) from error
    sync_file(target)
    return kept > 0
