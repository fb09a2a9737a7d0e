"""Users whose full answer is owed: they got less for want of time, and are first to be made one."""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from segue.own_folder import own_folder

__all__ = ["OWED", "Owed"]

OWED: Final = "owed"
"""Folder of the marks, beside the answers made ahead."""

_log = logging.getLogger(__name__)
_MOST: Final = 1_000


class Owed:
    """One small file for each, so that any process may add and take without waiting for another.

    They are no more than a hint: what cannot be written is left out, and all may be removed at any
    time. Thread-safe.

    Args:
        folder: Where they are; made with the first, for its owner only.
        most: So many at most; more are left out.
    """

    def __init__(self, folder: Path, *, most: int = _MOST) -> None:
        self._folder = folder
        self._most = most

    def add(self, user_id: str) -> None:
        """Have a user answered before others; never raises, and hardly takes any time."""
        path = self._path(user_id)
        try:
            if sum(1 for _ in os.scandir(self._folder)) >= self._most:
                return
        except FileNotFoundError:
            with suppress(OSError):
                own_folder(self._folder)
        except OSError as error:
            _log.debug("what is owed cannot be looked at: %s", error)
        with suppress(OSError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(handle, user_id.encode())
            finally:
                os.close(handle)

    def latest(self) -> str | None:
        """Who was added last; None: nobody is there."""
        marks: list[tuple[int, Path]] = []
        with suppress(OSError):
            for entry in os.scandir(self._folder):
                with suppress(OSError):  # another process has just taken it
                    marks.append((entry.stat().st_mtime_ns, Path(entry.path)))
        for _, path in sorted(marks, reverse=True):
            with suppress(OSError, UnicodeDecodeError):
                if user_id := path.read_bytes().decode():
                    return user_id
        return None

    def drop(self, user_id: str) -> None:
        """A user is owed nothing any more."""
        with suppress(OSError):
            self._path(user_id).unlink()

    def clear(self) -> None:
        """Nobody is."""
        with suppress(OSError):
            for entry in os.scandir(self._folder):
                with suppress(OSError):
                    Path(entry.path).unlink()

    def __bool__(self) -> bool:
        """Whether anybody is."""
        with suppress(OSError):
            return any(True for _ in os.scandir(self._folder))
        return False

    def _path(self, user_id: str) -> Path:
        return self._folder / hashlib.sha256(user_id.encode()).hexdigest()[:32]
