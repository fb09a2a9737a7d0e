"""Spark on one machine beside the local engine: the same lake, the same models, one run.

Spark costs a driver, a Java machine and Python workers: seconds of processor and memory are those
of all processes that a command starts.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.plays_lake import PlaysWorld, write_history
from segue.flows.wiring import adapters
from segue.warehouse.lake import Lake

__all__ = ["SIZES", "run"]

SIZES: Final[Mapping[str, int]] = {"1m": 1_000_000, "3m": 3_000_000, "10m": 10_000_000}
_MODELS: Final = {"als", "sequential_rules", "popular"}
"""What Spark works on in a training, and what is next to nothing."""

_ENGINES: Final = ("local", "spark")
_START: Final = "import sys; sys.argv[0] = 'segue'; from segue.doors.cli import main; main()"
_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a command and all that it started took; memory in MiB at the highest moment."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    told: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.seconds:,.0f} s, {self.cpu_seconds:,.0f} s, {self.peak_mib / 1024:.1f} GB"


def run(sizes: Sequence[str], lakes: Path | None = None) -> list[str]:
    """A table with a row for each size: clock, processor and memory of each command.

    Args:
        sizes: Of `SIZES`.
        lakes: A folder that keeps the lakes for the next time; None: they are made and removed.
    """
    head = ["plays", *(f"{verb}, {engine}" for verb in ("build", "train") for engine in _ENGINES)]
    lines = [head, ["---:"] * len(head)]
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="segue-bench-") as scratch:
            costs = _row(Path(scratch), SIZES[size], (lakes or Path(scratch)) / size)
        lines.append([f"{SIZES[size]:,}", *map(str, costs)])
        print(size, *costs, sep=" | ", file=sys.stderr, flush=True)
    return ["| " + " | ".join(line) + " |" for line in lines]


def _row(folder: Path, plays: int, kept: Path) -> list[_Cost]:
    write_history(Lake(kept / "lake"), PlaysWorld(plays))
    builds = [_segue(folder, kept, "build", engine) for engine in _ENGINES]
    here, there = (one.told for one in builds)
    rows = {mart: here["rows"][mart] for mart in there["rows"]}
    if rows != there["rows"]:
        raise RuntimeError(f"Spark made {there['rows']}, one machine {rows}")
    for one in builds:
        stages = {name: round(value) for name, value in one.told["seconds"].items()}
        print(plays, one, stages, file=sys.stderr, flush=True)
    shutil.rmtree(folder / "warehouse" / "segue.duckdb", ignore_errors=True)
    return [*builds, *(_segue(folder, kept, "train", engine) for engine in _ENGINES)]


def _segue(home: Path, kept: Path, verb: str, engine: str) -> _Cost:
    environment = {
        **os.environ,
        "SEGUE_LAKE": str(kept / "lake"),
        "SEGUE_TRAINING__LEFT_OUT": json.dumps(sorted(set(adapters("recommenders")) - _MODELS)),
        "SEGUE_TRAINING__DATA": "marts",
    }
    command = [sys.executable, "-c", _START, "--home", str(home), "--quiet", verb]
    return _measured([*command, "--engine", engine, "--json"], environment)


def _measured(command: Sequence[str], environment: Mapping[str, str]) -> _Cost:
    """Run a command in a session of its own, and look at all that it starts every half second.

    Nobody hears of what Spark's Python workers used: who started them does not wait for them.
    """
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=output, stderr=errors, env=environment, start_new_session=True
        )
        peak, used = 0.0, dict[int, float]()
        while process.poll() is None:
            there = _session(process.pid)
            used |= {int(folder.name): cpu for folder, cpu in there.items()}
            peak = max(peak, sum(map(_memory, there)))
            time.sleep(_EVERY_S)
        seconds = time.perf_counter() - began
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command)}: {errors.read().decode()[-2000:]}")
        output.seek(0)
        return _Cost(seconds, sum(used.values()), peak, json.loads(output.read()))


def _session(session: int) -> dict[Path, float]:
    """The processes of a session, each with its seconds of processor so far."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and os.getsid(int(folder.name)) == session:
                told = (folder / "stat").read_text().rpartition(")")[2].split()
                found[folder] = (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, IndexError):
            continue  # it has ended meanwhile
    return found


def _memory(folder: Path) -> float:
    """MiB of a process; of pages that several share, its part."""
    try:
        lines = (folder / "smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    except (OSError, StopIteration):
        return 0.0
