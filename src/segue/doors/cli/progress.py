"""Progress for people: a bar on a terminal, plain lines anywhere else; always on standard error."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Final, TextIO

from segue.doors.cli.own_job import own_job

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from segue.jobs.report import JobReport

__all__ = ["BarProgress", "JobProgress", "LineProgress", "make_progress"]

BAR_AFTER_S: Final = 0.8  # shorter stages finish before a bar would help
LINE_EVERY_S: Final = 10.0


def make_progress(*, quiet: bool = False, stream: TextIO | None = None) -> LineProgress:
    """The progress that fits the stream: a bar, lines, or (quiet) nothing; a job also reports."""
    out = stream or sys.stderr
    if (job := own_job()) is not None:
        return JobProgress(out, job, quiet=quiet)
    if out.isatty() and not quiet:
        return BarProgress(out)
    return LineProgress(out, quiet=quiet)


def amount(value: float, unit: str) -> str:
    """A quantity with its unit, as a person writes it: "12,000 rows", "3.4 MB"."""
    if unit == "bytes":
        return f"{value / 1e6:,.1f} MB"
    return f"{value:,.0f} {unit}".rstrip()


class LineProgress:
    """One line when a stage is done, and one every ten seconds while it lasts."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._label = ""
        self._total: float | None = None
        self._unit = ""
        self._so_far = 0.0
        self._began = 0.0
        self._said = 0.0
        self._open = False

    def start(self, label: str, total: float | None = None, unit: str = "") -> None:
        """Begin a stage; one that was still open is closed first."""
        if self._open:
            self.done()
        self._label, self._total, self._unit = label, total, unit
        self._so_far = 0.0
        self._began = self._said = time.monotonic()
        self._open = True

    def advance(self, amount: float = 1) -> None:
        """Count, and speak up now and then."""
        self._so_far += amount
        if not self._quiet and time.monotonic() - self._said >= LINE_EVERY_S:
            self._said = time.monotonic()
            self._write(f"{self._label} … {self._fraction()}")

    def done(self, note: str = "") -> None:
        """Close the stage with one line."""
        if not self._open:
            return
        self._open = False
        if self._quiet:
            return
        seconds = time.monotonic() - self._began
        parts = [
            self._label,
            note or (self._fraction() if self._so_far else ""),
            f"{seconds:.1f} s",
        ]
        self._write(" · ".join(part for part in parts if part))

    def _fraction(self) -> str:
        if self._total and self._total > 0:
            share = min(1.0, self._so_far / self._total)
            return f"{share:.0%} of {amount(self._total, self._unit)}"
        return amount(self._so_far, self._unit)

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


class BarProgress(LineProgress):
    """A bar with the time left, shown once a stage takes longer than a moment."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None

    def start(self, label: str, total: float | None = None, unit: str = "") -> None:
        """Begin a stage and show its bar after a moment."""
        super().start(label, total, unit)
        self._timer = threading.Timer(BAR_AFTER_S, self._show)
        self._timer.daemon = True
        self._timer.start()

    def advance(self, amount: float = 1) -> None:
        """Move the bar."""
        self._so_far += amount
        with self._lock:
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=self._so_far)

    def done(self, note: str = "") -> None:
        """Take the bar away and leave one line."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._bar is not None:
                self._bar.stop()
                self._bar = None
        super().done(note)

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        with self._lock:
            if self._timer is None:
                return
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f} %" if self._total else ""),
                TimeRemainingColumn(),
                console=Console(file=self._stream),
                transient=True,
            )
            self._task = self._bar.add_task(
                self._label, total=self._total, completed=round(self._so_far)
            )
            self._bar.start()


class JobProgress(LineProgress):
    """Lines for the job's log, and every step for whoever follows the job."""

    def __init__(self, stream: TextIO, job: JobReport, *, quiet: bool = False) -> None:
        super().__init__(stream, quiet=quiet)
        self._job = job

    def start(self, label: str, total: float | None = None, unit: str = "") -> None:
        """Begin a stage."""
        super().start(label, total, unit)
        self._job.say(label, 0.0 if total else None, at_once=True)

    def advance(self, amount: float = 1) -> None:
        """Tell how far it is."""
        super().advance(amount)
        share = min(1.0, self._so_far / self._total) if self._total else None
        self._job.say(f"{self._label}: {self._fraction()}", share)

    def done(self, note: str = "") -> None:
        """Tell what came of it."""
        was_open = self._open
        super().done(note)
        if was_open:
            self._job.say(f"{self._label}: {note}" if note else self._label, 1.0)
