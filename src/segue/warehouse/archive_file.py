"""A backup that appears under its name in one moment, when it is whole and has been read back."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from segue.errors import BusyError, ConfigError, StorageError
from segue.warehouse.archive_reader import is_archive
from segue.warehouse.storage import sync_folder

__all__ = ["room_for", "written_whole"]

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def written_whole(target: Path, check: Callable[[Path], None]) -> Iterator[BinaryIO]:
    """A file to write a backup to; it takes its name when the context ends well.

    Until then it is a hidden draft beside it, which only its owner may read. A draft that a killed
    backup left is written over by the next one to the same name.

    Args:
        target: Where the backup is to be; an older backup there is replaced, and nothing else.
        check: Reads the draft back; raises when it is not what it should be.

    Raises:
        ConfigError: Something else than a backup has the name.
        BusyError: Another backup is writing to it.
        StorageError: The disk is full or the place cannot be written; nothing is left there.
    """
    draft = target.with_name(f".{target.name}.draft")
    with _placing(target):
        _require_replaceable(target)
        handle = _locked(draft, target)
    try:
        with _placing(target), os.fdopen(handle, "r+b") as out:
            out.truncate()
            yield out
            out.flush()
            os.fsync(out.fileno())
            check(draft)
            draft.replace(target)
            sync_folder(target.parent)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def room_for(target: Path, size: int) -> None:
    """Refuse at once what cannot fit.

    Raises:
        StorageError: There are fewer free bytes where `target` is to be.
    """
    with suppress(OSError):
        found = os.statvfs(target.parent)
        free = found.f_bavail * found.f_frsize
        if free < size:
            raise StorageError(
                f"{size / 1e6:,.0f} MB do not fit into {target.parent},"
                f" where {free / 1e6:,.0f} MB are free; nothing was changed",
                cure="Free some space or name another place.",
            )


def _require_replaceable(target: Path) -> None:
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_file() or not is_archive(target):
        raise ConfigError(
            f"{target} is there already and is no backup of Segue; it was left as it is",
            field="file",
            cure="Name another file, or move that one away.",
        )


def _locked(draft: Path, target: Path) -> int:
    """The draft, open and ours alone."""
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(draft, flags, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise BusyError(
                f"another backup is writing {target}", cure="Wait until it is done and try again."
            ) from error
        except OSError:  # a network disk without locks
            return handle
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), draft.stat()):
                os.fchmod(handle, 0o600)
                return handle
        os.close(handle)  # the other one was finished in between


@contextmanager
def _placing(target: Path) -> Iterator[None]:
    """Turn faults of the disk that the backup goes to into words."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            what, cure = "the disk is full", "Free some space or name another place."
        elif isinstance(error, FileNotFoundError):
            what, cure = f"there is no folder {target.parent}", "Make it, or name another place."
        else:
            what, cure = error.strerror or str(error), "Name a place that can be written."
        raise StorageError(
            f"the backup {target} cannot be written: {what}; nothing of it was left there",
            cure=cure,
        ) from error
