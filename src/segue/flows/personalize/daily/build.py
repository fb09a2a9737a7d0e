"""Daily data sets for Personalize, made and imported step by step."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from segue.errors import BusyError
from segue.flows.personalize.daily.imports import import_made, jobs_entry
from segue.flows.personalize.daily.interactions import account_of, day_entry, make_day
from segue.flows.personalize.daily.ledger import Ledger, Run
from segue.flows.personalize.daily.places import Work
from segue.flows.personalize.daily.plan import planned
from segue.flows.personalize.daily.tracks import ITEMS_SENT, make_tracks, tracks_entry
from segue.flows.personalize.daily.users import make_users, users_entry
from segue.warehouse.event_files import RowAccount

__all__ = ["State", "Step", "go_on"]

_log = logging.getLogger(__name__)

State = Literal["working", "waiting", "done"]
"""working: ask again at once; waiting: ask again after a while; done: nothing is left to do."""

_WAIT_SECONDS: Final = 60
_A_STEP_SECONDS: Final = 300.0  # to be left before another piece of work is begun


@dataclass(frozen=True, slots=True)
class Step:
    """How far a run is.

    Args:
        state: What whoever asked should do next.
        run: The run's number.
        wait_seconds: How long to wait before asking again.
        account: What became of every row; None: the run has not ended.
        whole: Whether a whole run is still to be planned.
    """

    state: State
    run: str = ""
    wait_seconds: int = 0
    account: dict[str, Any] | None = None
    whole: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "state": self.state,
            "run": self.run,
            "wait_seconds": self.wait_seconds,
            "account": self.account,
            "whole": self.whole,
        }


def go_on(work: Work, *, whole: bool = False, run_id: str = "") -> Step:
    """Do the next pieces of work of the run that is under way, or of a new one.

    To be called until it is done; by whom does not matter. A run that was broken off is ended
    before another one is planned.

    Args:
        whole: Take all events anew and replace what was imported; only asked of a new run.
        run_id: Of the run that whoever calls is waiting for; empty: any.

    Raises:
        ConfigError, StorageError, ServiceError, NotReadyError: See the message; what is made stays.
    """
    ledger = Ledger(work.places.ledger)
    try:
        with ledger.held(work.now, uuid.uuid4().hex):
            return _steps(work, ledger, whole, run_id)
    except BusyError as error:
        _log.info("daily data sets: %s", error.message)
        return Step("waiting", run_id, _WAIT_SECONDS, whole=whole)


def _steps(work: Work, ledger: Ledger, whole: bool, run_id: str) -> Step:
    standing = ledger.standing()
    if standing.run is None:
        if run_id and run_id == standing.last:  # somebody else has ended it
            return _told(ledger, run_id)
        run = planned(work, ledger, whole=whole)
    else:
        run = ledger.run(standing.run)
    if whole and not run.whole:  # what is under way is given up
        run = planned(work, ledger, whole=True)
    if not _made(work, ledger, run):
        return Step("working", run.run_id)
    if not import_made(work, ledger, run):
        return Step("waiting", run.run_id, _WAIT_SECONDS)
    return _ended(work, ledger, run)


def _made(work: Work, ledger: Ledger, run: Run) -> bool:
    """Make what is still to be made; False: there is no time for all of it now."""
    begun = False
    if ledger.get(tracks_entry(run)) is None:
        make_tracks(work, ledger, run)
        begun = True
    for day in run.days:
        if ledger.get(day_entry(run, day.day)) is not None:
            continue
        if begun and work.seconds_left() < _A_STEP_SECONDS:
            return False
        make_day(work, ledger, run, day)
        begun = True
    if begun and work.seconds_left() < _A_STEP_SECONDS:
        return False
    return make_users(work, ledger, run)


def _ended(work: Work, ledger: Ledger, run: Run) -> Step:
    """Note that a run is over: its files are taken, and what became of every row is kept."""
    account, unreadable = RowAccount(), []
    for day in run.days:
        entry = ledger.get(day_entry(run, day.day)) or {}
        account += account_of(entry)
        unreadable += entry["unreadable"]
    for day in run.days:
        ledger.take(run.generation, day.day, set(day.names) - set(unreadable))
    tracks = ledger.get(tracks_entry(run)) or {}
    users = ledger.get(users_entry(run)) or {}
    if tracks["tag"]:
        ledger.put(ITEMS_SENT, {"tag": tracks["tag"], "run": run.run_id})
    told = {
        "run": run.run_id,
        "whole": run.whole,
        "files": sum(len(day.names) for day in run.days),
        "unreadable": sorted(unreadable),
        "frozen": run.frozen,
        "read": account.read,
        "kept": account.kept,
        "duplicate": account.duplicate,
        "rejected": dict(account.rejected),
        "users": users["rows"],
        "users_without_profile": users["unknown"],
        "items": tracks["rows"],
        "jobs": ledger.get(jobs_entry(run)) or {},
    }
    ledger.put(f"{run.folder}/account.json", told)
    standing = ledger.standing()
    last_day = run.days[-1].day if run.days else standing.last_day
    ledger.stand(replace(standing, run=None, last=run.run_id, last_day=last_day))
    if unreadable:
        _log.error("daily data sets: %d files are no Parquet: %s", len(unreadable), unreadable[:5])
    _log.info(
        "daily data sets: read %d = kept %d + duplicate %d + rejected %d; %d users, %d items",
        account.read, account.kept, account.duplicate, sum(account.rejected.values()),
        told["users"], told["items"],
    )  # fmt: skip
    return Step("done", run.run_id, account=told)


def _told(ledger: Ledger, run_id: str) -> Step:
    return Step("done", run_id, account=ledger.get(f"runs/{run_id}/account.json"))
