"""How one listener repeats: weights over traces of memory, learned from their own past weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.track_memory import TRACES
from segue.recommenders.repeat_weeks import RULES, Week

__all__ = ["Habit", "Scale", "learned", "plain", "scale_of", "week_ndcg"]

_STEPS: Final = 30
_DONE: Final = 1e-5
_K: Final = 10
_JUDGED: Final = 26  # latest weeks on which the simple rules are compared
_TEMPERATURE: Final = 0.03  # of NDCG: a rule this much worse has a third of the say
_INTERCEPT: Final = -2.0
_RECENCY: Final = TRACES.index("last play")
_ACTIVATION: Final = TRACES.index("activation 0.8")

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """What is usual of each trace.

    Args:
        mean, spread: float64, shape (len(TRACES),); spread is above zero.
    """

    mean: Reals
    spread: Reals

    @classmethod
    def none(cls) -> Scale:
        """Traces as they are."""
        return cls(np.zeros(len(TRACES)), np.ones(len(TRACES)))

    def __call__(self, values: Reals) -> Reals:
        """Traces in standard deviations from the usual."""
        return np.asarray((values - self.mean) / self.spread)


@dataclass(frozen=True)
class Habit:
    """How a listener repeats.

    Args:
        weights: Of the scaled traces, float64, shape (len(TRACES),).
        rules: Say of each of RULES, float64, shape (len(RULES),), sum 1; all 0 for none.
    """

    weights: Reals
    rules: Reals

    def scores(self, values: Reals, scale: Scale) -> Reals:
        """Higher is likelier; the regression and the rules have the same say, shape (m,)."""
        mixed = _standard(scale(values) @ self.weights)
        if self.rules.any():
            mixed = mixed + _standard(_by_rules(values) @ self.rules)
        return mixed


def plain(scale: Scale) -> Habit:
    """Activation with decay 0.8 and nothing else: of one of whom nothing is known."""
    return Habit(_prior(scale), np.zeros(len(RULES)))


def scale_of(weeks: Sequence[Week]) -> Scale:
    """Mean and standard deviation of the traces of these weeks; as they are without any."""
    if not weeks:
        return Scale.none()
    values = np.concatenate([week.values for week in weeks])
    spread = values.std(axis=0)
    return Scale(values.mean(axis=0), np.where(spread > 1e-6, spread, 1.0))


def learned(weeks: Sequence[Week], scale: Scale, *, strength: float, half_life: float) -> Habit:
    """What these weeks say of whoever lived them.

    The weights are a logistic regression of “played in the week” on the scaled traces: the maximum
    of the posterior under a Gaussian prior around `plain`, by Newton's method with backtracking. A
    week counts half as much for every `half_life` weeks of its age. Each rule's say falls with how
    far its NDCG@10 over the latest weeks is behind the best rule's.

    Args:
        weeks: At least one, oldest first.
        strength: Precision of the prior: how many plays' worth of evidence it holds.
    """
    rows = np.concatenate([scale(week.values) for week in weeks])
    rows = np.hstack([rows, np.ones((len(rows), 1))])
    played = np.concatenate([week.played for week in weeks]).astype(np.float64)
    weight = np.concatenate(
        [np.full(len(week.played), 0.5 ** (week.age / half_life)) for week in weeks]
    )
    start = np.append(_prior(scale), _INTERCEPT)
    pull = np.append(np.full(len(TRACES), strength), 1e-2)
    found = _newton(rows, played, weight, start=start, pull=pull)
    return Habit(found[:-1], _say(sorted(weeks, key=lambda week: week.age)[:_JUDGED]))


def week_ndcg(week: Week, scores: Reals) -> float:
    """NDCG@10 of the week's tracks ranked by these scores."""
    gains = 1 / np.log2(np.arange(2, _K + 2))
    top = np.argsort(-scores, kind="stable")[:_K]
    return float(gains[: len(top)][week.played[top]].sum() / gains[: min(_K, week.wanted)].sum())


def _prior(scale: Scale) -> Reals:
    weights = np.zeros(len(TRACES))
    weights[_ACTIVATION] = scale.spread[_ACTIVATION]
    return weights


def _say(weeks: Sequence[Week]) -> Reals:
    ndcg = np.array(
        [
            np.mean([week_ndcg(w, _raw(w.values)[:, rule]) for w in weeks])
            for rule in range(len(RULES))
        ]
    )
    say = np.exp((ndcg - ndcg.max()) / _TEMPERATURE)
    return np.asarray(say / say.sum())


def _raw(values: Reals) -> Reals:
    """Each rule's own numbers, ties by the last play, shape (m, len(RULES))."""
    return values[:, list(RULES.values())] + 1e-6 * values[:, [_RECENCY]]


def _by_rules(values: Reals) -> Reals:
    raw = _raw(values)
    return np.asarray((raw - raw.mean(axis=0)) / (raw.std(axis=0) + 1e-9))


def _standard(scores: Reals) -> Reals:
    return np.asarray((scores - scores.mean()) / (scores.std() + 1e-9))


def _newton(rows: Reals, played: Reals, weight: Reals, *, start: Reals, pull: Reals) -> Reals:
    def loss(w: Reals) -> tuple[float, Reals]:
        s = rows @ w
        fit = weight @ (np.logaddexp(0, s) - played * s)
        return float(fit + 0.5 * pull @ (w - start) ** 2), 1 / (1 + np.exp(-s))

    w = start.copy()
    value, chance = loss(w)
    for _ in range(_STEPS):
        gradient = rows.T @ (weight * (chance - played)) + pull * (w - start)
        curve = (rows * (weight * chance * (1 - chance))[:, None]).T @ rows + np.diag(pull)
        step = np.linalg.solve(curve, gradient)
        size = 1.0
        while True:
            moved, its_chance = loss(w - size * step)
            if moved <= value - 1e-4 * size * (gradient @ step) or size < 1e-4:
                break
            size /= 2
        w, gained, value, chance = w - size * step, value - moved, moved, its_chance
        if gained < _DONE * abs(value):
            break
    return w
