"""Recommenders side by side on held-out plays, with intervals that say how sure it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from segue.evaluation.beyond_accuracy import BEYOND, Yardsticks, same_history
from segue.evaluation.bootstrap import Estimate, means
from segue.evaluation.data_board import BASELINES
from segue.evaluation.metrics import METRICS
from segue.evaluation.splits import Case
from segue.evaluation.track_sets import TrackSets
from segue.features.catalogue import Catalogue
from segue.music import columns as c
from segue.music.candidates import Candidates
from segue.music.query import Filters, Query

__all__ = [
    "PARTS",
    "Answers",
    "Estimate",
    "Leaderboard",
    "Looks",
    "Player",
    "Row",
    "answers",
    "leaderboard",
]

PARTS: Final = ("all", "repeats", "discoveries")
"""All that was played, what was known before the window, and what was new in it."""

_MANY_USERS: Final = 5
_DEEPER: Final = (2, 8)
_NO_ESTIMATE: Final = Estimate(math.nan, math.nan, math.nan)


class Player(Protocol):
    """Whatever answers queries: a recommender's `recommend`, or a blend of several."""

    def __call__(self, query: Query, k: int, /) -> Candidates:
        """At most k tracks, best first."""


@dataclass(frozen=True, slots=True)
class Row:
    """How one model did.

    Args:
        model: Its name.
        part: One of PARTS.
        k: Length of the lists.
        cases: Cases in which this part has anything relevant.
        metrics: Metric -> estimate. Those of hits are always there; what lists are like (novelty,
            diversity, repeat_share, miscalibration) where the catalogue tells it.
        coverage: Share of the catalogue that was listed at least once, 0 … 1.
        differences: Metric -> this model less the best of its part, over the same cases; empty
            for the best itself.
    """

    model: str
    part: str
    k: int
    cases: int
    metrics: Mapping[str, Estimate]
    coverage: float
    differences: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True)
class Leaderboard:
    """All rows of an evaluation, for each part and k the best NDCG first.

    Args:
        snapshot: What was evaluated on.
        users: Who was asked.
        left_out: user_id -> why not.
        weeks: Length of the held-out time asked for.
        rows: One for each model, part and k.
        seconds: Stage or model -> seconds.
        notes: What is to be known about it beside, a sentence each without its full stop.
    """

    snapshot: str
    users: tuple[str, ...]
    left_out: Mapping[str, str]
    weeks: float
    rows: tuple[Row, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

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
            "notes": list(self.notes),
            "seconds": {stage: round(value, 3) for stage, value in self.seconds.items()},
            "rows": [
                {
                    "model": row.model,
                    "part": row.part,
                    "k": row.k,
                    "cases": row.cases,
                    "coverage": round(row.coverage, 6),
                    "baseline": row.model in BASELINES,
                    "metrics": {name: one.as_dict() for name, one in row.metrics.items()},
                    "differences": {name: one.as_dict() for name, one in row.differences.items()},
                }
                for row in self.rows
            ],
        }


@dataclass(frozen=True)
class Looks:
    """What lists of one training are measured with apart from their hits."""

    catalogue: Catalogue
    yardsticks: Yardsticks


@dataclass(frozen=True)
class Answers:
    """What each model listed for one case: model -> part -> tracks, best first."""

    case: Case
    lists: Mapping[str, Mapping[str, tuple[str, ...]]]
    looks: Looks | None = None


def answers(
    case: Case, players: Mapping[str, Player], *, k: int, looks: Looks | None = None
) -> Answers:
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
    return Answers(case, lists, looks)


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
    return Query(
        case.user_id,
        case.start,
        mix=mix,
        history=case.history,
        filters=Filters(exclude_tracks=case.unheard),
        feedback=case.feedback,
    )


def leaderboard(
    found: Sequence[Answers], *, ks: Iterable[int], n_tracks: int, seed: int
) -> tuple[Row, ...]:
    """Average the metrics over cases.

    Weeks of one user resemble each other: with few users weeks are resampled, and the interval
    says how the weeks vary and no more; from five users on users are.

    Args:
        found: Answers of the same models for every case.
        n_tracks: Size of the catalogue, for coverage.
        seed: Of the bootstrap.
    """
    rows = [
        row
        for k in sorted(set(ks))
        for part in PARTS
        for row in _rows(found, part, k=k, n_tracks=n_tracks, seed=seed)
    ]
    rows.sort(key=lambda r: (PARTS.index(r.part), r.k, -r.metrics["ndcg"].value, r.model))
    return tuple(rows)


def _rows(found: Sequence[Answers], part: str, *, k: int, n_tracks: int, seed: int) -> list[Row]:
    """A row for each model, all over the same cases."""
    models = list(found[0].lists) if found else []
    asked = [answer for answer in found if _relevant(answer.case, part)]
    columns = [(model, name) for model in models for name in (*METRICS, *BEYOND)]
    values = np.array([_measured(answer, models, part, k) for answer in asked])
    drawn = means(values.reshape(len(asked), len(columns)), _units(asked), seed) if asked else None
    place = {column: i for i, column in enumerate(columns)}

    def estimates(model: str, less: str | None = None) -> dict[str, Estimate]:
        made = {}
        for name in (*METRICS, *BEYOND):
            if drawn is None:
                one = Estimate(0.0, 0.0, 0.0) if name in METRICS else _NO_ESTIMATE
            elif less is None:
                one = drawn.estimate(place[model, name])
            else:
                one = drawn.difference(place[model, name], place[less, name])
            if math.isfinite(one.value):
                made[name] = one
        return made

    metrics = {model: estimates(model) for model in models}
    best = min(models, key=lambda model: (-metrics[model]["ndcg"].value, model), default=None)
    return [
        Row(
            model=model,
            part=part,
            k=k,
            cases=len(asked),
            metrics=metrics[model],
            coverage=_coverage(asked, model, part, k) / n_tracks if n_tracks else 0.0,
            differences=estimates(model, best) if asked and model != best else {},
        )
        for model in models
    ]


def _measured(answer: Answers, models: Sequence[str], part: str, k: int) -> list[float]:
    """Every metric of every model for one case, in the order of the columns."""
    relevant = _relevant(answer.case, part)
    listed = [answer.lists[model][part] for model in models]
    beyond = _beyond(answer, listed, k)
    values: list[float] = []
    for i, tracks in enumerate(listed):
        values += [metric(tracks, relevant, k=k) for metric in METRICS.values()]
        values += [float(beyond[name][i]) if beyond else math.nan for name in BEYOND]
    return values


def _beyond(
    answer: Answers, listed: Sequence[tuple[str, ...]], k: int
) -> dict[str, npt.NDArray[np.float64]]:
    """What the lists of one case are like, a model a row; nothing where nothing is known."""
    if answer.looks is None:
        return {}
    catalogue, history = answer.looks.catalogue, answer.case.history
    lists = np.full((len(listed), k), -1, np.int32)
    for row, tracks in enumerate(listed):
        found = catalogue.rows(tracks[:k])
        lists[row, : len(found)] = found
    played = catalogue.rows(history.filter(history[c.COUNTED])[c.TRACK_ID].to_pylist())
    heard = catalogue.rows(answer.case.known)
    n = len(listed)
    owners = np.repeat(np.arange(n), (heard >= 0).sum())
    known = TrackSets.of_pairs(
        owners, np.tile(heard[heard >= 0], n), n_rows=n, n_tracks=len(catalogue)
    )
    plays = same_history(played[played >= 0], n, catalogue)
    return answer.looks.yardsticks.measure(lists, known, plays, k=k)


def _coverage(asked: Sequence[Answers], model: str, part: str, k: int) -> int:
    """How many tracks were listed at least once."""
    return len({track for answer in asked for track in answer.lists[model][part][:k]})


def _units(asked: Sequence[Answers]) -> npt.NDArray[np.int64]:
    _, owner = np.unique([answer.case.user_id for answer in asked], return_inverse=True)
    few = owner.max() + 1 < _MANY_USERS
    return np.arange(len(asked)) if few else owner.astype(np.int64)


def _relevant(case: Case, part: str) -> frozenset[str]:
    return {"all": case.relevant, "repeats": case.repeats, "discoveries": case.discoveries}[part]
