"""What training and a question cost as plays grow from a million to a hundred million."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.measure import Measured, segue
from bench.service_home import make_snapshot, user_name

__all__ = ["SIZES", "run"]

SIZES: Final[Mapping[str, tuple[int, int]]] = {
    "1m": (10_000, 100_000),
    "10m": (100_000, 1_000_000),
    "100m": (1_000_000, 1_000_000),
}
"""Name -> (users, tracks); every user has 100 plays."""

_PLAYS_A_USER: Final = 100
_KNOWN: Final = 40
_USERS_A_FILE: Final = 2_000
_STAGES: Final = ("read", "past weeks", "als", "ease", "session_knn", "sequential_rules", "save")


def run(sizes: Sequence[str], homes: Path | None = None) -> list[str]:
    """A table with a row for each size.

    Args:
        homes: A folder that keeps the homes for the next time; None: they are made and removed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        rows = [_row(size, (homes or Path(scratch)) / f"scale-{size}") for size in sizes]
    head = ["plays", "users", "tracks", "clock", "processor", "peak memory", *_STAGES, "a playlist"]
    lines = [head, ["---:"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _row(size: str, home: Path) -> list[str]:
    users, tracks = SIZES[size]
    make_snapshot(
        home,
        n_tracks=tracks,
        n_users=users,
        plays_a_user=_PLAYS_A_USER,
        known=_KNOWN,
        users_a_file=_USERS_A_FILE,
    )
    print(f"{size}: training", file=sys.stderr, flush=True)
    trained = segue(home, "train", "--json")
    report: dict[str, Any] = json.loads(trained.output)
    asked = segue(home, "recommend", "--user", user_name(users // 2))
    return [
        f"{users * _PLAYS_A_USER:,}",
        f"{users:,}",
        f"{tracks:,}",
        *_cost(trained),
        *(f"{report['seconds'].get(stage, 0):,.0f} s" for stage in _STAGES),
        f"{asked.seconds:.1f} s",
    ]


def _cost(measured: Measured) -> list[str]:
    return [
        f"{measured.seconds:,.0f} s",
        f"{measured.cpu_seconds:,.0f} s",
        f"{measured.peak_mib:,.0f} MiB",
    ]
