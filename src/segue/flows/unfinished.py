"""Finish what an interrupted command began with a home as a whole."""

from __future__ import annotations

import shutil
from contextlib import suppress

from segue.errors import BusyError, StorageError, WarehouseError
from segue.progress import Progress
from segue.settings import Settings
from segue.warehouse.home_journal import JOURNAL, unfinished
from segue.warehouse.home_lock import HomeLock
from segue.warehouse.home_swap import STAGED, VERB, swap_in

__all__ = ["finish", "is_unfinished"]


def is_unfinished(settings: Settings) -> bool:
    """Whether something is left to do, or to clear away; two looks at the disk."""
    return (settings.home / JOURNAL).exists() or (settings.home / STAGED).exists()


def finish(settings: Settings, progress: Progress) -> None:
    """Do what is left of a restore; nothing, if there is nothing.

    Raises:
        BusyError: It is being done at this moment.
        StorageError: The home cannot be written.
        WarehouseError: What was begun is not known to this Segue.
    """
    home = settings.home
    lock = HomeLock(home)
    if unfinished(home) is None:
        with suppress(BusyError, StorageError), lock.alone("recovery"):
            shutil.rmtree(home / STAGED, ignore_errors=True)  # of a restore that never was
        return
    with lock.alone("recovery"):
        found = unfinished(home)
        if found is None:
            return
        progress.start(f"Finishing an interrupted {found['verb']}")
        if found["verb"] != VERB:
            raise WarehouseError(
                f"a newer Segue began with “{found['verb']}” in {home} and was interrupted",
                cure="Finish it with that version of Segue.",
            )
        swap_in(home, found)
        progress.done()
