"""A warehouse of many plays: load, full build, and a build after one more hour of plays.

Beside it runs DuckDB alone: a bare copy of the same Parquet files, and the SQL that dbt compiled.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.measure import Measured, measure
from bench.plays_lake import HOURS
from segue.settings import load_settings

__all__ = ["SIZES", "run"]

SIZES: Final[Mapping[str, int]] = {"1m": 1_000_000, "10m": 10_000_000, "100m": 100_000_000}
_STAGES: Final = ("load", "match", "dbt", "publish")
_HOURS: Final = 3
_BUSY: Final = 3
"""An hour of new plays is this many times the average one."""

_START: Final = "import sys; sys.argv[0] = 'segue'; from segue.doors.cli import main; main()"


@dataclass(frozen=True, slots=True)
class _Build:
    """One `segue build`: what the process took, and the seconds of its stages."""

    process: Measured
    stages: Mapping[str, float]

    def told(self, stage: str) -> str:
        """Seconds of a stage."""
        return f"{self.stages[stage]:.2f} s"


@dataclass(frozen=True, slots=True)
class _Figures:
    plays: int
    hour: int
    full: _Build
    hours: tuple[_Build, ...]
    bare_load: float
    bare_sql: float

    def hourly(self, stage: str) -> float:
        """The middle one of the seconds that a stage took for an hour of plays."""
        return statistics.median(build.stages[stage] for build in self.hours)


def run(
    names: Sequence[str] = ("1m", "10m"), warehouse: str = "duckdb", lakes: Path | None = None
) -> list[str]:
    """A table with a column for each size.

    Args:
        names: Of `SIZES`.
        warehouse: The setting of that name; others than DuckDB are found as the environment says.
        lakes: A folder that keeps the lakes for the next time, one for each size.
    """
    figures = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="segue-bench-") as folder:
            figures.append(
                _measured(Path(folder), SIZES[name], warehouse, lakes / name if lakes else None)
            )
        print("\n".join(_table(figures)), file=sys.stderr, flush=True)
    return _table(figures)


def _measured(folder: Path, plays: int, warehouse: str, kept: Path | None) -> _Figures:
    home = folder / "home"
    _say(f"{plays:,} plays: writing the lake")
    _make(kept or home, plays)
    if kept is not None:
        others = shutil.ignore_patterns("lock", "staging")
        shutil.copytree(kept / "lake", home / "lake", copy_function=_link, ignore=others)
    _say("building all")
    full = _build(home, warehouse)
    bare: dict[str, Any] = {"load": 0.0, "models": {}}
    if warehouse == "duckdb":
        _say("the same, bare")
        limit = load_settings(home=home).memory_limit
        command = [sys.executable, "-m", "bench.bare_warehouse", str(home), str(folder / "bare")]
        bare = json.loads(measure([*command, limit]).output)
    new = max(50, _BUSY * plays // HOURS)
    hours = []
    for hour in range(_HOURS):
        _make(home, plays, str(hour), str(new))
        _say(f"building {new:,} more plays")
        hours.append(_build(home, warehouse))
    shutil.rmtree(home)
    return _Figures(
        plays=int(full.stages["rows"]),
        hour=new,
        full=full,
        hours=tuple(hours),
        bare_load=bare["load"],
        bare_sql=sum(bare["models"].values()),
    )


def _make(home: Path, plays: int, *hour: str) -> None:
    """Write the lake, or one more hour, in a process whose memory is not counted."""
    measure([sys.executable, "-m", "bench.plays_lake", str(home), str(plays), *hour])


def _link(file: str, target: str) -> None:
    """Let a file of a lake, which never changes, be in another lake, too."""
    try:
        os.link(file, target)
    except OSError:  # of another file system
        shutil.copyfile(file, target)


def _build(home: Path, warehouse: str) -> _Build:
    process = _segue(home, warehouse, "build", "--json")
    report = json.loads(process.output)
    return _Build(process, {**report["seconds"], "rows": report["rows"]["plays"]})


def _segue(home: Path, warehouse: str, *arguments: str) -> Measured:
    environment = {"SEGUE_HOME": str(home), "SEGUE_WAREHOUSE": warehouse}
    return measure([sys.executable, "-c", _START, "--quiet", *arguments], environment=environment)


def _table(figures: Sequence[_Figures]) -> list[str]:
    def row(what: str, cells: Sequence[str]) -> str:
        return f"| {what} | {' | '.join(cells)} |"

    lines = [
        row("plays in the mart", [f"{each.plays:,}" for each in figures]),
        "|---|" + "---:|" * len(figures),
    ]
    lines += [
        row(f"all: {stage}", [each.full.told(stage) for each in figures]) for stage in _STAGES
    ]
    lines += _of_processes("all", [each.full.process for each in figures], row)
    if all(each.bare_sql for each in figures):
        lines += [
            row("bare copy of the files", [f"{each.bare_load:.2f} s" for each in figures]),
            row(
                "speed of the load, of bare",
                [f"{each.bare_load / each.full.stages['load']:.0%}" for each in figures],
            ),
            row("bare SQL of the models", [f"{each.bare_sql:.2f} s" for each in figures]),
        ]
    lines.append(row("plays of one more hour", [f"{each.hour:,}" for each in figures]))
    lines += [
        row(f"one hour: {stage}", [f"{each.hourly(stage):.2f} s" for each in figures])
        for stage in _STAGES
    ]
    middle = [
        sorted((build.process for build in each.hours), key=lambda one: one.seconds)[_HOURS // 2]
        for each in figures
    ]
    return lines + _of_processes("one hour", middle, row)


def _of_processes(what: str, processes: Sequence[Measured], row: Any) -> list[str]:
    return [
        row(f"{what}: the whole command", [f"**{one.seconds:.1f} s**" for one in processes]),
        row(f"{what}: processor", [f"{one.cpu_seconds:.1f} s" for one in processes]),
        row(f"{what}: peak memory", [f"{one.peak_mib:,.0f} MiB" for one in processes]),
    ]


def _say(what: str) -> None:
    print(f"{what} (load {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)
