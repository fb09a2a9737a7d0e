"""A process of its own that brings events into a lake, for tests that kill it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from segue.events.sqlite_log import SqliteLog
from segue.flows.consume import consume
from segue.flows.lake_writer import LakeWriter
from segue.warehouse.lake import Lake
from tests.support import NOW


def main(folder: str, fault: str) -> None:
    """Take everything; `fault` is "none" or the step of a commit at which to die."""

    def on_step(step: str) -> None:
        if step == fault:
            os.kill(os.getpid(), signal.SIGKILL)

    log = SqliteLog(Path(folder, "events.sqlite"))
    consume(log, LakeWriter(Lake(Path(folder, "lake"), threads=1, on_step=on_step)), now=NOW)
    log.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
