"""Recommenders side by side on held-out plays, with intervals that say how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from segue.evaluation.metrics import METRICS
from segue.evaluation.splits import Case
from segue.music.candidates import Candidates
from segue.music.query import Query

__all__ = ["PARTS", "Answers", "Estimate", "Leaderboard", "Player", "Row", "answers", "leaderboard"]

PARTS: Final = ("all", "repeats", "discoveries")
"""All that was played, what was known before the window, and what was new in it."""

_RESAMPLES: Final = 1000
_MANY_USERS: Final = 5
_DEEPER: Final = (2, 8)


class Player(Protocol):
    """Whatever answers queries: a recommender's `recommend`, or a blend of several."""

    def __call__(self, query: Query, k: int, /) -> Candidates:
        """At most k tracks, best first."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over cases with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """How one model did.

    Args:
        model: Its name.
        part: One of PARTS.
        k: Length of the lists.
        cases: Cases in which this part has anything relevant.
        metrics: Metric -> estimate.
        coverage: Share of the catalogue that was listed at least once, 0 … 1.
    """

    model: str
    part: str
    k: int
    cases: int
    metrics: Mapping[str, Estimate]
    coverage: float


@dataclass(frozen=True)
class Leaderboard:
    """All rows of an evaluation, for each part and k the best NDCG first.

    Args:
        snapshot: What was evaluated on.
        users: Who was asked.
        left_out: user_id -> why not.
        weeks: Length of the held-out time asked for.
        rows: One for each model, part and k.
    """

    snapshot: str
    users: tuple[str, ...]
    left_out: Mapping[str, str]
    weeks: float
    rows: tuple[Row, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def row(self, model: str, part: str, k: int) -> Row:
        """One row.

        Raises:
            KeyError: There is none such.
        """
        for row in self.rows:
            if (row.model, row.part, row.k) == (model, part, k):
                return row
        raise KeyError((model, part, k))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "snapshot": self.snapshot,
            "users": list(self.users),
            "left_out": dict(self.left_out),
            "weeks": self.weeks,
            "seconds": {stage: round(value, 3) for stage, value in self.seconds.items()},
            "rows": [
                {
                    "model": row.model,
                    "part": row.part,
                    "k": row.k,
                    "cases": row.cases,
                    "coverage": round(row.coverage, 6),
                    "metrics": {
                        name: {
                            "value": round(estimate.value, 6),
                            "low": round(estimate.low, 6),
                            "high": round(estimate.high, 6),
                        }
                        for name, estimate in row.metrics.items()
                    },
                }
                for row in self.rows
            ],
        }


@dataclass(frozen=True)
class Answers:
    """What each model listed for one case: model -> part -> tracks, best first."""

    case: Case
    lists: Mapping[str, Mapping[str, tuple[str, ...]]]


def answers(case: Case, players: Mapping[str, Player], *, k: int) -> Answers:
    """Ask every model as the user would: "daily" for all and repeats, "discover" for the new."""
    lists = {}
    for name, player in players.items():
        daily = player(_query(case, mix="daily"), k).track_ids
        discover = player(_query(case, mix="discover"), k).track_ids
        lists[name] = {
            "all": daily[:k],
            "repeats": _known_of(daily, player, case, k),
            "discoveries": tuple(track for track in discover if track not in case.known)[:k],
        }
    return Answers(case, lists)


def _known_of(daily: Sequence[str], player: Player, case: Case, k: int) -> tuple[str, ...]:
    """The first k known tracks of a daily list, which is asked deeper where it has fewer."""
    length = k
    for times in _DEEPER:
        known = tuple(track for track in daily if track in case.known)
        if len(known) >= k or len(daily) < length:
            break
        length = times * k
        daily = player(_query(case, mix="daily"), length).track_ids
    return tuple(track for track in daily if track in case.known)[:k]


def _query(case: Case, *, mix: Any) -> Query:
    return Query(case.user_id, case.start, mix=mix, history=case.history)


def leaderboard(
    found: Sequence[Answers], *, ks: Iterable[int], n_tracks: int, seed: int
) -> tuple[Row, ...]:
    """Average the metrics over cases.

    Args:
        found: Answers of the same models for every case.
        n_tracks: Size of the catalogue, for coverage.
        seed: Of the bootstrap.
    """
    models = list(found[0].lists) if found else []
    rows = [
        _row(found, model, part, k=k, n_tracks=n_tracks, seed=seed)
        for k in sorted(set(ks))
        for part in PARTS
        for model in models
    ]
    rows.sort(key=lambda r: (PARTS.index(r.part), r.k, -r.metrics["ndcg"].value, r.model))
    return tuple(rows)


def _row(
    found: Sequence[Answers], model: str, part: str, *, k: int, n_tracks: int, seed: int
) -> Row:
    asked = [(answer, _relevant(answer.case, part)) for answer in found]
    asked = [(answer, relevant) for answer, relevant in asked if relevant]
    listed = [answer.lists[model][part] for answer, _ in asked]
    users = np.array([answer.case.user_id for answer, _ in asked], dtype=object)
    values = {
        name: np.array(
            [
                metric(tracks, relevant, k=k)
                for tracks, (_, relevant) in zip(listed, asked, strict=True)
            ]
        )
        for name, metric in METRICS.items()
    }
    distinct = {track for tracks in listed for track in tracks[:k]}
    return Row(
        model=model,
        part=part,
        k=k,
        cases=len(asked),
        metrics={name: _estimate(of_cases, users, seed) for name, of_cases in values.items()},
        coverage=len(distinct) / n_tracks if n_tracks else 0.0,
    )


def _relevant(case: Case, part: str) -> frozenset[str]:
    return {"all": case.relevant, "repeats": case.repeats, "discoveries": case.discoveries}[part]


def _estimate(
    values: npt.NDArray[np.float64], users: npt.NDArray[np.object_], seed: int
) -> Estimate:
    """Mean, and percentile bootstrap over users where there are several, else over weeks.

    Efron and Tibshirani (1993), "An Introduction to the Bootstrap". Weeks of one user resemble
    each other, so with few users the interval says how the weeks vary and no more.
    """
    if not len(values):
        return Estimate(0.0, 0.0, 0.0)
    _, owner = np.unique(users.astype(str), return_inverse=True)
    if owner.max() + 1 < _MANY_USERS:
        owner = np.arange(len(values))
    n_units = owner.max() + 1
    totals = np.bincount(owner, weights=values, minlength=n_units)
    sizes = np.bincount(owner, minlength=n_units)
    drawn = np.random.default_rng(seed).integers(n_units, size=(_RESAMPLES, n_units))
    means = totals[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(values.mean()), float(low), float(high))
