"""A few rows of a large snapshot: found by where they lie, not by looking at all."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.errors import WarehouseError
from segue.music import columns as c
from segue.music.marts import MARTS
from segue.warehouse.snapshot_parts import MartFiles, read_index
from segue.warehouse.snapshots import Snapshot

__all__ = ["RowLookup"]

_IN_MEMORY_BYTES: Final = 2 << 20
"""A mart of one file up to this size is read once and kept."""
_MANY_GROUPS: Final = 3
"""From so many on, others may help to unpack them: it is one listener with a long history."""
_REPEATED: Final = dict.fromkeys(("plays", "library", "playlist_tracks", "feedback"), c.USER_ID)
"""Keys that stand in many rows: no text is made of each one that is somebody else's."""
_BUILD: Final = "Run `segue build`."


class RowLookup:
    """Reads what marts hold of one user, or of another key by which they are sorted.

    A large mart is cut into files of neighbouring users: the index of the snapshot says which one
    is meant. Within a file, row groups of others are passed over. A small mart is kept in memory.
    Thread-safe.

    Args:
        snapshot: Of which; it may be pruned while files are open, but not before they are opened.

    >>> RowLookup(snapshot).read("plays", "ann", ["track_id"])  # doctest: +SKIP
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._small: dict[tuple[str, tuple[str, ...]], pa.Table] = {}
        self._lock = threading.Lock()

    def read(self, mart: str, key: str, columns: Sequence[str], *, by: str = c.USER_ID) -> pa.Table:
        """The rows of a mart that have a key, in their order, in the schema of the mart.

        Args:
            key: A value of the column `by`, which is a text.

        Raises:
            WarehouseError: A file is missing or damaged.
        """
        wanted = [by, *(name for name in columns if name != by)]
        path = self._file(mart, key, by)
        if path is None:
            return _nothing(mart, tuple(columns))
        if (small := self._kept(mart, path, tuple(wanted))) is not None:
            if not small.num_rows:
                return _nothing(mart, tuple(columns))
            rows = small.filter(pc.equal(small[by], key))
        else:
            rows = _rows_of(path, by, key, columns, coded=_REPEATED.get(mart) == by)
        return rows.select(list(columns)).cast(_nothing(mart, tuple(columns)).schema)

    @cached_property
    def _index(self) -> dict[str, MartFiles]:
        return dict(read_index(self._snapshot.folder))

    @cached_property
    def _borders(self) -> dict[str, list[str]]:
        return {mart: [part.first for part in one.parts] for mart, one in self._index.items()}

    def _file(self, mart: str, key: str, by: str) -> Path | None:
        """The one file that may hold the rows; None: there is none."""
        told = self._index.get(mart)
        if told is None:
            return self._snapshot.folder / f"{mart}.parquet"
        if told.by != by:
            return self._snapshot.folder / told.parts[0].file
        at = bisect_right(self._borders[mart], key) - 1
        if at < 0 or told.parts[at].last < key:
            return None
        return self._snapshot.folder / told.parts[at].file

    def _kept(self, mart: str, path: Path, columns: tuple[str, ...]) -> pa.Table | None:
        """A small mart in memory; None: it is large."""
        kept = self._small.get((mart, columns))
        if kept is not None:
            return kept
        told = self._index.get(mart)
        try:
            if (told is not None and told.by) or path.stat().st_size > _IN_MEMORY_BYTES:
                return None
            table = pq.read_table(path, columns=list(columns), partitioning=None)
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(path, error) from error
        with self._lock:
            return self._small.setdefault((mart, columns), table)


@cache
def _nothing(mart: str, columns: tuple[str, ...]) -> pa.Table:
    """No row of these columns."""
    return pa.schema([MARTS[mart].field(name) for name in columns]).empty_table()


def _rows_of(path: Path, by: str, key: str, columns: Sequence[str], *, coded: bool) -> pa.Table:
    """See `RowLookup.read`.

    Args:
        coded: Whether to read the keys as numbers.
    """
    numbers = [by] if coded else []
    try:
        with (
            pa.memory_map(str(path)) as mapped,
            pq.ParquetFile(mapped, pre_buffer=False, read_dictionary=numbers) as file,
        ):
            groups, all_fit = _groups(file.metadata, by, key)
            wanted = columns if all_fit else list(dict.fromkeys((by, *columns)))
            rows = file.read_row_groups(
                groups, columns=list(wanted), use_threads=len(groups) >= _MANY_GROUPS
            )
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    if all_fit:
        return rows
    return rows.take(_places(rows[by], key)) if coded else rows.filter(pc.equal(rows[by], key))


def _places(column: pa.ChunkedArray, key: str) -> pa.Array:
    """Where a key stands in a column of texts that are kept as numbers."""
    start, found = 0, []
    for chunk in column.chunks:
        code = chunk.dictionary.index(key).as_py()
        codes = chunk.indices.fill_null(-1) if chunk.null_count else chunk.indices
        if code >= 0:
            found.append(start + np.flatnonzero(codes.to_numpy() == code))
        start += len(chunk)
    return pa.array(np.concatenate(found) if found else np.empty(0, np.int64))


def _groups(metadata: pq.FileMetaData, by: str, key: str) -> tuple[list[int], bool]:
    """Row groups that may hold the key, and whether they certainly hold nothing else."""
    names = [metadata.schema.column(at).path for at in range(metadata.num_columns)]
    column = names.index(by)
    found, all_fit = [], True
    for group in range(metadata.num_row_groups):
        known = metadata.row_group(group).column(column).statistics
        if known is None or not known.has_min_max:
            found.append(group)
            all_fit = False
        elif known.min <= key <= known.max:
            found.append(group)
            all_fit = all_fit and known.min == known.max and known.null_count == 0
    return found, all_fit


def _unreadable(path: Path, error: Exception) -> WarehouseError:
    return WarehouseError(f"{path} cannot be read: {error}", cure=_BUILD)
