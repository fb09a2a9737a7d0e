"""At most one process consumes under a name, by a lock that ends with the process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segue.errors import BusyError, StorageError

__all__ = ["one_consumer"]


@contextmanager
def one_consumer(folder: Path, consumer: str) -> Iterator[None]:
    """Hold `<folder>/<consumer>.lock`.

    Raises:
        BusyError: Another process holds it.
        StorageError: The folder cannot be written.
    """
    try:
        handle = os.open(folder / f"{consumer}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {error.strerror}",
            cure="Free space or mend permissions, then try again.",
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                f"another process takes events for “{consumer}”", cure="One is enough."
            ) from error
        yield
    finally:
        os.close(handle)
