"""Recommenders side by side on a data set: means, intervals, differences, time and memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from segue.evaluation.beyond_accuracy import BEYOND
from segue.evaluation.bootstrap import Estimate, Means, means
from segue.evaluation.case_values import DATA_PARTS, CaseValues, Key
from segue.evaluation.list_metrics import ACCURACY

__all__ = ["BASELINES", "DataBoard", "Effort", "Score", "scores"]

BASELINES: Final = ("most_played", "popular")
"""What every other recommender has to beat."""

_LEADS: Final = "ndcg"


@dataclass(frozen=True, slots=True)
class Effort:
    """What one model cost, over all seeds.

    Args:
        fit_seconds: Mean over trainings.
        answer_seconds: Mean over rounds of answering all cases.
        fit_peak_bytes: Highest resident memory of the process while it trained.
        answer_peak_bytes: The same while it answered.
        answers: Lists made in one round.
    """

    fit_seconds: float
    answer_seconds: float
    fit_peak_bytes: int
    answer_peak_bytes: int
    answers: int


@dataclass(frozen=True, slots=True)
class Score:
    """How one model did on one part.

    Args:
        model: Its name.
        part: One of DATA_PARTS.
        k: Length of the lists.
        cases: Cases with anything relevant in this part, over all seeds.
        metrics: Metric -> mean over cases with its interval; those that the data cannot tell are
            not there.
        differences: Metric -> this model less the one compared with, over the same cases.
        coverage: Share of the catalogue listed at least once, for “all”; else None.
    """

    model: str
    part: str
    k: int
    cases: int
    metrics: Mapping[str, Estimate]
    differences: Mapping[str, Estimate]
    coverage: float | None = None


@dataclass(frozen=True)
class DataBoard:
    """All scores of an evaluation on a data set; for each part and k the best NDCG first.

    Args:
        data_set: What was evaluated on.
        facts: What it holds and how it was asked, in the order in which to tell it.
        seeds: Of the splits and trainings; one where the split does not depend on it.
        against: The model that differences are from: the best of all, or the one asked for.
        scores: One for each model, part and k.
        by_seed: Model -> metric at the first k -> the mean of each seed.
        efforts: Model -> what it cost.
        silent: Model -> why it has no scores.
    """

    data_set: str
    facts: Mapping[str, Any]
    seeds: tuple[int, ...]
    against: str
    scores: tuple[Score, ...]
    by_seed: Mapping[str, Mapping[str, tuple[float, ...]]]
    efforts: Mapping[str, Effort]
    silent: Mapping[str, str] = field(default_factory=dict)

    def score(self, model: str, k: int, part: str = "all") -> Score:
        """One score.

        Raises:
            KeyError: There is none such.
        """
        for score in self.scores:
            if (score.model, score.part, score.k) == (model, part, k):
                return score
        raise KeyError((model, part, k))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "data_set": self.data_set,
            "facts": dict(self.facts),
            "seeds": list(self.seeds),
            "against": self.against,
            "silent": dict(self.silent),
            "efforts": {
                model: {
                    "fit_seconds": round(effort.fit_seconds, 3),
                    "answer_seconds": round(effort.answer_seconds, 3),
                    "fit_peak_bytes": effort.fit_peak_bytes,
                    "answer_peak_bytes": effort.answer_peak_bytes,
                    "answers": effort.answers,
                }
                for model, effort in self.efforts.items()
            },
            "by_seed": {
                model: {name: [round(one, 6) for one in each] for name, each in metrics.items()}
                for model, metrics in self.by_seed.items()
            },
            "rows": [
                {
                    "model": score.model,
                    "baseline": score.model in BASELINES,
                    "part": score.part,
                    "k": score.k,
                    "cases": score.cases,
                    "coverage": None if score.coverage is None else round(score.coverage, 6),
                    "metrics": {name: one.as_dict() for name, one in score.metrics.items()},
                    "differences": {name: one.as_dict() for name, one in score.differences.items()},
                }
                for score in self.scores
            ],
        }


def scores(
    found: Mapping[str, CaseValues],
    units: npt.NDArray[np.int64],
    *,
    ks: Sequence[int],
    seed: int,
    against: str | None = None,
) -> tuple[str, tuple[Score, ...]]:
    """Average over cases.

    Args:
        found: Values of each model for the same cases in the same order.
        units: The listener (or session) of every case: they are resampled whole.
        ks: Lengths of the lists.
        seed: Of the bootstrap.
        against: What differences are from; None means the best NDCG at the first k.

    Returns:
        The model compared with, and the scores.
    """
    against = against or _best(found, ks[0])
    made = []
    for k in ks:
        for part in DATA_PARTS:
            made += _of_part(found, units, part, k=k, seed=seed, against=against)
    made.sort(
        key=lambda s: (DATA_PARTS.index(s.part), ks.index(s.k), -s.metrics[_LEADS].value, s.model)
    )
    return against, tuple(made)


def _best(found: Mapping[str, CaseValues], k: int) -> str:
    mean = {
        name: float(np.nanmean(values.of(("all", k, _LEADS)))) for name, values in found.items()
    }
    return min(mean, key=lambda name: (-mean[name], name))


def _of_part(
    found: Mapping[str, CaseValues],
    units: npt.NDArray[np.int64],
    part: str,
    *,
    k: int,
    seed: int,
    against: str,
) -> list[Score]:
    names = [metric for metric in (*ACCURACY, *BEYOND) if _has(found, (part, k, metric))]
    if _LEADS not in names:
        return []
    columns = [(model, metric) for model in found for metric in names]
    values = np.stack([found[model].of((part, k, metric)) for model, metric in columns], axis=1)
    asked = np.isfinite(values[:, names.index(_LEADS)])
    if not asked.any():
        return []
    drawn = means(values[asked], units[asked], seed)
    place = {column: i for i, column in enumerate(columns)}
    return [
        Score(
            model=model,
            part=part,
            k=k,
            cases=int(asked.sum()),
            metrics=_estimates(drawn, {name: place[model, name] for name in names}),
            differences={}
            if model == against
            else _differences(drawn, model, against, names, place),
            coverage=found[model].coverage(k) if part == "all" else None,
        )
        for model in found
    ]


def _has(found: Mapping[str, CaseValues], key: Key) -> bool:
    return all(key in values.values for values in found.values())


def _estimates(drawn: Means, place: Mapping[str, int]) -> dict[str, Estimate]:
    made = {name: drawn.estimate(column) for name, column in place.items()}
    return {name: one for name, one in made.items() if math.isfinite(one.value)}


def _differences(
    drawn: Means,
    model: str,
    against: str,
    names: Sequence[str],
    place: Mapping[tuple[str, str], int],
) -> dict[str, Estimate]:
    made = {name: drawn.difference(place[model, name], place[against, name]) for name in names}
    return {name: one for name, one in made.items() if math.isfinite(one.value)}
