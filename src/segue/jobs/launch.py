"""The process of a job: begun so that it outlives whoever begins it, and told to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from segue.errors import OverloadedError
from segue.jobs import record
from segue.jobs.report import HANDLE, put_wish

__all__ = ["begin", "end"]


def begin(home: Path, command: Sequence[str], *, handle: int, log: Path) -> None:
    """Run a command of Segue in a session of its own: no hang-up and no Ctrl-C of ours reaches it.

    Args:
        home: The data home that it works in.
        command: The words after `segue`.
        handle: Of its record.
        log: Where all that it says goes.

    Raises:
        StorageError: The log cannot be written.
        OverloadedError: The system begins no more processes.
    """
    words = [sys.executable, "-m", "segue.doors.cli", "--home", str(home), *command]
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise record.unwritable(log, error) from error
    try:
        process = subprocess.Popen(  # noqa: S603 - our own program; the words are no shell's
            words,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            pass_fds=(handle,),
            env={**os.environ, HANDLE: str(handle), "PYTHONUNBUFFERED": "1"},
        )
    except OSError as error:
        raise OverloadedError(
            f"the system begins no process: {error.strerror or error}",
            cure="Try again when less is running.",
        ) from error
    finally:
        os.close(out)
    # Whoever lives longer than the job takes note of its end, so that nothing is left of it.
    threading.Thread(target=process.wait, name=f"job {process.pid}", daemon=True).start()


def end(path: Path, *, at_once: bool = False, here: str | None = None) -> None:
    """Tell the process that holds a record to end; nothing, if there is none.

    One in another container has another number here, which may be somebody else's: it finds a file
    with the wish, and ends itself.

    Args:
        at_once: Whether it, and what it has begun, is ended without being asked.
        here: As `record.here`; None: asked for.
    """
    told = record.read(path)
    pid, here = told.pid, record.here() if here is None else here
    if not pid:
        return
    if here and told.place and here != told.place:
        if record.lives(path):
            put_wish(path, at_once=at_once)
        return
    with suppress(ProcessLookupError, PermissionError):
        known = os.pidfd_open(pid)
        try:
            if not record.lives(path):  # the number may be somebody else's by now
                return
            if at_once:
                os.killpg(pid, signal.SIGKILL)
            else:
                signal.pidfd_send_signal(known, signal.SIGTERM)
        finally:
            os.close(known)
