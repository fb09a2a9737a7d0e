"""What was worked out of a snapshot for one user, kept beside it as long as it is there."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import zlib
from pathlib import Path
from typing import Final

from segue.errors import StorageError
from segue.warehouse.storage import make_folder, storing, sync_folder, write_atomically

__all__ = ["Beside", "tidy_beside"]

_log = logging.getLogger(__name__)
_FOLDER: Final = "beside"
_SUM_BYTES: Final = 4
_MOST: Final = 1 << 30


class Beside:
    """Files that can be made again, by snapshot and user; what cannot be read is not there.

    They are for the eyes of the home's owner only, and no part of a backup. They go with their
    snapshot, and those of a user with `forget`.

    Args:
        folder: Where the snapshots are.
        most_bytes: Of all files together, about; those written first go first.

    >>> beside = Beside(home / "snapshots")               # doctest: +SKIP
    >>> beside.put("20260102T030405Z-1a2b3c4d", "ann", "map-1", content)  # doctest: +SKIP
    """

    def __init__(self, folder: Path, *, most_bytes: int = _MOST) -> None:
        self._snapshots = folder
        self._folder = folder / _FOLDER
        self._most_bytes = most_bytes

    def get(self, snapshot: str, user_id: str, name: str) -> bytes | None:
        """What was put under a name; None: nothing, or it is damaged."""
        path = self._path(snapshot, user_id, name)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        told, body = content[:_SUM_BYTES], content[_SUM_BYTES:]
        if told != _sum(body):
            _log.warning("%s is damaged; it is made anew", path)
            return None
        return body

    def put(self, snapshot: str, user_id: str, name: str, content: bytes) -> None:
        """Keep something; where it cannot be kept, it is made again when it is wanted again.

        Args:
            snapshot: Name of the snapshot that it was worked out of; must be there.
            name: What it is, with what else it depends on; a plain file name.
        """
        path = self._path(snapshot, user_id, name)
        if not (self._snapshots / snapshot).is_dir():
            return  # it was pruned, or everything is being forgotten
        try:
            with storing(self._folder):
                make_folder(path.parent)
                write_atomically(path, _sum(content) + content)
                path.chmod(0o600)
                self._make_room()
        except StorageError as error:
            _log.warning("%s is not kept: %s", name, error)

    def forget(self, user_id: str) -> None:
        """Remove all that was worked out for a user.

        Raises:
            StorageError: It cannot be removed.
        """
        with storing(self._folder):
            for path in self._folder.glob(f"*/{_mark(user_id)}"):
                shutil.rmtree(path)
                sync_folder(path.parent)

    def _path(self, snapshot: str, user_id: str, name: str) -> Path:
        return self._folder / snapshot / _mark(user_id) / name

    def _make_room(self) -> None:
        """Remove what was written first, until all fits."""
        files = [
            (about.st_mtime_ns, about.st_size, path)
            for path in self._folder.glob("*/*/*")
            if (about := _about(path)) is not None
        ]
        size = sum(one for _, one, _ in files)
        for _, one, path in sorted(files):
            if size <= self._most_bytes:
                return
            path.unlink(missing_ok=True)
            size -= one


def tidy_beside(folder: Path) -> None:
    """Remove what is beside snapshots that are gone.

    Args:
        folder: Where the snapshots are.
    """
    for path in (folder / _FOLDER).glob("*"):
        if not (folder / path.name).is_dir():
            shutil.rmtree(path, ignore_errors=True)


def _mark(user_id: str) -> str:
    """A folder's name: an id may hold anything."""
    return hashlib.sha256(user_id.encode()).hexdigest()[:32]


def _sum(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(_SUM_BYTES, "big")


def _about(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
