"""Removing files that nothing names: of killed imports, and those that were put together."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from segue.warehouse.lake_log import LakeLog
from segue.warehouse.lake_names import FOLDERS, is_ours
from segue.warehouse.lake_store import Found

__all__ = ["Leftover", "leftovers", "sweep"]

_log = logging.getLogger(__name__)
_UNDER_WAY: Final = timedelta(hours=1)  # an import on another machine may still commit it


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file that no reader asks for any more.

    Args:
        found: The file.
        since: When it stopped to count; for files that never did, when they were written.
        replaced: Its rows are in another file now; else an import was killed, or is under way.
    """

    found: Found
    since: datetime
    replaced: bool


def leftovers(log: LakeLog) -> Iterator[Leftover]:
    """Files of ours that do not count."""
    # Files first, then manifests: what is committed meanwhile has its files in neither or in both.
    there = [found for folder in FOLDERS for found in log.store.find(folder)]
    state = log.state()
    named = {name for commit in state.commits for name in commit.names}
    for found in there:
        replacing = state.replaced_by.get(found.name)
        if replacing is not None:
            yield Leftover(found, replacing.made_at, replaced=True)
        elif found.name not in named and is_ours(found.name):
            yield Leftover(found, found.changed_at, replaced=False)


def sweep(
    log: LakeLog, *, now: datetime | None = None, grace: timedelta = timedelta(0)
) -> tuple[Found, ...]:
    """Remove leftovers that are old enough.

    Where only one may write at a time, that one is us: what an import has left is removed at once.

    Args:
        now: Aware UTC; None: nothing is removed that others may still be reading or writing.
        grace: How old a leftover must be.

    Returns:
        What was removed.
    """
    gone = []
    for one in leftovers(log):
        if not one.replaced and not log.store.shared:
            gone.append(one.found)
        elif now is not None:
            least = grace if one.replaced else max(grace, _UNDER_WAY)
            if now - one.since >= least:
                gone.append(one.found)
    for found in gone:
        _log.info("removing %s, which nothing names", found.name)
    log.store.remove([found.name for found in gone])
    return tuple(gone)
