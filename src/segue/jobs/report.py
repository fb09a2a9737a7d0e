"""What a process that is a job tells of itself; nothing, in a process that is none."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from segue.errors import StorageError
from segue.jobs import record
from segue.sqlite import microseconds

__all__ = ["HANDLE", "JobReport", "put_wish", "report_of"]

HANDLE: Final = "SEGUE_JOB_FD"
"""Variable that names the inherited handle of the record."""

_EVERY_S: Final = 0.25
_LOOK_S: Final = 0.5
_ASKED: Final = "end"
_AT_ONCE: Final = "end at once"


class JobReport:
    """Writes the record of this process; a fault of the disk spoils no job.

    Args:
        handle: Of the record, open as long as the process lives.
        clock: The time, aware UTC.
    """

    def __init__(self, handle: int, clock: Callable[[], datetime]) -> None:
        os.set_inheritable(handle, False)  # a child that outlives us is not the job
        self._handle = handle
        self._clock = clock
        self._lock = threading.Lock()
        self._said = 0.0
        self._record = record.LifeRecord(
            os.getpid(), record.here(), started_us=microseconds(clock())
        )
        self._write()

    def say(self, words: str, progress: float | None, *, at_once: bool = False) -> None:
        """How far the work is; not every call is written, the latest is soon.

        Args:
            progress: 0 to 1; None: not known.
            at_once: Whether this one is written in any case.
        """
        with self._lock:
            if self._record.exit_code is not None:
                return
            self._record = replace(self._record, words=words, progress=progress)
            if at_once or time.monotonic() - self._said >= _EVERY_S:
                self._write()

    def end(self, exit_code: int, words: str = "") -> None:
        """How the process ends, for good; the first call counts."""
        with self._lock:
            if self._record.exit_code is not None:
                return
            self._record = replace(
                self._record,
                exit_code=exit_code,
                ended_us=microseconds(self._clock()),
                words=words or self._record.words,
            )
            self._write()

    def _write(self) -> None:
        self._said = time.monotonic()
        try:
            record.write(self._handle, self._record)
        except OSError:
            return


def report_of(handle: str, clock: Callable[[], datetime]) -> JobReport | None:
    """The report of this process, by what `HANDLE` says; None: the process is no job."""
    if not handle.isdecimal():
        return None
    try:
        path = Path(f"/proc/self/fd/{int(handle)}").readlink()
        report = JobReport(int(handle), clock)
    except OSError:  # the variable was passed on without the file
        return None
    threading.Thread(target=_obey, args=(path,), name="told to end", daemon=True).start()
    return report


def put_wish(path: Path, *, at_once: bool) -> None:
    """Tell the process of a record to end, by a file that it looks for.

    Args:
        at_once: Whether it, and what it has begun, is ended without being asked.

    Raises:
        StorageError: The disk is full, or cannot be written.
    """
    wish = record.wish_path(path)
    try:
        wish.touch(mode=0o600)
        wish.write_text(_AT_ONCE if at_once else _ASKED, encoding="ascii")
    except OSError as error:
        raise StorageError(
            f"{wish} cannot be written: {error.strerror or error}; the job goes on",
            cure="Free space or mend permissions, then try again.",
        ) from error


def _obey(path: Path) -> None:
    """End this process when somebody wishes it, who cannot send it a signal."""
    wish, asked = record.wish_path(path), False
    while True:
        time.sleep(_LOOK_S)
        words = ""
        with suppress(OSError):
            words = wish.read_text(encoding="ascii")
        if words == _AT_ONCE:
            os.killpg(0, signal.SIGKILL)
        elif words and not asked:
            asked = True
            os.kill(os.getpid(), signal.SIGTERM)
