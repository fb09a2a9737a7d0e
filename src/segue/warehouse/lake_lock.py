"""The locks of the lake, the warehouse and the snapshots, which end with their process."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from segue.errors import BusyError
from segue.warehouse.storage import make_folder, storing

__all__ = ["exclusive", "own_folder"]


@contextmanager
def exclusive(path: Path, doing: str = "import") -> Iterator[None]:
    """Hold the lock file at `path`; the system lets go of it when the process ends, even killed.

    Raises:
        BusyError: Another process (or thread) holds it.
        StorageError: The lock file cannot be written.
    """
    with storing(path.parent):
        make_folder(path.parent)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _busy(handle, path, doing) from error
        with storing(path.parent):
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _busy(handle: int, path: Path, doing: str) -> BusyError:
    holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
    since = datetime.fromtimestamp(os.fstat(handle).st_mtime, tz=UTC)
    return BusyError(
        f"another {doing} is writing to {path.parent}"
        f" (process {holder}, since {since:%Y-%m-%d %H:%M:%S} UTC)",
        cure="Wait until it is done and try again.",
    )


@contextmanager
def own_folder(parent: Path) -> Iterator[Path]:
    """A new folder for this process alone; those of processes that are gone are removed.

    Raises:
        StorageError: It cannot be made.
    """
    with storing(parent):
        make_folder(parent)
        guard = os.open(parent / "guard", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)  # held for a moment: nobody sees a folder half made
            _sweep(parent)
            folder = Path(mkdtemp(dir=parent))
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
        finally:
            os.close(guard)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _sweep(parent: Path) -> None:
    for folder in parent.iterdir():
        if not folder.is_dir():
            continue
        try:
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            shutil.rmtree(folder, ignore_errors=True)
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:  # its process lives
            pass
        finally:
            os.close(lock)
