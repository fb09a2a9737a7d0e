"""The second stage: trees that learned from past weeks which of the proposals get played."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from segue.recommenders.hybrid.forest import Forest
from segue.recommenders.ranking import steadied

__all__ = ["Examples", "Verdict", "headstart", "ndcg", "taught"]

_K: Final = 30
_SIZES: Final = (20, 40, 80)
_LEAST_BLEND: Final = 1e-3
_FEWEST_GROUPS: Final = 12
_FEWEST_HITS: Final = 60
_HELD_OUT: Final = 0.25

_LEARNING: Final[dict[str, Any]] = {
    "objective": "lambdarank",
    "learning_rate": 0.05,
    "num_leaves": 7,
    "min_data_in_leaf": 50,
    "lambda_l2": 5.0,
    "feature_fraction": 0.5,
    "lambdarank_truncation_level": 40,
    "label_gain": [0, 2, 3],
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "use_missing": False,
    "verbosity": -1,
}

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Examples:
    """The candidates of one question with what came of each.

    Args:
        table: As the ranker sees them, shape (n, n_features).
        grades: 0 not played, 1 played, 2 heard to the end, shape (n,).
        blend: What the fixed blend gives them, shape (n,).
        relevant: Tracks that were played, proposed or not.
    """

    table: Reals
    grades: npt.NDArray[np.int8]
    blend: Reals
    relevant: int


@dataclass(frozen=True)
class Verdict:
    """What came of the teaching.

    Args:
        forest: The trees; None where the fixed blend did as well or there was too little.
        questions: Questions learned from.
        learned, fixed: NDCG@30 of the trees and of the blend on the later questions held out.
        because: Why there are no trees, in a few words.
    """

    forest: Forest | None
    questions: int
    learned: float = 0.0
    fixed: float = 0.0
    because: str = ""


def headstart(blend: Reals) -> Reals:
    """What the fixed blend is worth on the scale of the trees, which only add to it.

    With few weeks to learn from, trees that begin from nothing forget what is known to work.
    """
    return np.asarray(np.log(np.maximum(blend, _LEAST_BLEND)))


def taught(
    examples: Sequence[Examples],
    *,
    names: Sequence[str],
    directions: Sequence[int],
    groups: npt.NDArray[np.int64],
    seed: int,
    threads: int,
) -> Verdict:
    """Learn from the earlier questions, check on the later, and if that went well learn from all.

    LambdaMART (Burges 2010, "From RankNet to LambdaRank to LambdaMART: An Overview") as LightGBM
    has it. The number of trees is chosen on the questions held out, where the trees have to beat
    the fixed blend to be used at all.

    Args:
        examples: Earliest question first.
        names: Of the features.
        directions: 1 where more of a feature can only raise a score, -1 where it can only lower
            it, else 0.
        groups: Group of each feature, for reasons.
    """
    usable = [each for each in examples if each.grades.any()]
    hits = sum(int((each.grades > 0).sum()) for each in usable)
    if len(usable) < _FEWEST_GROUPS or hits < _FEWEST_HITS:
        weeks = f"{len(usable)} week{'s' if len(usable) != 1 else ''}"
        because = f"{weeks} with {hits} hits is too little to learn from"
        return Verdict(None, len(usable), because=because)
    split = len(usable) - max(1, round(_HELD_OUT * len(usable)))
    earlier, later = usable[:split], usable[split:]
    fixed = float(np.mean([ndcg(each.blend, each) for each in later]))
    settings = {"monotone_constraints": list(directions), "seed": seed, "num_threads": threads}
    trees = _trees(earlier, names, _SIZES[-1], settings)
    n_groups = int(groups.max()) + 1
    found = []
    for size in _SIZES:
        forest = Forest.of_trees(trees[:size], groups, n_groups)
        scores = [
            forest.scores(forest.leaves(each.table)) + headstart(each.blend) for each in later
        ]
        found.append(float(np.mean([ndcg(s, e) for s, e in zip(scores, later, strict=True)])))
    learned = max(found)
    if learned <= fixed:
        return Verdict(None, len(usable), learned, fixed, "the fixed blend guessed as well")
    rounds = _SIZES[found.index(learned)]
    trees = _trees(usable, names, rounds, settings)
    return Verdict(Forest.of_trees(trees, groups, n_groups), len(usable), learned, fixed)


def ndcg(scores: Reals, example: Examples, k: int = _K) -> float:
    """Hits discounted by place over the best possible list (Järvelin and Kekäläinen 2002)."""
    order = np.argsort(-steadied(scores), kind="stable")[:k]
    gain = 1 / np.log2(np.arange(2, k + 2))
    hits = example.grades[order] > 0
    return float((hits * gain[: len(hits)]).sum() / gain[: min(example.relevant, k)].sum())


def _trees(
    examples: Sequence[Examples], names: Sequence[str], rounds: int, settings: Mapping[str, Any]
) -> list[Any]:
    """LightGBM's trees; imported here, since making a playlist needs none of it."""
    # idle OpenMP threads that spin take the cores from whoever else works on this machine
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import lightgbm

    learning = {**_LEARNING, **settings}
    data = lightgbm.Dataset(
        np.concatenate([each.table for each in examples]),
        np.concatenate([each.grades for each in examples]),
        group=[len(each.grades) for each in examples],
        init_score=np.concatenate([headstart(each.blend) for each in examples]),
        feature_name=[name.replace(":", "_") for name in names],
        params=learning,
    )
    booster = lightgbm.train(learning, data, num_boost_round=rounds)
    trees: list[Any] = booster.dump_model()["tree_info"]
    return trees
