"""Files that take the place of others: the new ones count, and the old ones stop to, at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from segue.errors import SegueError, WarehouseError
from segue.music import columns as c
from segue.warehouse.lake_log import LakeLog
from segue.warehouse.lake_manifest import COMPACTION, Commit, LakeFile

__all__ = ["Exchange", "exchange", "id_sum", "require_written"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A staged file, and the files whose place it takes."""

    made: LakeFile
    staged: Path
    files: tuple[LakeFile, ...]


def exchange(
    log: LakeLog,
    exchanges: Sequence[Exchange],
    *,
    now: datetime,
    token: str,
    on_step: Callable[[str], None],
) -> list[Exchange]:
    """Bring new files into the lake with one commit; what others have replaced is given up.

    Args:
        log: The lake's commits.
        exchanges: What takes whose place.
        now: Aware UTC; goes into the manifest.
        token: Of whoever writes; goes into the manifest.
        on_step: Told the name of each step.

    Returns:
        What was done.

    Raises:
        StorageError: The lake cannot be written; it is as it was.
        BusyError: Others were faster time and again.
    """
    store, counted = log.store, frozenset[str]()
    tried: Commit | None = None
    try:
        for one in exchanges:
            store.put(one.staged, one.made.name, one.made.crc32 or 0)
            on_step("move")
        store.settle([one.made.name for one in exchanges])
        on_step("moved")
        for _ in log.retrying():
            state = log.state()
            there = {file.name for file in state.files}
            left = [one for one in exchanges if there.issuperset(file.name for file in one.files)]
            if not left:
                return left
            tried = _commit(log, left, now, token).numbered(state.next_number)
            on_step("before manifest")
            if log.append(tried):
                counted = frozenset(one.made.name for one in left)
                on_step("manifest")
                return left
            tried = None
        raise log.gave_way()
    finally:
        if counted or tried is None or log.surely_lacks(tried):
            given_up = [one.made.name for one in exchanges if one.made.name not in counted]
            with suppress(SegueError):  # the next sweep removes what stays
                store.remove(given_up)


def _commit(log: LakeLog, exchanges: Sequence[Exchange], now: datetime, token: str) -> Commit:
    return Commit(
        number=0,
        commit_id="",
        made_at=now,
        kind=COMPACTION,
        input=log.store.folder,
        user_id="",
        name="",
        files=tuple(replace(one.made, number=n) for n, one in enumerate(exchanges, start=1)),
        rejects=(),
        accounts=(),
        replaced=tuple(file.name for one in exchanges for file in one.files),
        token=token,
    )


def id_sum(rows: pa.Table) -> np.uint64:
    """Of all row ids, modulo 2**64."""
    return np.uint64(rows[c.ROW_ID].to_numpy().view(np.uint64).sum(dtype=np.uint64))


def require_written(path: Path, rows: int, ids: np.uint64) -> None:
    """Nothing, if a staged file reads back as these rows.

    Args:
        ids: The `id_sum` of the rows.

    Raises:
        WarehouseError: It does not.
    """
    with pq.ParquetFile(path) as written, np.errstate(over="ignore"):
        back = written.read([c.ROW_ID])
        if back.num_rows != rows or id_sum(back) != ids:
            raise WarehouseError(
                f"{path} does not read back as it was written; nothing was changed",
                cure="Check the disk and try again.",
            )
