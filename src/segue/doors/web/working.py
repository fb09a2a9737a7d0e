"""A job as the page shows it: what it does, how far it is, what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from segue.jobs.base import Job

__all__ = ["Work", "ago", "work_of"]

_TITLES: Final = {
    "start": "Reading your music",
    "collect": "Collecting what you played",
    "demo": "Making up a listener",
}
_DONE: Final = {
    "start": "Your music is in",
    "collect": "What you played is in",
    "demo": "The made-up listener is ready",
}
_SHOWN_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Work:
    """A job.

    Args:
        words: Its present stage, or what came of it.
        percent: Of the present stage, 0 … 100; None: nobody knows.
        announced: For a screen reader.
    """

    job_id: str
    kind: str
    title: str
    words: str
    percent: int | None
    is_over: bool
    is_good: bool
    announced: str
    is_old: bool = False


def work_of(found: Job, now: datetime) -> Work:
    """A job for the page."""
    good = found.state == "done"
    title = _TITLES.get(found.kind, found.kind)
    if good:
        title = _DONE.get(found.kind, title)
    elif found.state == "cancelled":
        title = "Ended, as you wished"
    elif found.is_over:
        title = "That did not work"
    words = found.words if found.state != "waiting" else "It begins in a moment"
    if found.cancel_asked and not found.is_over:
        words = "It is ending"
    percent = None if found.progress is None else round(100 * found.progress)
    ended = found.ended_at or now
    return Work(
        found.job_id,
        found.kind,
        title,
        words[:300],
        percent,
        found.is_over,
        good,
        announced=title if found.is_over else f"{words}, {percent or 0} %",
        is_old=found.is_over and now - ended > _SHOWN_FOR,
    )


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in words.

    >>> from datetime import UTC
    >>> ago(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC))
    '2 days ago'
    """
    seconds = (now - moment).total_seconds()
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {word}{'s' * (number > 1)} ago"
    return "just now"
