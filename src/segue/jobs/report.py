"""What a process that is a job tells of itself; nothing, in a process that is none."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from segue.jobs import record
from segue.sqlite import microseconds

__all__ = ["HANDLE", "JobReport", "report_of"]

HANDLE: Final = "SEGUE_JOB_FD"
"""Variable that names the inherited handle of the record."""

_EVERY_S: Final = 0.25


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
        self._record = record.LifeRecord(pid=os.getpid(), started_us=microseconds(clock()))
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
        os.fstat(int(handle))
        return JobReport(int(handle), clock)
    except OSError:  # the variable was passed on without the file
        return None
