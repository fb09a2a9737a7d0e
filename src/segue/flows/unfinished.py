"""Finish what an interrupted command began with a home as a whole."""

from __future__ import annotations

import shutil
from contextlib import suppress

from segue.errors import BusyError, StorageError, WarehouseError
from segue.flows import forget
from segue.flows.wiring import Wiring
from segue.progress import Progress
from segue.settings import Settings
from segue.warehouse import home_swap
from segue.warehouse.home_journal import STAGED, unfinished
from segue.warehouse.home_swap import swap_in

__all__ = ["finish"]


def finish(settings: Settings, progress: Progress) -> None:
    """Do what is left of a restore or of forgetting; nothing, if there is nothing.

    Raises:
        BusyError: It is being done at this moment.
        StorageError: The home cannot be written.
        WarehouseError: What was begun is not known to this Segue.
    """
    home = settings.home
    wiring = Wiring(settings, recovering=True)
    if unfinished(home) is None:
        with suppress(BusyError, StorageError), wiring.lock.alone("recovery"):
            shutil.rmtree(home / STAGED, ignore_errors=True)  # of a restore that never was
        return
    with wiring.lock.alone("recovery"):
        found = unfinished(home)
        if found is None:
            return
        progress.start(f"Finishing an interrupted {found['verb']}")
        if found["verb"] == home_swap.VERB:
            swap_in(home, found)
        elif found["verb"] == forget.VERB:
            forget.resume(wiring, found, progress)
        else:
            raise WarehouseError(
                f"a newer Segue began with “{found['verb']}” in {home} and was interrupted",
                cure="Finish it with that version of Segue.",
            )
        progress.done()
