"""A collector of its own process that adds plays to a lake on S3; some are killed half-way."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from segue.errors import SegueError
from segue.music.lake_tables import PLAYS
from segue.sources.base import Chunk
from segue.warehouse.lake import Lake
from segue.warehouse.lake_s3 import LakeS3, S3Options, S3Place
from tests.support import NOW, play_rows

ROWS = 60


def main(place: str, folder: str, first: str, fault: str) -> int:
    """Import ROWS plays from the `first` minute on; `fault` is "none", "wait" or "kill:<step>"."""

    def on_step(step: str) -> None:
        if fault == f"kill:{step}":
            os.kill(os.getpid(), signal.SIGKILL)

    store = LakeS3(S3Place.parse(place), S3Options(), folder=Path(folder))
    lake = Lake(store, threads=1, on_step=on_step)
    begin = int(first)
    rows = play_rows(*[(minute, "Ann", f"Song {minute}") for minute in range(begin, begin + ROWS)])
    try:
        with lake.writing(), lake.begin("history", Path("a"), user_id="ann", name="") as new:
            new.file("a.json", "list")
            new.stage("a.json", Chunk(PLAYS, rows))
            if fault == "wait":  # until all are here: then everybody commits at once
                sys.stdout.write("ready\n")
                sys.stdout.flush()
                sys.stdin.readline()
            total = new.commit(NOW).total
            sys.stdout.write(f"{total.kept} {total.duplicate}\n")
    except SegueError as error:
        sys.stdout.write(f"{type(error).__name__} {error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
