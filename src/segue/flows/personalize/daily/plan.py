"""Which files of raw events a run takes."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from segue.errors import NotReadyError
from segue.flows.personalize.daily.ledger import DayOfFiles, Ledger, Run, Standing
from segue.flows.personalize.daily.naming import ours, replaced
from segue.flows.personalize.daily.places import Work
from segue.warehouse.s3_files import FROZEN, S3File

__all__ = ["planned"]

_DAY: Final = "day="
_A_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_LATE: Final = timedelta(days=3)  # files appear in a day's folder for so long after it


def planned(work: Work, ledger: Ledger, *, whole: bool) -> Run:
    """Look for files that no run has taken, and note what the next one takes.

    Args:
        whole: Take everything there is anew, and replace what was imported. Where somebody else
            replaced all that was imported before, everything is taken anew as well.

    Raises:
        NotReadyError: The ledger is empty, but data sets were imported by it.
    """
    standing = ledger.standing()
    begun = standing.last is not None or standing.run is not None
    if not begun and not whole and ours(work.account):
        raise NotReadyError(
            f"the ledger in {work.places.ledger.place} is empty, but Personalize has daily data"
            " sets already: what they hold would be imported twice",
            cure="Name the ledger they were made with, or begin anew with --whole.",
        )
    if not begun or whole or replaced(work.account):
        standing = replace(standing, generation=int(work.now.timestamp()), last_day=None)
    run = _found(work, ledger, standing, whole)
    ledger.plan(run)
    ledger.stand(replace(standing, run=run.run_id))
    return run


def _found(work: Work, ledger: Ledger, standing: Standing, whole: bool) -> Run:
    today = work.now.date()
    first = today - timedelta(days=work.settings.personalize.event_days - 1)
    if standing.last_day is not None:
        first = max(first, date.fromisoformat(standing.last_day) - _LATE)
    found, frozen = _files_since(work, ledger, standing.generation, str(first))
    days = [
        DayOfFiles(day, tuple(one.name for one in files), sum(one.size for one in files))
        for day, files in sorted(found.items())
    ]
    before = max(int(standing.last or 0), int(standing.run or 0))
    run_id = max(int(work.now.timestamp()), before + 1)
    return Run(str(run_id), standing.generation, whole, tuple(days), frozen)


def _files_since(
    work: Work, ledger: Ledger, generation: int, first: str
) -> tuple[dict[str, list[S3File]], int]:
    """Day -> its files that were not taken, and how many more nobody can read now."""
    found: dict[str, list[S3File]] = {}
    frozen, taken = 0, dict[str, set[str]]()
    for one in work.places.events.find(_DAY, after=f"{_DAY}{first}"):
        day = one.name[len(_DAY) :].partition("/")[0]
        if not _A_DAY.fullmatch(day):
            continue
        if day not in taken:
            taken[day] = ledger.taken(generation, day)
        if not one.size or one.name in taken[day] or _is_hidden(one.name):
            continue
        if one.storage in FROZEN:
            frozen += 1
        else:
            found.setdefault(day, []).append(one)
    return found, frozen


def _is_hidden(name: str) -> bool:
    return name.rpartition("/")[2].startswith((".", "_"))
