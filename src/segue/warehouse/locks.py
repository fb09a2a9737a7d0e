"""One at a time: a lock file that the system lets go of when its holder ends, even killed."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segue.errors import BusyError, StorageError

__all__ = ["exclusive"]


@contextmanager
def exclusive(path: Path, doing: str) -> Iterator[None]:
    """Hold the lock file at `path`, made when needed.

    Args:
        path: The lock file.
        doing: What the holder does, one word for the message: "build".

    Raises:
        BusyError: Somebody else holds it.
        StorageError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise StorageError(
            f"{path.parent} cannot be written: {error.strerror or error}",
            cure="Allow writing there, or choose another data home with SEGUE_HOME.",
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                f"another {doing} is under way in {path.parent}",
                cure="Wait until it is done and try again.",
            ) from error
        yield
