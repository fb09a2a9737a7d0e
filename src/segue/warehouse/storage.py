"""Writing files so that a crash leaves the old or the new, and disk faults said in plain words."""

from __future__ import annotations

import errno
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segue.errors import StorageError

__all__ = [
    "checksum",
    "empty_folder",
    "make_folder",
    "storing",
    "sync_file",
    "sync_folder",
    "write_atomically",
]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_IN_THE_WAY = {errno.ENOTDIR, errno.EEXIST, errno.EISDIR}


@contextmanager
def storing(folder: Path) -> Iterator[None]:
    """Turn faults of the disk under `folder` into a StorageError with a cure."""
    try:
        yield
    except OSError as error:
        raise _storage_error(error, folder) from error


def _storage_error(error: OSError, folder: Path) -> StorageError:
    if error.errno in _FULL:
        return StorageError(
            f"the disk that holds {folder} is full; nothing was changed",
            cure="Free some space, or move the data home with SEGUE_HOME, and try again.",
        )
    if error.errno in _FORBIDDEN:
        return StorageError(
            f"{error.filename or folder} may not be written ({error.strerror});"
            " nothing was changed",
            cure="Allow writing there, or choose another data home with SEGUE_HOME.",
        )
    if error.errno in _IN_THE_WAY:
        return StorageError(
            f"a file is in the way of the folder {error.filename or folder}; nothing was changed",
            cure="Move it away, or choose another data home with SEGUE_HOME.",
        )
    return StorageError(
        f"writing to {folder} failed ({error}); nothing was changed",
        cure="Check the disk, or choose another data home with SEGUE_HOME.",
    )


def checksum(path: Path) -> int:
    """CRC-32 of the content of a file: tells a changed bit, at the speed of reading it."""
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
    return value


def sync_file(path: Path) -> None:
    """Make sure that the content of a file is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Make sure that the names in a folder are on the disk, where the file system can."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """Make a folder and its parents, each name on the disk; for the eyes of its owner only."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True, mode=0o700)
    sync_folder(path.parent)


def empty_folder(folder: Path) -> None:
    """Remove all that is in a folder but the file that locks it; no folder is as good as empty.

    Raises:
        StorageError: Something cannot be removed.
    """
    if not folder.exists():
        return
    with storing(folder):
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != "lock":
                path.unlink()
        sync_folder(folder)


def write_atomically(path: Path, content: bytes) -> None:
    """Let a file appear (or change) in one moment, with all of its content."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)
