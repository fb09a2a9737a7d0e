"""What the page “Status” tells: sources, requests, schedules, jobs, the last update, the models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from segue.doors.web.ask import Ask
from segue.doors.web.board_told import ToldBoard, told_board
from segue.doors.web.plain_words import in_plain_words
from segue.doors.web.working import ago
from segue.errors import NotReadyError, SegueError, WarehouseError
from segue.flows.accounts import accounts_at
from segue.flows.collect import SOURCES, configured
from segue.flows.home_parts import UPDATE
from segue.flows.jobs import jobs
from segue.flows.kept_board import kept_board
from segue.flows.schedule import ScheduleState, schedules
from segue.flows.spotify.sign_in import sign_ins
from segue.flows.update.memory import UpdateMemory
from segue.flows.wiring import Wiring
from segue.jobs.base import Job
from segue.services.request_queue import RequestQueue, Usage
from segue.services.sign_ins import SignInFacts

__all__ = [
    "Budget",
    "JobLine",
    "ScheduleLine",
    "SourceLine",
    "board",
    "budgets",
    "job_line",
    "job_lines",
]
__all__ += ["made", "may_see_job", "schedule_lines", "source_lines", "steps"]

_NAMES: Final = {"spotify": "Spotify", "lastfm": "Last.fm", "listenbrainz": "ListenBrainz"}
_SOON_DAYS: Final = 14
_SHOWN: Final = 12
_STATES: Final = {
    "waiting": "begins",
    "running": "under way",
    "done": "done",
    "failed": "failed",
    "cancelled": "ended",
    "lost": "lost",
}


@dataclass(frozen=True, slots=True)
class SourceLine:
    """Where plays come from.

    Args:
        words: How it is with it.
        is_wrong: Whether somebody has to do something.
        again: Where one signs in; empty: nothing is to be done.
    """

    name: str
    user: str
    words: str
    is_wrong: bool = False
    again: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """Requests to a service in 24 hours."""

    name: str
    used: int
    most: int
    words: str

    @property
    def percent(self) -> int:
        """Of what may be asked."""
        return min(100, round(100 * self.used / max(1, self.most)))


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """A schedule."""

    name: str
    when: str
    command: str
    last: str
    next: str
    is_running: bool


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job.

    Args:
        percent: Of its present stage; None: nobody knows.
        tone: good, wrong, or empty.
    """

    job_id: str
    kind: str
    command: str
    state: str
    words: str
    when: str
    percent: int | None
    is_over: bool
    tone: str = ""


def source_lines(ask: Ask) -> list[SourceLine]:
    """Every account that plays come from, and how long its sign-in lasts."""
    wiring, now = ask.house.wiring, ask.house.clock()
    memory = UpdateMemory(wiring.home / UPDATE)
    found = [
        _signed_in(one, memory, now)
        for one in sign_ins(wiring.spotify(ask.house.clock))
        if _may_see(ask, one.user_id)
    ]
    known = configured(wiring, ask.house.clock)
    found += [
        SourceLine(_NAMES[name], one.user_id, _collected(name, one.user_id, memory, now))
        for name in SOURCES
        if name != "spotify" and name in known
        for one in accounts_at(wiring, name)
        if _may_see(ask, one.user_id)
    ]
    return found


def _signed_in(one: SignInFacts, memory: UpdateMemory, now: datetime) -> SourceLine:
    told = _collected("spotify", one.user_id, memory, now)
    if one.ended:
        return SourceLine("Spotify", one.user_id, f"signed out: {one.ended}", True, _AGAIN)
    left = one.left(now)
    if left is None:
        return SourceLine("Spotify", one.user_id, f"{told}; when the sign-in ends is not known")
    days = max(0, left.days)
    if days <= _SOON_DAYS:
        ends = "today" if not days else f"in {days} day{'s' * (days > 1)}"
        return SourceLine("Spotify", one.user_id, f"the sign-in ends {ends}", True, _AGAIN)
    return SourceLine("Spotify", one.user_id, f"{told}; signed in for {days} more days")


_AGAIN: Final = "/connect/spotify"


def _collected(source: str, user: str, memory: UpdateMemory, now: datetime) -> str:
    last = memory.deed(f"collected {source}", user)
    return "not collected by an update yet" if last is None else f"collected {ago(last.at, now)}"


def budgets(wiring: Wiring, ask: Ask) -> list[Budget]:
    """What was asked of each service that is in use."""
    if not wiring.services.exists:
        return []
    with wiring.services.reading() as db:
        asked = {str(name) for (name,) in db.execute("select distinct service from requests")}
    found = []
    for name in sorted(asked):
        most = wiring.settings.section(name.lower().replace(".", "")).get("requests_per_day")
        if not most:
            continue
        queue = RequestQueue(wiring.services, name, budget=most, setting="", clock=ask.house.clock)
        found.append(_budget(name, queue.usage()))
    return found


def _budget(name: str, usage: Usage) -> Budget:
    words = f"{usage.used:,} of {usage.budget:,} requests in 24 hours"
    if usage.blocked_until is not None:
        words += f"; none before {usage.blocked_until:%d %b %H:%M} UTC"
    return Budget(name, usage.used, usage.budget, words)


def schedule_lines(ask: Ask, zone: ZoneInfo, running: Sequence[JobLine]) -> list[ScheduleLine]:
    """What runs by itself."""
    now = ask.house.clock()
    under_way = {one.kind for one in running if not one.is_over}
    return [
        _schedule(one, zone, now, one.kind in under_way)
        for one in schedules(ask.house.wiring, now=now, zone=zone)
    ]


def _schedule(one: ScheduleState, zone: ZoneInfo, now: datetime, is_running: bool) -> ScheduleLine:
    last = "never ran" if one.last is None else f"ran {ago(one.last, now)}"
    if one.state:
        last += f", {_STATES[one.state]}"
    return ScheduleLine(
        one.name,
        one.when,
        f"segue {' '.join(one.command)}",
        last,
        f"{one.next.astimezone(zone):%a %d %b, %H:%M}",
        is_running,
    )


def job_lines(ask: Ask) -> list[JobLine]:
    """The latest jobs that this person may see."""
    now = ask.house.clock()
    seen = (one for one in jobs(ask.house.home, limit=100) if may_see_job(ask, one))
    return [job_line(one, now) for one, _ in zip(seen, range(_SHOWN), strict=False)]


def may_see_job(ask: Ask, one: Job) -> bool:
    """Whether a job is theirs, or they manage the house."""
    return ask.who.may_manage or (bool(one.user) and one.user == ask.who.user_id)


def job_line(one: Job, now: datetime) -> JobLine:
    """A job in a line."""
    tones = {"done": "good", "failed": "wrong", "lost": "wrong"}
    is_ending = one.cancel_asked and not one.is_over
    return JobLine(
        one.job_id,
        one.kind,
        f"segue {' '.join(one.command)}",
        "ending" if is_ending else _STATES[one.state],
        one.words[:200],
        ago(one.asked_at, now),
        None if one.progress is None else round(100 * one.progress),
        one.is_over,
        tones.get(one.state, ""),
    )


def steps(ask: Ask) -> dict[str, Any] | None:
    """What the last update did; None: there was none."""
    found = UpdateMemory(ask.house.home / UPDATE).reports(1)
    if not found:
        return None
    last = found[0]
    tones = {"done": "good", "failed": "wrong"}
    shown = [
        {
            "name": one["step"],
            "state": one["state"],
            "words": one["words"],
            "cure": in_plain_words(one["cure"]),
            "tone": tones.get(one["state"], ""),
        }
        for one in last["steps"]
        if one["words"] != "not wanted this time"
    ]
    when = ago(datetime.fromisoformat(last["started_at"]), ask.house.clock())
    return {"when": when, "steps": shown}


def made(wiring: Wiring, now: datetime) -> list[tuple[str, str]]:
    """What was built and trained, and when."""
    try:
        snapshot = wiring.snapshots.current()
        built = f"{snapshot.rows('plays'):,} plays of {snapshot.rows('tracks'):,} tracks"
        built += f", {ago(snapshot.made_at, now)}"
    except NotReadyError:
        built = "nothing yet"
    except WarehouseError as error:
        built = error.message
    try:
        bundle = wiring.bundles.current()
        trained = f"{ago(bundle.trained_at, now)}: {', '.join(sorted(bundle.recommenders))}"
    except NotReadyError:
        trained = "nothing yet"
    except SegueError as error:
        trained = error.message
    return [("Built", built), ("Trained", trained)]


def board(ask: Ask) -> ToldBoard | None:
    """The last comparison of models on the plays of whoever is looked at; None: there is none."""
    kept = kept_board(ask.house.home, ask.who.user_id)
    if kept is None:
        return None
    try:
        snapshot = ask.house.wiring.snapshots.current().name
    except SegueError:
        snapshot = ""
    return told_board(kept, ask.house.clock(), snapshot)


def _may_see(ask: Ask, user_id: str) -> bool:
    return ask.who.may_manage or user_id == ask.who.user_id
