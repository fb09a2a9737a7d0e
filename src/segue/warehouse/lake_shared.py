"""Shared files of the lake, whose rows are of many users: whose they are, and without whom."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.errors import WarehouseError
from segue.music import columns as c
from segue.warehouse.intact import RESTORE
from segue.warehouse.lake_manifest import LakeFile

__all__ = ["count_users", "readable", "rows_of", "users_in"]


def count_users(path: Path) -> int:
    """How many users have rows in a Parquet file."""
    number: int = pc.count_distinct(_users(path)).as_py()
    return number


def users_in(file: LakeFile) -> pa.Array:
    """Whose rows a file holds: text, each user once.

    Raises:
        WarehouseError: The file is missing or damaged.
    """
    with readable(file):
        return pc.unique(_users(file.path)).cast(pa.string())


def rows_of(file: LakeFile, user_id: str) -> npt.NDArray[np.bool_]:
    """Which rows of a file are a user's, shape (rows,).

    Raises:
        WarehouseError: The file is missing or damaged.
    """
    with readable(file):
        mine: npt.NDArray[np.bool_] = pc.equal(_users(file.path), user_id).to_numpy()
        return mine


def _users(path: Path) -> pa.ChunkedArray:
    with pq.ParquetFile(path) as opened:
        return opened.read([c.USER_ID], use_threads=False)[c.USER_ID]


@contextmanager
def readable(file: LakeFile) -> Iterator[None]:
    """Name the file that cannot be read."""
    try:
        yield
    except (OSError, pa.ArrowException, KeyError) as error:
        raise WarehouseError(
            f"the lake's file {file.place} cannot be read: {error}", cure=RESTORE
        ) from error
