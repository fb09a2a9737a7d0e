"""Schedules: what runs by itself, when it last did, and one process that begins it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from segue.errors import BusyError, ConfigError, SegueError, UnknownJobError
from segue.flows.jobs import job, start_job
from segue.jobs.timetable import timetable

if TYPE_CHECKING:
    from segue.events.base import EventLog
    from segue.flows.wiring import Wiring
    from segue.jobs.base import Job

__all__ = ["ScheduleState", "keep_schedules", "run_due", "run_now", "schedules"]

_log = logging.getLogger(__name__)

_CONSUMER: Final = "schedule"
"""Under which name the event log keeps when each last ran: all services of a log share it."""

_LOOK_EVERY_S: Final = 5.0
_REST_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """A schedule at one moment.

    Args:
        when: As it is written in the settings.
        command: The words after `segue`.
        last: When it was last begun, aware UTC; None: never.
        due: The last moment at which it was to run.
        next: The next one.
        is_due: Whether it was to run since it last did; missed moments count as one.
        job_id: The job that it last was; empty: never, or on another host.
        state: How that job is; empty: not known.
    """

    name: str
    when: str
    command: tuple[str, ...]
    last: datetime | None
    due: datetime
    next: datetime
    is_due: bool
    job_id: str = ""
    state: str = ""

    @property
    def kind(self) -> str:
        """Of its jobs: commands of one name do not run at the same time."""
        return self.command[0]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values, times in ISO 8601, UTC."""
        return {
            "name": self.name,
            "when": self.when,
            "command": list(self.command),
            "last": None if self.last is None else self.last.isoformat(),
            "next": self.next.isoformat(),
            "is_due": self.is_due,
            "job_id": self.job_id,
            "state": self.state,
        }


def schedules(wiring: Wiring, *, now: datetime, zone: tzinfo) -> tuple[ScheduleState, ...]:
    """Every schedule of the settings.

    Args:
        now: Aware.
        zone: Whose clocks the settings mean.
    """
    log = wiring.events
    return tuple(
        _state(name, told.when, told.command, log, wiring.settings.home, now=now, zone=zone)
        for name, told in wiring.settings.schedules.items()
    )


def run_now(
    wiring: Wiring,
    name: str,
    *,
    now: datetime,
    zone: tzinfo,
    if_due: bool = False,
    patience_s: float = 0.0,
) -> Job | None:
    """Begin a schedule's job, due or not; it counts as its last run.

    Args:
        if_due: Only if it is due, or never ran; else nothing is begun, and None comes back.
        patience_s: So long another run of the same command may take to end.

    Raises:
        ConfigError: There is no such schedule.
        BusyError: Its job is under way.
        StorageError: It cannot be noted.
    """
    known = {one.name: one for one in schedules(wiring, now=now, zone=zone)}
    if name not in known:
        raise ConfigError(
            f"there is no schedule “{name}”",
            field="schedules",
            cure=f"There are: {', '.join(known) or 'none'}.",
        )
    one = known[name]
    if if_due and not (one.is_due or one.last is None):
        return None
    ends = time.monotonic() + patience_s
    while True:
        try:
            return _begin(wiring.events, wiring.settings.home, one, now)
        except BusyError:
            if time.monotonic() >= ends:
                raise
            time.sleep(min(_LOOK_EVERY_S, patience_s))


def run_due(wiring: Wiring, *, now: datetime, zone: tzinfo) -> tuple[Job, ...]:
    """Begin what is due; of a schedule that was never seen, only note that it is there.

    What cannot begin now, since it is under way, stays due.
    """
    begun = []
    for one in schedules(wiring, now=now, zone=zone):
        if one.last is None:
            _note(wiring.events, one, now, "")
        elif one.is_due:
            try:
                begun.append(_begin(wiring.events, wiring.settings.home, one, now))
            except BusyError as error:
                _log.info("schedule %s waits: %s", one.name, error.message)
            except SegueError as error:
                _log.warning("schedule %s could not begin: %s", one.name, error)
    return tuple(begun)


def keep_schedules(
    wiring: Wiring, *, clock: Callable[[], datetime], zone: tzinfo, stop: threading.Event
) -> None:
    """Run what is due, until told to stop; of all processes that share an event log, one does.

    When that one is gone another takes over; what was missed meanwhile is made up for once.
    """
    log = wiring.events
    rest = 0.0
    while not stop.wait(rest):
        try:
            with log.consuming(_CONSUMER):
                _log.info("schedules are run by this process")
                while True:
                    run_due(wiring, now=clock(), zone=zone)
                    if stop.wait(_LOOK_EVERY_S):
                        return
        except SegueError as error:
            if not isinstance(error, BusyError):
                _log.warning("schedules wait: %s", error)
        rest = _REST_S


def _state(
    name: str,
    when: str,
    command: tuple[str, ...],
    log: EventLog,
    home: Path,
    *,
    now: datetime,
    zone: tzinfo,
) -> ScheduleState:
    table, kept = timetable(when), log.state(_CONSUMER, _key(name))
    known: dict[str, Any] = {} if kept is None else json.loads(kept)
    last = datetime.fromisoformat(known["at"]) if known else None
    due, job_id = table.last_until(now, zone), str(known.get("job", ""))
    return ScheduleState(
        name,
        when,
        command,
        last,
        due,
        table.next_after(now, zone),
        last is not None and last < due,
        job_id,
        _job_state(home, job_id),
    )


def _job_state(home: Path, job_id: str) -> str:
    try:
        return job(home, job_id).state if job_id else ""
    except UnknownJobError:
        return ""


def _begin(log: EventLog, home: Path, one: ScheduleState, now: datetime) -> Job:
    # A write that changes nothing: whoever has lost the lease without having heard of it yet cannot
    # make it, and so does not begin what its follower begins, too.
    log.advance(_CONSUMER, log.cursor(_CONSUMER))
    begun = start_job(home, one.kind, one.command, now=now)
    _note(log, one, now, begun.job_id)
    return begun


def _note(log: EventLog, one: ScheduleState, now: datetime, job_id: str) -> None:
    at = now.astimezone(UTC)
    told = json.dumps({"at": at.isoformat(), "job": job_id}).encode()
    log.advance(_CONSUMER, log.cursor(_CONSUMER), state={_key(one.name): told})


def _key(name: str) -> str:
    """Not the id of any user, whose states go when the user is forgotten."""
    return f"schedule\x1f{name}"
