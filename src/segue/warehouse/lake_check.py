"""Looking at a lake: what it holds, and whether all of it is as it was written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from segue.errors import WarehouseError
from segue.progress import Progress
from segue.warehouse.lake_compaction import SMALL_ROWS, small_groups
from segue.warehouse.lake_log import LakeLog
from segue.warehouse.lake_manifest import LakeFile, RejectFile
from segue.warehouse.lake_sweep import Leftover, leftovers
from segue.warehouse.storage import checksum

__all__ = ["Fault", "LakeStatus", "Share", "check", "status_of"]

_READ_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Share:
    """What one source, catalogue or crowd has of a table.

    Args:
        table: Name of the table.
        partition: The source, catalogue or crowd.
        users: Number of users with rows of their own; where files are shared, the least number
            that there can be.
        shared: How many of the files are shared by many users.
        files: Number of files.
        small: How many of these are small.
        pieces: Number of files as imports wrote them.
        rows: Number of rows.
        bytes: Size of the files.
    """

    table: str
    partition: str
    users: int
    shared: int
    files: int
    small: int
    pieces: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class LakeStatus:
    """What a lake holds.

    Args:
        where: The lake's place.
        commits: Number of commits.
        last_commit: Id of the last one; empty without any.
        shares: By table and source.
        most_small: Most small files that one user has, or many share, of one source and year.
        replaced: Files that were put together and wait to be removed, and their bytes.
        orphans: Files that no manifest names, and their bytes: of killed imports or of some that
            are under way.
        removable: How many files of both `segue lake compact` would remove now.
    """

    where: str
    commits: int
    last_commit: str
    shares: tuple[Share, ...]
    most_small: int
    replaced: tuple[int, int]
    orphans: tuple[int, int]
    removable: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "where": self.where,
            "commits": self.commits,
            "last_commit": self.last_commit or None,
            "files": sum(share.files for share in self.shares),
            "small_files": sum(share.small for share in self.shares),
            "most_small_files": self.most_small,
            "rows": sum(share.rows for share in self.shares),
            "bytes": sum(share.bytes for share in self.shares),
            "tables": [
                {name: getattr(share, name) for name in Share.__dataclass_fields__}
                for share in self.shares
            ],
            "replaced": {"files": self.replaced[0], "bytes": self.replaced[1]},
            "orphans": {"files": self.orphans[0], "bytes": self.orphans[1]},
            "removable": self.removable,
        }


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is not what its manifest says.

    Args:
        file: Its path within the lake.
        commit_id: The commit that names it.
        what: What is wrong.
    """

    file: str
    commit_id: str
    what: str


def status_of(log: LakeLog, *, now: datetime, grace: timedelta) -> LakeStatus:
    """Manifests and a list of the files; no file is opened."""
    left = list(leftovers(log))
    state = log.state()
    sizes: dict[str, int] = {}
    for table in sorted({file.table for file in state.files if file.size is None}):
        sizes.update((found.name, found.size) for found in log.store.find(table))
    shares: dict[tuple[str, str], list[LakeFile]] = defaultdict(list)
    for file in state.files:
        shares[file.table, file.partition].append(file)
    return LakeStatus(
        where=log.store.where,
        commits=len(state.commits),
        last_commit=state.commits[-1].commit_id if state.commits else "",
        shares=tuple(_share(files, sizes) for _, files in sorted(shares.items())),
        most_small=max((len(files) for files in small_groups(state.files).values()), default=0),
        replaced=_sum(one for one in left if one.replaced),
        orphans=_sum(one for one in left if not one.replaced),
        removable=sum(now - one.since >= grace for one in left),
    )


def _share(files: list[LakeFile], sizes: dict[str, int]) -> Share:
    return Share(
        table=files[0].table,
        partition=files[0].partition,
        users=max(
            len({file.user_id for file in files if file.user_id}),
            max(file.users for file in files),
        ),
        shared=sum(file.shared for file in files),
        files=len(files),
        small=sum(file.rows < SMALL_ROWS for file in files),
        pieces=sum(len(file.pieces) for file in files),
        rows=sum(file.rows for file in files),
        bytes=sum(sizes.get(file.name, 0) if file.size is None else file.size for file in files),
    )


def _sum(left: Iterator[Leftover]) -> tuple[int, int]:
    sizes = [one.found.size for one in left]
    return len(sizes), sum(sizes)


def check(log: LakeLog, progress: Progress) -> tuple[Fault, ...]:
    """Read all files that count, rejects included.

    Raises:
        WarehouseError: A manifest is damaged.
        StorageError: The lake cannot be read.
    """
    state = log.state()
    files: list[tuple[LakeFile | RejectFile, str]] = [
        (file, file.commit_id) for file in state.files
    ]
    files += [(file, commit.commit_id) for commit in state.commits for file in commit.rejects]
    progress.start("verifying", len(files), "files")
    faults = [*_gaps(log)]
    with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
        for (file, commit_id), what in zip(
            files, pool.map(lambda one: _wrong(log, one[0]), files), strict=True
        ):
            progress.advance()
            if what:
                faults.append(Fault(file.name, commit_id, what))
    progress.done(f"{len(files):,} files, {len(faults):,} faults")
    return tuple(faults)


def _gaps(log: LakeLog) -> Iterator[Fault]:
    numbers = {commit.number for commit in log.state().commits}
    for number in range(1, max(numbers, default=0)):
        if number not in numbers:
            yield Fault(f"commits/{number:08d}.json", "", "the manifest is gone")


def _wrong(log: LakeLog, file: LakeFile | RejectFile) -> str:
    """What is wrong with a file; empty when nothing is."""
    try:
        with log.store.fresh(file.name) as path:
            if file.crc32 is not None and checksum(path) != file.crc32:
                return "it has changed since it was written"
            with pq.ParquetFile(path) as opened:
                rows = opened.metadata.num_rows
    except FileNotFoundError:
        return "it is gone"
    except WarehouseError:
        raise
    except (OSError, pa.ArrowException) as error:
        return f"it cannot be read: {error}"
    if isinstance(file, LakeFile) and rows != file.rows:
        return f"it holds {rows:,} rows, not {file.rows:,}"
    if isinstance(file, LakeFile) and sum(piece.rows for piece in file.pieces) != file.rows:
        return "its pieces do not make up its rows"
    return ""
