"""Which jobs there were and are: rows in a file of SQLite, beside a record and a log for each."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from segue.errors import BusyError, StorageError, UnknownJobError
from segue.jobs import record
from segue.jobs.base import Job, JobState
from segue.services.state_file import Schema, StateFile
from segue.sqlite import microseconds, moment

__all__ = ["JobStore"]

_KEPT: Final = 200
"""Jobs that are remembered, the latest ones."""

_KEPT_FOR: Final = timedelta(days=60)
_LEFT_BEHIND_AFTER: Final = timedelta(days=1)

_SCHEMA: Final = Schema(
    """
create table if not exists jobs (
    job_id text primary key, kind text not null, command text not null, user_id text not null,
    asked_us integer not null, cancel_asked integer not null default 0,
    state text not null default '', started_us integer not null default 0,
    ended_us integer not null default 0, exit_code integer, words text not null default ''
) strict, without rowid;
create unique index if not exists one_of_a_kind on jobs (kind) where state = '';
create index if not exists jobs_by_time on jobs (asked_us);
""",
    "the list of jobs, and nothing that they made",
    wal=False,
)
"""`state` is empty until a job is over and somebody has noticed."""

_LOST: Final = "Its process is gone and never said how it ended: killed, or the machine stopped."


@dataclass(frozen=True)
class JobStore:
    """The jobs of one data home. Safe from several threads and processes.

    Args:
        folder: For the eyes of its owner only; made with the first job.
    """

    folder: Path

    def open(
        self, kind: str, command: Sequence[str], *, user: str, now: datetime
    ) -> tuple[Job, int]:
        """Note a job that is about to begin.

        Returns:
            The job, and the handle of its record, which says that it lives while it is open.

        Raises:
            BusyError: A job of this kind is under way.
            StorageError: It cannot be noted; no trace of it is left.
        """
        job_id = f"{now:%Y%m%d-%H%M%S}-{kind}-{secrets.token_hex(2)}"
        handle = record.create(self.record_path(job_id))
        noted = False
        try:
            with self._file.writing() as connection:
                self._make_way(connection, kind)
                connection.execute(
                    "insert into jobs (job_id, kind, command, user_id, asked_us)"
                    " values (?, ?, ?, ?, ?)",
                    (job_id, kind, json.dumps(list(command)), user, microseconds(now)),
                )
                self._prune(connection, now)
            noted = True
        finally:
            if not noted:
                self.drop(handle, job_id)
        return self.one(job_id), handle

    def drop(self, handle: int, job_id: str) -> None:
        """Let go of a record that nobody will write any more, and of the job's files."""
        os.close(handle)
        self._remove_files(job_id)

    def all(self, *, kind: str = "", limit: int = _KEPT) -> tuple[Job, ...]:
        """Jobs, the latest first.

        Args:
            kind: Only of this kind; empty: of any.
        """
        if not self._file.exists:
            return ()
        with self._file.reading() as connection:
            rows = connection.execute(
                "select * from jobs where ? in ('', kind)"
                " order by asked_us desc, job_id desc limit ?",
                (kind, limit),
            )
            found = [_as_dict(rows, row) for row in rows]
        return tuple(self._seen(one) for one in found)

    def one(self, job_id: str) -> Job:
        """The job with this id.

        Raises:
            UnknownJobError: There is none.
        """
        if self._file.exists:
            with self._file.reading() as connection:
                rows = connection.execute("select * from jobs where job_id = ?", (job_id,))
                found = [_as_dict(rows, row) for row in rows]
            if found:
                return self._seen(found[0])
        raise UnknownJobError(job_id)

    def ask_to_cancel(self, job_id: str) -> None:
        """Note that somebody wants it to end, so that its end is told as that."""
        with self._file.writing() as connection:
            connection.execute("update jobs set cancel_asked = 1 where job_id = ?", (job_id,))

    def settle(self, job_id: str, state: JobState, words: str, ended_at: datetime) -> None:
        """Note the end of a job that never began."""
        with self._file.writing() as connection:
            connection.execute(
                "update jobs set state = ?, words = ?, ended_us = ? where job_id = ?",
                (state, words, microseconds(ended_at), job_id),
            )

    def forget(self, user: str) -> None:
        """Take away the jobs of a user, and what they said."""
        if not self._file.exists:
            return
        with self._file.writing() as connection:
            gone = connection.execute(
                "delete from jobs where user_id = ? returning job_id", (user,)
            ).fetchall()
        for (job_id,) in gone:
            self._remove_files(job_id)

    def record_path(self, job_id: str) -> Path:
        """The file that its process holds."""
        return self.folder / f"{job_id}.job"

    def log_path(self, job_id: str) -> Path:
        """What it says."""
        return self.folder / f"{job_id}.log"

    @property
    def _file(self) -> StateFile:
        return StateFile(self.folder / "jobs.sqlite", _SCHEMA)

    # --- what became of a job -------------------------------------------------------------------

    def _make_way(self, connection: sqlite3.Connection, kind: str) -> None:
        """Settle what is over of a kind; at most one is not."""
        rows = connection.execute("select * from jobs where kind = ? and state = ''", (kind,))
        for row in [_as_dict(rows, row) for row in rows]:
            job = self._looked_at(row)
            if not job.is_over:
                raise BusyError(
                    f"a job “{kind}” is under way: {job.job_id}",
                    cure="Wait until it is done, or end it: segue jobs cancel " + job.job_id,
                )
            _keep_end(connection, job)

    def _seen(self, row: dict[str, Any]) -> Job:
        """The job as it is now; if it is over since the last look, that is noted."""
        job = self._looked_at(row)
        if not row["state"] and job.is_over:
            with suppress(StorageError, BusyError), self._file.writing() as connection:
                _keep_end(connection, job)
        return job

    def _looked_at(self, row: dict[str, Any]) -> Job:
        job = _job(row)
        if row["state"]:
            return job
        path = self.record_path(job.job_id)
        alive = record.lives(path)
        told = record.read(path)  # after the look at its life: its last words are there by then
        started = moment(told.started_us) if told.started_us else None
        job = replace(job, started_at=started, progress=told.progress, words=told.words)
        if alive:
            return replace(job, state="running" if told.pid else "waiting")
        if told.exit_code is None:
            state: JobState = "cancelled" if job.cancel_asked else "lost"
            words = told.words if job.cancel_asked else _LOST
            ended = record.seen_at(path) or job.asked_at
            return replace(job, state=state, words=words, ended_at=ended, progress=None)
        failed: JobState = "cancelled" if job.cancel_asked else "failed"
        return replace(
            job,
            state="done" if told.exit_code == 0 else failed,
            ended_at=moment(told.ended_us),
            exit_code=told.exit_code,
            progress=None,
        )

    # --- old ones -------------------------------------------------------------------------------

    def _prune(self, connection: sqlite3.Connection, now: datetime) -> None:
        """Take away what is old, and files that no job has."""
        old = connection.execute(
            "delete from jobs where state <> '' and (asked_us < ? or job_id not in"
            " (select job_id from jobs order by asked_us desc limit ?)) returning job_id",
            (microseconds(now - _KEPT_FOR), _KEPT),
        ).fetchall()
        for (job_id,) in old:
            self._remove_files(job_id)
        known = {job_id for (job_id,) in connection.execute("select job_id from jobs")}
        for path in (*self.folder.glob("*.job"), *self.folder.glob("*.log")):
            seen = record.seen_at(path)
            if path.stem not in known and seen is not None and seen < now - _LEFT_BEHIND_AFTER:
                self._remove_files(path.stem)

    def _remove_files(self, job_id: str) -> None:
        held = self.record_path(job_id)
        for path in (held, record.wish_path(held), self.log_path(job_id)):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _as_dict(cursor: sqlite3.Cursor, row: Sequence[Any]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _job(row: dict[str, Any]) -> Job:
    return Job(
        job_id=row["job_id"],
        kind=row["kind"],
        command=tuple(json.loads(row["command"])),
        state=row["state"] or "waiting",
        asked_at=moment(row["asked_us"]),
        started_at=moment(row["started_us"]) if row["started_us"] else None,
        ended_at=moment(row["ended_us"]) if row["ended_us"] else None,
        exit_code=row["exit_code"],
        words=row["words"],
        user=row["user_id"],
        cancel_asked=bool(row["cancel_asked"]),
    )


def _keep_end(connection: sqlite3.Connection, job: Job) -> None:
    connection.execute(
        "update jobs set state = ?, started_us = ?, ended_us = ?, exit_code = ?, words = ?"
        " where job_id = ? and state = ''",
        (
            job.state,
            microseconds(job.started_at) if job.started_at else 0,
            microseconds(job.ended_at) if job.ended_at else 0,
            job.exit_code,
            job.words,
            job.job_id,
        ),
    )
