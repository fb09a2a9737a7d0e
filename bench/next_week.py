"""What a listener plays again in the next week: recommenders beside rules of thumb."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Final

from bench.measure import segue
from segue.evaluation.leaderboard import Leaderboard
from segue.evaluation.simple_rules import SIMPLE_RULES
from segue.flows.evaluate import evaluate, rule_blends
from segue.progress import Silent
from segue.settings.listening import Training
from segue.warehouse.snapshots import SnapshotStore

__all__ = ["run"]

_STREAMS: Final = {
    "binger": 6_000,
    "mixed": 6_000,
    "loyalist": 6_000,
    "explorer": 6_000,
    "rotator": 25_000,
    "regular": 9_000,
}
_SEEDS: Final = (301, 302)  # nothing is tuned on them
_OURS: Final = ("repeats", "hybrid", "rediscover", "most_played")
_WEEKS: Final = 12
_K: Final = 10


def run() -> list[str]:
    """NDCG@10 of repeats for two listeners of each habit, each held against their own best rule."""
    lines = [f"| | {' | '.join(_STREAMS)} | mean |", "|---" * (len(_STREAMS) + 2) + "|"]
    found: dict[str, list[float]] = {name: [] for name in (*SIMPLE_RULES, *_OURS)}
    best: list[float] = []
    for habit, streams in _STREAMS.items():
        values = [_values(habit, streams, seed) for seed in _SEEDS]
        best.append(fmean(max(of_one[rule] for rule in SIMPLE_RULES) for of_one in values))
        for name, column in found.items():
            column.append(fmean(of_one[name] for of_one in values))
    lines += [_line(name, column) for name, column in found.items()]
    lines.append(_line("the best rule of each listener", best))
    ratio = fmean(found["repeats"]) / fmean(best)
    lines += [
        "",
        f"`repeats` over the best rule of each listener, which nobody knows before: {ratio:.3f}",
    ]
    return lines


def _line(name: str, column: list[float]) -> str:
    cells = " | ".join(f"{value:.2f}" for value in column)
    return f"| {name} | {cells} | {fmean(column):.3f} |"


def _values(habit: str, streams: int, seed: int) -> Mapping[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        board = _board(Path(folder), habit, streams, seed)
    return {
        name: board.row(name, "repeats", _K).metrics["ndcg"].value
        for name in (*SIMPLE_RULES, *_OURS)
    }


def _board(folder: Path, habit: str, streams: int, seed: int) -> Leaderboard:
    home, world = folder / "home", folder / "world"
    one = ("--users", "1", "--history-plays", str(streams), "--habit", habit)
    segue(home, "simulate", str(world), *one, "--seed", str(seed))
    segue(home, "import", str(next((world / "histories").rglob("*.zip"))))
    segue(home, "build")
    training = Training()
    return evaluate(
        SnapshotStore(home / "snapshots").current(),
        ks=(_K,),
        weeks=_WEEKS,
        seed=training.seed,
        training_sources=training.sources,
        left_out=training.left_out,
        blends=rule_blends(),
        progress=Silent(),
    )
