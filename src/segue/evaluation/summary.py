"""A leaderboard of either kind as titled panels, which tables and pictures are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from segue.evaluation.bootstrap import Estimate
from segue.evaluation.data_board import BASELINES, DataBoard
from segue.evaluation.leaderboard import Leaderboard

__all__ = ["METRIC_NAMES", "Entry", "Panel", "Summary", "summary_of"]

METRIC_NAMES: Final = {
    "recall": "Recall",
    "precision": "Precision",
    "ndcg": "NDCG",
    "mrr": "MRR",
    "hit_rate": "Hit rate",
    "map": "MAP",
    "novelty": "Novelty (bits)",
    "diversity": "Diversity",
    "repeat_share": "Repeat share",
    "miscalibration": "Miscalibration (nats)",
}
"""Metric -> what it is called in tables; of all but the last, more is more, not always better."""

_OWN_PARTS: Final = {
    "all": "everything played",
    "repeats": "what was known already",
    "discoveries": "what was new",
}
_DATA_PARTS: Final = {
    "all": "everything held out",
    "repeats": "what had been heard before",
    "discoveries": "what was new to the listener",
    "warm_tracks": "tracks with more than five listeners",
    "cold_tracks": "tracks with five listeners or fewer",
    "warm_listeners": "after more than five tracks heard",
    "cold_listeners": "after five tracks heard or fewer",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One model on one panel."""

    model: str
    metrics: Mapping[str, Estimate]
    differences: Mapping[str, Estimate]
    coverage: float | None

    @property
    def is_baseline(self) -> bool:
        """Whether others have to beat it."""
        return self.model in BASELINES


@dataclass(frozen=True, slots=True)
class Panel:
    """One comparison, the best NDCG first.

    Args:
        part: Which part of what was held out.
        title: The same in words.
        k: Length of the lists.
        cases: Over how many cases.
        entries: The models; those that listed nothing are left out.
    """

    part: str
    title: str
    k: int
    cases: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a leaderboard says.

    Args:
        title: Of what.
        facts: Name -> value, how it was made.
        panels: In the order in which to tell them.
        costs: Model -> (train seconds, answer seconds, peak bytes); None where not measured.
        notes: Sentences about what is not in the panels.
    """

    title: str
    facts: Mapping[str, str]
    panels: tuple[Panel, ...]
    costs: Mapping[str, tuple[float, float | None, int | None]]
    notes: tuple[str, ...]


def summary_of(board: Leaderboard | DataBoard) -> Summary:
    """The same for both kinds."""
    return _of_own(board) if isinstance(board, Leaderboard) else _of_data_set(board)


def _of_own(board: Leaderboard) -> Summary:
    facts = {
        "users": ", ".join(board.users),
        "held out": f"the last {board.weeks:g} weeks",
        "snapshot": board.snapshot,
    }
    models = {row.model for row in board.rows}
    return Summary(
        title=f"Next weeks of {', '.join(board.users)}",
        facts=facts,
        panels=tuple(_panels(board.rows, _OWN_PARTS)),
        costs={m: (s, None, None) for m, s in board.seconds.items() if m in models},
        notes=(
            *(f"{user} is left out: {why}" for user, why in board.left_out.items()),
            *board.notes,
        ),
    )


def _of_data_set(board: DataBoard) -> Summary:
    facts = {
        name: f"{value:,}" if isinstance(value, int) else str(value)
        for name, value in board.facts.items()
    }
    facts["seeds"] = ", ".join(map(str, board.seeds))
    return Summary(
        title=board.data_set,
        facts=facts,
        panels=tuple(_panels(board.scores, _DATA_PARTS)),
        costs={
            model: (
                cost.fit_seconds,
                cost.answer_seconds,
                max(cost.fit_peak_bytes, cost.answer_peak_bytes),
            )
            for model, cost in board.efforts.items()
        },
        notes=tuple(f"{model} is not compared: {why}" for model, why in board.silent.items()),
    )


def _panels(rows: Any, titles: Mapping[str, str]) -> Iterator[Panel]:
    keys = dict.fromkeys((row.part, row.k) for row in rows)
    for part, k in keys:
        mine = [row for row in rows if (row.part, row.k) == (part, k)]
        spoke = [row for row in mine if row.coverage != 0]
        if spoke and any(row.metrics["recall"].value > 0 for row in spoke):
            yield Panel(
                part=part,
                title=titles[part],
                k=k,
                cases=max(row.cases for row in spoke),
                entries=tuple(
                    Entry(row.model, row.metrics, row.differences, row.coverage) for row in spoke
                ),
            )
