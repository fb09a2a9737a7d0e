"""What EASE loses by forms that cost less: fewer weights kept, fewer tracks solved exactly.

`python -m bench.ease_forms` reads HetRec Last.fm-2K from the folder that BENCH_HETREC names
(artists stand for tracks) and asks about the validation part of three random splits.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from segue.evaluation.data_splits import SplitRule
from segue.flows.evaluate_data_set import Asking, evaluate_data_set
from segue.flows.read_data_set import read_data_set
from segue.progress import Silent
from segue.recommenders.als import Als
from segue.recommenders.base import Recommender
from segue.recommenders.ease import Ease
from segue.recommenders.item_knn import ItemKnn

__all__ = ["run"]

_SEEDS: Final = (1, 2, 3)
_ALL: Final = 20_000  # more than there are
_FORMS: Final[dict[str, dict[str, Any]]] = {
    "exact, 2,000 weights a track": {"exact_tracks": _ALL, "kept": 2_000},
    "exact, 500 weights a track": {"exact_tracks": _ALL},
    "exact, 100 weights a track": {"exact_tracks": _ALL, "kept": 100},
    "exact for 4,000 tracks": {"exact_tracks": 4_000},
    "exact for 2,000 tracks (the default)": {},
    "exact for 1,000 tracks": {"exact_tracks": 1_000},
    "exact for 300 tracks": {"exact_tracks": 300},
    "plain (no scaling), exact": {
        "exact_tracks": _ALL,
        "scaling": 0.0,
        "regularisation": 100.0,
    },
}


def run() -> list[str]:
    """Rows of a Markdown table, best first."""
    folder = Path(os.environ["BENCH_HETREC"])
    data = read_data_set("hetrec-lastfm", folder, now=datetime.now(UTC), progress=Silent())
    asking = Asking(SplitRule("random"), stage="valid", ks=(10,))
    board = evaluate_data_set(data, _models, asking, seeds=_SEEDS, progress=Silent())
    rows = [
        f"| {score.model} | {score.metrics['recall'].value:.4f} | "
        f"{score.metrics['ndcg'].value:.4f} | {board.efforts[score.model].fit_seconds:.1f} |"
        for score in board.scores
        if score.part == "all"
    ]
    return ["| form | recall@10 | NDCG@10 | training, s |", "|---|---|---|---|", *rows]


def _models(seed: int) -> Sequence[Recommender]:
    named = [
        type("Form", (Ease,), {"name": name})(threads=2, **settings)
        for name, settings in _FORMS.items()
    ]
    return [*named, ItemKnn(threads=2), Als(seed=seed, threads=2)]


if __name__ == "__main__":
    print("\n".join(run()))
