"""Names of the lake's files: which folder they are in, and which of them are ours."""

from __future__ import annotations

import hashlib
import re
from typing import Final
from urllib.parse import quote

from segue.music.lake_tables import LAKE_TABLES
from segue.warehouse.lake_staging import Group

__all__ = ["FOLDERS", "file_name", "is_ours"]

FOLDERS: Final = (*LAKE_TABLES, "rejects")
"""The folders that hold Parquet files."""

_LONGEST_FOLDER: Final = 120
_OURS: Final = re.compile(
    r"(\d{8}-\d{8}T\d{6}Z-\d+"  # number, time, number of the file: before tokens were given
    r"|\d{8}T\d{6}Z-[0-9a-f]{16}-\d+)\.parquet"
)


def file_name(group: Group, stem: str) -> str:
    """The path within the lake of a file of a group.

    >>> file_name(Group(LAKE_TABLES["plays"], "lastfm", "ann", "2024"), "1")
    'plays/source=lastfm/year=2024/1.parquet'
    """
    if group.table is None:
        return f"rejects/{stem}.parquet"
    folder = f"{group.table.name}/{group.table.partition}={_folder(group.partition)}"
    return (
        f"{folder}/year={group.year}/{stem}.parquet" if group.year else f"{folder}/{stem}.parquet"
    )


def is_ours(name: str) -> bool:
    """Whether an import may have written a file of this name."""
    return _OURS.fullmatch(name.rpartition("/")[2]) is not None


def _folder(value: str) -> str:
    """A partition's value as the name of a folder, on any file system."""
    name = quote(value, safe=" ")
    if len(name) <= _LONGEST_FOLDER:
        return name
    digest = hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()
    return f"{name[:_LONGEST_FOLDER]}-{digest}"
