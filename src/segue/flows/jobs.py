"""Jobs: commands that run in processes of their own, and go on whatever becomes of who asked.

A job survives a restart of the service and a reload of a page. Of one kind at most one runs at a
time in a data home.
"""

from __future__ import annotations

import codecs
import logging
import os
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from segue.errors import ConfigError, SegueError
from segue.flows.home_parts import JOBS
from segue.jobs import launch
from segue.jobs.base import Job, LogPart, checked_kind
from segue.jobs.store import JobStore

__all__ = ["CANCEL_WAIT_S", "cancel_job", "job", "job_log", "jobs", "start_job", "wait_for_job"]

_log = logging.getLogger(__name__)

CANCEL_WAIT_S: Final = 10.0
"""So long a job that shall end may take to tidy up; then it is killed."""

_PART_BYTES: Final = 256 * 1024
_LOOK_EVERY_S: Final = 0.05


def start_job(
    home: Path, kind: str, command: Sequence[str], *, now: datetime, user: str = ""
) -> Job:
    """Begin a command in a process of its own and come back at once.

    Args:
        home: The data home.
        kind: What it is called; of a kind at most one runs at a time.
        command: The words after `segue`, such as ("build",); no secrets, since others on the
            machine can read them.
        now: Aware.
        user: Whose it is; empty: everybody's.

    Raises:
        ConfigError: The kind or the command cannot be used.
        BusyError: A job of this kind is under way; its id is in the message.
        StorageError: It cannot be noted, as on a full disk; nothing was begun.
        OverloadedError: The system begins no more processes.
    """
    words = _checked(command)
    store = _store(home)
    begun, handle = store.open(checked_kind(kind), words, user=user, now=now)
    try:
        launch.begin(home, words, handle=handle, log=store.log_path(begun.job_id))
    except SegueError as error:
        store.settle(begun.job_id, "failed", error.message, now)
        raise
    finally:
        os.close(handle)  # its own copy says that it lives
    _log.info("began job %s", begun.job_id)
    return begun


def jobs(home: Path, *, kind: str = "", limit: int = 100) -> tuple[Job, ...]:
    """Jobs of a home, the latest first.

    Args:
        kind: Only of this kind; empty: of any.
    """
    return _store(home).all(kind=kind, limit=limit)


def job(home: Path, job_id: str) -> Job:
    """One job as it is now.

    Raises:
        UnknownJobError: There is none with this id.
    """
    return _store(home).one(job_id)


def job_log(home: Path, job_id: str, after: int = 0) -> LogPart:
    """What a job said, from a place of its log on.

    Args:
        after: `after` of the part before; 0: from the beginning.

    Raises:
        UnknownJobError: There is none with this id.
    """
    store = _store(home)
    is_over = store.one(job_id).is_over  # before reading: all that it said is there by then
    after = max(0, after)
    try:
        with store.log_path(job_id).open("rb") as file:
            file.seek(after)
            found = file.read(_PART_BYTES)
    except FileNotFoundError:
        found = b""
    is_end = is_over and len(found) < _PART_BYTES
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    text = decoder.decode(found, final=is_end)
    rest = len(decoder.getstate()[0])  # the beginning of a character whose end is not there yet
    return LogPart(text, after + len(found) - rest, is_end)


def cancel_job(home: Path, job_id: str, *, wait_s: float = CANCEL_WAIT_S) -> Job:
    """End a job: it is asked to (SIGTERM), and killed if it has not ended after a while.

    A job that is over stays as it is. What a command has committed stays done, as after Ctrl-C.

    Args:
        wait_s: Seconds that it may take; 0: ask and come back at once, kill nothing.

    Raises:
        UnknownJobError: There is none with this id.
    """
    store = _store(home)
    found = store.one(job_id)
    if found.is_over:
        return found
    store.ask_to_cancel(job_id)
    if found.state == "waiting" and wait_s:
        found = _until(store, job_id, wait_s, begun=True)
    launch.end(store.record_path(job_id))
    if not wait_s:
        return store.one(job_id)
    found = _until(store, job_id, wait_s)
    if not found.is_over:
        launch.end(store.record_path(job_id), at_once=True)
        found = _until(store, job_id, wait_s)
    return found


def wait_for_job(home: Path, job_id: str, *, seconds: float | None = None) -> Job:
    """Wait until a job is over.

    Args:
        seconds: At most so long; None: as long as it takes.

    Raises:
        UnknownJobError: There is none with this id.
    """
    return _until(_store(home), job_id, seconds)


def _until(store: JobStore, job_id: str, seconds: float | None, *, begun: bool = False) -> Job:
    """Look until a job is over, or at least begun; the last look, when the time is up."""
    ends = None if seconds is None else time.monotonic() + seconds
    while True:
        found = store.one(job_id)
        is_up = ends is not None and time.monotonic() >= ends
        if found.is_over or is_up or (begun and found.state == "running"):
            return found
        time.sleep(_LOOK_EVERY_S)


def _checked(command: Sequence[str]) -> tuple[str, ...]:
    words = tuple(command)
    if not words or not all(word and "\0" not in word for word in words):
        raise ConfigError(
            "a job needs a command",
            field="command",
            cure="Give the words after `segue`, such as: segue jobs run build",
        )
    return words


def _store(home: Path) -> JobStore:
    return JobStore(home.absolute() / JOBS)
