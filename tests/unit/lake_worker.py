"""A process of its own that imports into a lake, for tests that kill, block or starve it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from segue.errors import SegueError
from segue.music.lake_tables import PLAYS
from segue.sources.base import Chunk
from segue.warehouse.lake import Lake
from tests.support import NOW, play_rows, reject_rows

ROWS = 400


def main(folder: str, number: str, fault: str) -> int:
    """Import ROWS plays, the `number`-th lot; `fault` is "none", "hold" or "kill:<step>".

    With "compact:<step>" nothing is imported, but a compaction killed at that step.
    """

    def on_step(step: str) -> None:
        if fault in (f"kill:{step}", f"compact:{step}"):
            os.kill(os.getpid(), signal.SIGKILL)

    lake = Lake(Path(folder), threads=1, on_step=on_step)
    if fault.startswith("compact:"):
        lake.compact(NOW)
        return 0
    begin = 10_000 * int(number)
    rows = play_rows(*[(begin + minute, f"Artist {minute}", "Song") for minute in range(ROWS)])
    try:
        with lake.writing(), lake.begin("history", Path("a"), user_id="ann", name="") as new:
            sys.stdout.write("writing\n")
            sys.stdout.flush()
            if fault == "hold":
                time.sleep(60)
            new.file("a.json", "list")
            for start in range(0, ROWS, 50):
                rejects = reject_rows(("a.json", start + 1, "podcast"))
                new.stage("a.json", Chunk(PLAYS, rows.slice(start, 50), rejects))
            new.commit(NOW)
    except SegueError as error:
        sys.stdout.write(f"{type(error).__name__} {error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
