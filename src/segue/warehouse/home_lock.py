"""Who is in a data home: many commands at once, or one alone that changes the home as a whole."""

from __future__ import annotations

import fcntl
import logging
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from segue.errors import BusyError
from segue.warehouse.storage import make_folder, storing

__all__ = ["LOCK", "HomeLock"]

_log = logging.getLogger(__name__)

LOCK: Final = "lock"
"""Name of the lock file in the home."""


class HomeLock:
    """Being in a home: shared by all commands, so that none is there while it is restored.

    The system lets go of it when the process ends, even killed. On a disk that cannot be written
    there is no lock file and no need for one.

    Args:
        home: The data home; must exist.

    Raises:
        BusyError: Another command has the home for itself.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._handle = _open(home / LOCK)
        if self._handle is not None:
            weakref.finalize(self, os.close, self._handle)
            try:
                self._take(fcntl.LOCK_SH)
            except OSError as error:  # a network disk without locks: reading goes without
                _log.info("%s cannot be locked: %s", home, error)

    @contextmanager
    def alone(self, doing: str) -> Iterator[None]:
        """Have the home to oneself.

        Args:
            doing: What for, such as "restore"; others are told.

        Raises:
            BusyError: Other commands are at work in the home.
            StorageError: The home cannot be written.
        """
        with storing(self.home):
            if self._handle is None:
                make_folder(self.home)
                raise PermissionError(13, "Permission denied", str(self.home / LOCK))
            self._take(fcntl.LOCK_EX)
            try:
                os.ftruncate(self._handle, 0)
                os.pwrite(self._handle, f"{os.getpid()} {doing}".encode(), 0)
                yield
            finally:
                with suppress(OSError):
                    os.ftruncate(self._handle, 0)
                fcntl.flock(self._handle, fcntl.LOCK_SH)

    def _take(self, kind: int) -> None:
        assert self._handle is not None
        try:
            fcntl.flock(self._handle, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise self._busy(alone=kind == fcntl.LOCK_EX) from error

    def _busy(self, *, alone: bool) -> BusyError:
        assert self._handle is not None
        holder = os.pread(self._handle, 64, 0).decode("ascii", "replace").split()
        if len(holder) == 2:
            since = datetime.fromtimestamp(os.fstat(self._handle).st_mtime, tz=UTC)
            who = (
                f"a {holder[1]} has it for itself (process {holder[0]}, since {since:%H:%M:%S} UTC)"
            )
        else:
            who = (
                "other commands are at work in it" if alone else "another command has it for itself"
            )
        return BusyError(
            f"the data home {self.home} is in use: {who}",
            cure="Wait until they are done and try again; `segue serve` must be stopped."
            if alone
            else "Wait until it is done and try again.",
        )


def _open(path: Path) -> int | None:
    for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        with suppress(OSError):
            return os.open(path, flags | os.O_CLOEXEC, 0o600)
    return None
