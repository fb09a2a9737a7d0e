"""One writer at a time: the locks of the lake, the warehouse and the snapshots."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from segue.errors import BusyError
from segue.warehouse.storage import make_folder, storing

__all__ = ["exclusive"]


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
