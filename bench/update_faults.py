"""Killing whole updates, many times: what was finished, lost or there twice, told or not told."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Final

from tests.update_storm import Counts, Death, deaths, storm

__all__ = ["KILLS", "run"]

KILLS: Final = 60
_SEED: Final = 6
_IN_A_ROW: Final = 3


def run(kills: int = KILLS) -> list[str]:
    """A table of counts; all but the first lines and what is told again have to be noughts.

    In each round something is played, at three services, and all playlists are due. Then one to
    three updates die (SIGKILL) in a row, each in another step: at a change to a file, after some
    time, or just when a service has done what it was asked for. The one after them has to finish
    everything.
    """
    chance = random.Random(_SEED)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as made:
        home = Path(made) / "home"
        home.mkdir(mode=0o700)
        counts = storm(home, _rounds(list(deaths(kills, chance)), chance))
    minutes = (time.monotonic() - began) / 60
    return [*_table(counts), "", *counts.notes, f"In {minutes:.0f} minutes."]


def _rounds(planned: list[Death], chance: random.Random) -> Iterator[list[Death]]:
    """The same, some of them in a row; whoever dies early leaves the later steps for the next."""
    while planned:
        number = chance.randint(1, _IN_A_ROW)
        yield planned[:number]
        del planned[:number]


def _table(counts: Counts) -> list[str]:
    lines = ["| | |", "|---|---|"]
    for one in fields(Counts):
        value = getattr(counts, one.name)
        if one.name == "kills":
            steps = ", ".join(f"{step} {number}" for step, number in value.items())
            lines.append(f"| kills | {value.total()} ({steps}) |")
        elif one.name != "notes":
            lines.append(f"| {one.name.replace('_', ' ')} | {value:,} |")
    return lines
