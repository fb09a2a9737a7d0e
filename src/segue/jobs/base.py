"""What a job is: a command of Segue in a process of its own, and what is known of it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from segue.errors import ConfigError

__all__ = ["OVER", "Job", "JobState", "LogPart", "checked_kind"]

JobState = Literal["waiting", "running", "done", "failed", "cancelled", "lost"]

OVER: Final[frozenset[JobState]] = frozenset({"done", "failed", "cancelled", "lost"})
"""States that do not change any more."""

_KIND: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one command.

    Args:
        job_id: Begins with the moment it was asked for, so that ids are in the order of time.
        kind: What is done; of a kind at most one job of a data home runs at a time.
        command: The words after `segue`.
        state: `waiting` until its process has begun; `lost` if that is gone and never said how it
            ended: killed, or the machine stopped.
        asked_at: When it was asked for, aware UTC.
        started_at: When its process began.
        ended_at: When it ended; of a lost one, when it last gave a sign of life.
        exit_code: As in a shell: 0 is done, more is an error (see `segue --help`).
        progress: How much of its present stage is done, 0 to 1; None: not known.
        words: That stage, or what came of it, in a few words.
        user: Whose job it is; empty: everybody's.
        cancel_asked: Whether somebody wants it to end.
    """

    job_id: str
    kind: str
    command: tuple[str, ...]
    state: JobState
    asked_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    progress: float | None = None
    words: str = ""
    user: str = ""
    cancel_asked: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.state in OVER

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values, times in ISO 8601."""
        found = asdict(self) | {"command": list(self.command)}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in found.items()
        }


@dataclass(frozen=True, slots=True)
class LogPart:
    """What a job said, from one place of its log on.

    Args:
        text: What it said there.
        after: Where to go on reading, in bytes.
        is_all: Whether nothing more comes.
    """

    text: str
    after: int
    is_all: bool


def checked_kind(kind: str) -> str:
    """The kind, if jobs may be called so.

    Raises:
        ConfigError: They may not.
    """
    if not _KIND.fullmatch(kind):
        raise ConfigError(
            f"a job cannot be called {kind[:60]!r}",
            field="kind",
            cure="Use up to 40 small letters, digits and hyphens, such as spotify-poll.",
        )
    return kind
