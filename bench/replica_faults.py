"""Services side by side while what they stand on breaks: what was lost, and who had to wait."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.replica_storm import FAULTS, Counts, stage, storm

__all__ = ["ROUNDS", "run"]

ROUNDS: Final = 12
_SEED: Final = 9
_LONGEST_S: Final = 8.0
"""Longer than events are tried again for, so that some are told to come back."""


def run(rounds: int = ROUNDS) -> list[str]:
    """A table of counts: what is lost, doubled, miscounted, not answered or wrong has to be nought.

    In each round PostgreSQL is killed and restarted, a service is killed and another one begun,
    and S3 errs and dawdles, in any order, while two report events and one asks for recommendations.
    """
    chance = random.Random(_SEED)
    faults = [fault for _ in range(rounds) for fault in chance.sample(FAULTS, len(FAULTS))]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        with stage(folder) as (house, server, proxy):
            counts = storm(*(house, server, proxy), faults, chance, longest_s=_LONGEST_S)
    return [*_table(counts), "", f"In {(time.monotonic() - began) / 60:.0f} minutes."]


def _table(counts: Counts) -> list[str]:
    told = ", ".join(f"{name} {number}" for name, number in counts.faults.items())
    rows = {
        "faults": told,
        "events that were acknowledged": f"{counts.acknowledged:,}",
        "of these lost": f"{counts.lost:,}",
        "kept twice": f"{counts.doubled:,}",
        "profiles that miscount": f"{counts.miscounted:,}",
        "requests with events that were told to come back (503, Retry-After)": (
            f"{counts.told_to_wait:,}"
        ),
        "recommendations": f"{counts.answered:,}",
        "of these while PostgreSQL was away": f"{counts.answered_meanwhile:,}",
        "not answered, though the service was alive": f"{counts.not_answered:,}",
        "answered as nobody should be": f"{counts.wrong:,}",
        "from the server's return to the next acknowledged event, at most": (
            f"{counts.longest_s:.1f} s"
        ),
    }
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
    return lines + counts.notes[:20]
