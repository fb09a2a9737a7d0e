"""Status: where plays come from, what runs by itself, what runs now, and what it said."""

from __future__ import annotations

from typing import Final

from segue.doors.local_zone import clocks_of
from segue.doors.web.ask import Ask, View
from segue.doors.web.pages import Nav, Pages
from segue.doors.web.status_told import (
    board,
    budgets,
    job_line,
    job_lines,
    made,
    may_see_job,
    schedule_lines,
    source_lines,
    steps,
)
from segue.doors.web.trouble import Trouble
from segue.errors import BusyError, UnknownJobError
from segue.flows.jobs import cancel_job, job, job_log, start_job
from segue.flows.schedule import run_now
from segue.jobs.base import Job

__all__ = ["add_to"]

_COMPARE: Final = "evaluate"
_COMMANDS: Final = {
    "update": ("update",),
    "collect": ("collect",),
    "build": ("build",),
    "train": ("train",),
    _COMPARE: ("evaluate",),
}
"""What can be begun here, as it stands: nothing that was typed gets into a command."""

_LOG_BYTES: Final = 200_000


def add_to(pages: Pages) -> None:
    """Register the addresses."""
    pages.get("/status", show, nav=Nav("Status", "pulse", "house", 20))
    pages.post("/status/begin", begin)
    pages.post("/status/run", run_schedule)
    pages.get("/status/jobs/{job_id}", show_job)
    pages.post("/status/cancel", cancel)


def show(ask: Ask) -> View:
    """The page, or what moves on it."""
    lines = job_lines(ask)
    told = {
        "title": "Status",
        "jobs": lines,
        "is_busy": any(not one.is_over for one in lines),
        "schedules": schedule_lines(ask, clocks_of(ask.house.settings), lines),
        "in_service": ask.house.settings.schedule.in_service,
        "update": steps(ask),
        "is_comparing": any(one.kind == _COMPARE and not one.is_over for one in lines),
        "may_manage": ask.who.may_manage,
    }
    if ask.fragment != "live":
        told["board"] = board(ask)
    if ask.fragment not in ("live", "models"):
        wiring = ask.house.wiring
        told["sources"] = source_lines(ask)
        told["budgets"] = budgets(wiring, ask)
        told["made"] = made(wiring, ask.house.clock())
    return View("status.html", told)


def begin(ask: Ask) -> View:
    """Begin a command of the whole house."""
    _must_manage(ask)
    kind = ask.one("command")
    if kind not in _COMMANDS:
        raise Trouble(400, "There is no such thing to begin")
    try:
        start_job(ask.house.home, kind, _command(ask, kind), now=ask.house.clock())
    except BusyError as error:
        raise _busy() from error
    return show(ask)


def _command(ask: Ask, kind: str) -> tuple[str, ...]:
    """The command; models are compared on the plays of whoever is looked at."""
    return (*_COMMANDS[kind], *(("--user", ask.who.user_id) if kind == _COMPARE else ()))


def run_schedule(ask: Ask) -> View:
    """Run a schedule now."""
    _must_manage(ask)
    zone = clocks_of(ask.house.settings)
    try:
        run_now(ask.house.wiring, ask.one("name"), now=ask.house.clock(), zone=zone)
    except BusyError as error:
        raise _busy() from error
    return show(ask)


def show_job(ask: Ask) -> View:
    """One job and what it said."""
    return _one_job(ask, ask.values["job_id"])


def _one_job(ask: Ask, job_id: str) -> View:
    found = _job(ask, job_id)
    log, after = [], 0
    while (part := job_log(ask.house.home, found.job_id, after)).after > after:
        log.append(part.text)
        after = part.after
    text = "".join(log)
    told = {
        "title": found.kind,
        "job": job_line(found, ask.house.clock()),
        "log": text[-_LOG_BYTES:],
        "is_cut": len(text) > _LOG_BYTES,
    }
    return View("status_job.html", told)


def cancel(ask: Ask) -> View:
    """End a job."""
    found = _job(ask, ask.one("job"))
    cancel_job(ask.house.home, found.job_id, wait_s=0)
    return _one_job(ask, found.job_id) if ask.fragment == "job" else show(ask)


def _job(ask: Ask, job_id: str) -> Job:
    """A job that this person may see; whoever may not learns nothing of it."""
    try:
        found = job(ask.house.home, job_id)
    except UnknownJobError as error:
        raise _no_job() from error
    if not may_see_job(ask, found):
        raise _no_job()
    return found


def _no_job() -> Trouble:
    return Trouble(404, "There is no such job", "Old ones are forgotten after 60 days.")


def _busy() -> Trouble:
    return Trouble(409, "That is under way already", "Wait until it is done, or end it.")


def _must_manage(ask: Ask) -> None:
    if not ask.who.may_manage:
        raise Trouble(403, "That concerns the whole household", "Ask whoever looks after Segue.")
