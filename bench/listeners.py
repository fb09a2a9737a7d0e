"""Which recommender would have been right about simulated listeners' last four weeks."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.measure import segue
from segue.evaluation.leaderboard import Leaderboard
from segue.flows.evaluate import evaluate
from segue.progress import Silent
from segue.settings.listening import Training
from segue.warehouse.snapshots import SnapshotStore

__all__ = ["SEEDS", "run"]

SEEDS: Final = (201, 202)
"""Worlds that nothing is tuned on."""

_HABITS: Final = ("mixed", "binger", "loyalist", "explorer")
_SIZE: Final = ("--users", "600", "--tracks", "12000", "--plays-per-user", "1000")
_HISTORIES: Final = ("--histories", "8", "--history-plays", "12000")
_K: Final = 30
_ALSO: Final = "item_knn"  # left out of a training by default, but discoveries have to beat it


def run(seeds: Sequence[int] = SEEDS) -> list[str]:
    """NDCG and, of discoveries, recall of every model, a column a world."""
    boards = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            boards.append(_board(Path(folder), seed))
    models = sorted(
        {row.model for row in boards[0].rows},
        key=lambda model: -sum(_value(board, model, "all", "ndcg") for board in boards),
    )
    columns = (("all", "ndcg"), ("repeats", "ndcg"), ("discoveries", "ndcg"))
    lines = [
        "| | everything | repeats | discoveries | discoveries, recall |",
        "|---|---|---|---|---|",
    ]
    for model in models:
        cells = [
            " · ".join(f"{_value(board, model, part, metric):.3f}" for board in boards)
            for part, metric in (*columns, ("discoveries", "recall"))
        ]
        lines.append(f"| {model} | {' | '.join(cells)} |")
    return lines


def _value(board: Leaderboard, model: str, part: str, metric: str) -> float:
    return board.row(model, part, _K).metrics[metric].value


def _board(folder: Path, seed: int) -> Leaderboard:
    """One world, from its simulation to the leaderboard of its eight listeners."""
    home, world = folder / "home", folder / "world"
    habits = [word for habit in _HABITS for word in ("--habit", habit)]
    segue(home, "simulate", str(world), *_SIZE, *_HISTORIES, *habits, "--seed", str(seed))
    segue(home, "catalogue", "add", str(world / "catalogue.csv"))
    segue(home, "crowd", "add", str(world / "crowd.parquet"), "--name", "simulated")
    for user in sorted((world / "histories").iterdir()):
        export = next(user.glob("*.zip"))
        segue(home, "import", str(export), "--user", user.name)
    segue(home, "build")
    training = Training()
    return evaluate(
        SnapshotStore(home / "snapshots").current(),
        ks=(_K,),
        seed=training.seed,
        training_sources=training.sources,
        left_out=[name for name in training.left_out if name != _ALSO],
        progress=Silent(),
    )
