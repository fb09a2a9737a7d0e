"""From files to a playlist: 150,000 plays and 100,000 tracks, each command in its own process."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.measure import segue

CORES = 2
REPEATS = 5


def run() -> list[str]:
    """One line a step, then the sum; then the commands whose start a user waits for."""
    with tempfile.TemporaryDirectory() as folder:
        world, home = Path(folder) / "world", Path(folder) / "home"
        size = ("--users", "1", "--tracks", "100000", "--history-plays", "150000")
        segue(home, "simulate", str(world), *size, "--days", "3650")
        export = next((world / "histories").rglob("*.zip"))
        catalogue = next(world.glob("catalogue.*"))
        steps = [
            ("import", ("import", str(export))),
            ("catalogue add", ("catalogue", "add", str(catalogue))),
            ("build", ("build",)),
            ("train", ("train",)),
            ("recommend", ("recommend", "--mix", "discover")),
        ]
        lines = ["| step | seconds | peak memory |", "|---|---:|---:|"]
        total = 0.0
        for name, arguments in steps:
            took = segue(home, *arguments, cores=CORES)
            total += took.seconds
            lines.append(f"| {name} | {took.seconds:.1f} s | {took.peak_mib:,.0f} MiB |")
        lines.append(f"| **all, on {CORES} cores** | **{total:.1f} s** | |")
        for arguments in (("--help",), ("recommend", "--mix", "discover")):
            fastest = min(segue(home, *arguments, cores=CORES).seconds for _ in range(REPEATS))
            lines.append(f"| segue {' '.join(arguments)}, best of {REPEATS} | {fastest:.2f} s | |")
    return lines
