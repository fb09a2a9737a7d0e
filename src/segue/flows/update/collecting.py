"""The first step of an update: what was played and kept, from everywhere that is set up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from segue.errors import SegueError, Temporary
from segue.flows.update.memory import UpdateMemory
from segue.flows.update.report import StepReport

if TYPE_CHECKING:
    from segue.flows.wiring import Wiring
    from segue.progress import Progress

__all__ = ["collect_all"]

_LIBRARY: Final = "spotify library"
_NOWHERE: Final = "nobody is signed in at Spotify, and no other service is set up"


def collect_all(
    wiring: Wiring,
    memory: UpdateMemory,
    *,
    clock: Callable[[], datetime],
    dry_run: bool,
    progress: Progress,
) -> StepReport:
    """Plays of everybody, and now and then what they keep; one that fails stops no other."""
    from segue.flows.collect import collect, configured

    sources = configured(wiring, clock)
    if not sources:
        return StepReport("collect", "skipped", _NOWHERE)
    if dry_run:
        return StepReport("collect", "planned", f"from {', '.join(sources)}")
    report = collect(wiring, clock=clock, sources=sources, progress=progress)
    details = [
        {**one.as_dict(), "fault": _fault(one.error) if one.error else None}
        for one in report.collected
    ]
    faults = [one.error for one in report.collected if one.error is not None]
    for one in report.collected:
        if one.error is None:
            for what in dict.fromkeys((one.source, f"{one.source} {one.name}".strip())):
                memory.note(f"collected {what}", clock(), one.user_id)
    users = [
        one.user_id for one in report.collected if one.source == "spotify" and one.error is None
    ]
    details += [
        _library(wiring, memory, user_id, clock, faults)
        for user_id in users
        if _library_is_due(wiring, memory, user_id, clock())
    ]
    words = f"{report.kept:,} plays are new"
    if not faults:
        return StepReport("collect", "done", words, details=tuple(details))
    first = faults[0]
    return StepReport(
        "collect", "failed", f"{words}; {first.message}", first.cure, details=tuple(details)
    )


def _fault(error: SegueError) -> dict[str, Any]:
    return {
        "kind": type(error).__name__,
        "message": error.message,
        "cure": error.cure,
        "may_pass": isinstance(error, Temporary),
    }


def _library_is_due(wiring: Wiring, memory: UpdateMemory, user_id: str, now: datetime) -> bool:
    last = memory.deed(_LIBRARY, user_id)
    every = timedelta(hours=wiring.settings.update.library_hours)
    return last is None or now - last.at >= every


def _library(
    wiring: Wiring,
    memory: UpdateMemory,
    user_id: str,
    clock: Callable[[], datetime],
    faults: list[SegueError],
) -> dict[str, Any]:
    from segue.flows.spotify.library import read_library

    try:
        report = read_library(wiring.spotify(clock), wiring.lake, user_id)
    except SegueError as error:
        faults.append(error)
        return {"source": _LIBRARY, "user": user_id, "error": error.message}
    memory.note(_LIBRARY, clock(), user_id)
    return {"source": _LIBRARY, **report.as_dict(), "user": user_id}
