"""Settings of what runs by itself, and when."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from segue.settings.part import Part
from segue.settings.updating import When

__all__ = ["Scheduled", "Schedules", "Scheduling", "usual_schedules"]

_NAMED: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
"""What schedules may be called: files are named after them."""


def _a_command(words: tuple[str, ...]) -> tuple[str, ...]:
    if not all(words) or not _NAMED.fullmatch(words[0]):
        raise ValueError('a command is a list of words after segue, such as ["update"]')
    return words


class Scheduled(Part):
    """One command that runs again and again: a table [schedules.NAME]."""

    when: When = Field(description="When it runs, by the clocks of `time_zone`.")
    command: Annotated[tuple[str, ...], AfterValidator(_a_command)] = Field(
        min_length=1, description="The words after `segue`, such as [“update”]."
    )


class Scheduling(Part):
    """Who runs the schedules."""

    in_service: bool = Field(
        False, description="Whether `segue serve` runs them; of several services one does."
    )


def usual_schedules() -> dict[str, Scheduled]:
    """Those of somebody who has named none."""
    return {
        "collect": Scheduled(when="every 20 minutes", command=("update", "--only", "collect")),
        "update": Scheduled(when="daily at 06:30", command=("update",)),
    }


def _named(found: dict[str, Scheduled]) -> dict[str, Scheduled]:
    for name in found:
        if not _NAMED.fullmatch(name):
            raise ValueError(f"a schedule cannot be called {name!r}: use a-z, 0-9 and hyphens")
    return found


Schedules = Annotated[dict[str, Scheduled], AfterValidator(_named)]
"""Name -> schedule."""
