"""A process of its own that restores a backup, for tests that kill it at a step."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from segue.flows.restore import restore
from segue.progress import Silent
from segue.warehouse.home_lock import HomeLock
from tests.support import NOW


def main(home: str, archive: str, fatal: str, times: str) -> None:
    """Restore; at the `times`-th step of the name `fatal` the process is killed."""
    left = int(times)

    def on_step(step: str) -> None:
        nonlocal left
        left -= step == fatal
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with Path(archive).open("rb") as stream:
        restore(
            HomeLock(Path(home)),
            stream,
            Path(archive),
            replace=True,
            size=None,
            progress=Silent(),
            now=NOW,
            on_step=on_step,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
