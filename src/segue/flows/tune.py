"""Choose a model's settings by trial, on validation data only."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Protocol

import numpy as np

from segue.errors import ConfigError, SegueError
from segue.evaluation.halving import Plain, Rung, Trial, halving
from segue.flows.make_models import defaults_of
from segue.flows.trial_log import TrialLog
from segue.flows.wiring import adapters, load_adapter
from segue.progress import Progress
from segue.recommenders.base import Tunable
from segue.recommenders.search_space import Space, Value

__all__ = ["Examination", "TuneReport", "tunable", "tune"]

_log = logging.getLogger(__name__)

_DRAWS: Final = 200  # attempts for one trial that is not among those drawn before


class Examination(Protocol):
    """What settings are tried on; never the part that a table is made of."""

    @property
    def identity(self) -> str:
        """Equal for equal data, split and metric: what a log of trials belongs to."""

    @property
    def metric(self) -> str:
        """What is to be high, in words."""

    @property
    def rungs(self) -> Sequence[Rung]:
        """From the least to the most thorough."""

    def value(self, settings: Plain, rung: Rung) -> float:
        """The mean of the metric; NaN where the model has nothing to say."""


@dataclass(frozen=True)
class TuneReport:
    """What was tried and what is best.

    Args:
        model: Its name.
        metric: What was to be high.
        before: The present settings, as far as they are searched.
        best: The settings of the highest value on the last rung; `before` where none is higher.
        before_value: What the present settings come to.
        best_value: What the best come to.
        trials: All trials, in order.
        again: Of them, how many were known from an earlier run.
    """

    model: str
    metric: str
    before: Plain
    best: Plain
    before_value: float
    best_value: float
    trials: tuple[Trial, ...]
    again: int

    @property
    def is_better(self) -> bool:
        """Whether anything is better than the present settings."""
        return dict(self.best) != dict(self.before)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "model": self.model,
            "metric": self.metric,
            "before": dict(self.before),
            "before_value": _plain(self.before_value),
            "best": dict(self.best),
            "best_value": _plain(self.best_value),
            "again": self.again,
            "trials": [
                {
                    "settings": dict(trial.settings),
                    "share": round(trial.rung.share, 4),
                    "seeds": trial.rung.seeds,
                    "value": _plain(trial.value),
                    "seconds": round(trial.seconds, 3),
                }
                for trial in self.trials
            ],
        }


def _plain(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


def tunable(name: str) -> Space:
    """The settings of a model that can be tuned.

    Raises:
        ConfigError: There is no such model, or it declares none; those that do are named.
    """
    kind = load_adapter("recommenders", name)
    if isinstance(kind, Tunable):
        return kind.search_space()
    others = [
        other
        for other in adapters("recommenders")
        if isinstance(load_adapter("recommenders", other), Tunable)
    ]
    raise ConfigError(
        f"{name} has no settings that can be tuned",
        field="model",
        cure=f"Choose one of: {', '.join(others)}.",
    )


def tune(
    model: str,
    examination: Examination,
    *,
    present: Plain,
    trials: int,
    minutes: float | None,
    seed: int,
    logs: Path,
    progress: Progress,
    clock: Callable[[], float] = perf_counter,
) -> TuneReport:
    """Try the present settings and others drawn at random, the best of them more thoroughly.

    The same call goes on where an earlier one was interrupted: every trial is written down.

    Args:
        model: Its name.
        examination: What to try on.
        present: Settings of the model that differ from its defaults now.
        trials: How many settings, the present ones among them.
        minutes: When to begin no more trials; None means no bound.
        seed: Of the draws.
        logs: Folder for the logs of trials.
        clock: Seconds that only go forward.

    Raises:
        ConfigError: The model has nothing to tune, or had nothing to say about these data.
        StorageError: The log cannot be written.
    """
    space = tunable(model)
    defaults = {**defaults_of(model), **present}
    before = {name: defaults[name] for name in space}
    log = TrialLog(logs / f"{model}-{_digest(model, examination.identity, space)}.jsonl")
    began = clock()
    again = 0
    progress.start(f"Tuning {model}", total=None if minutes else trials, unit="trials")

    def measure(settings: Plain, rung: Rung) -> Trial:
        nonlocal again
        known = log.find(settings, rung)
        if known is not None:
            again += 1
        else:
            known = _measured(examination, settings, rung, clock)
            log.add(known)
        progress.advance()
        return known

    def spent() -> float:
        return (clock() - began) / (60 * minutes) if minutes else 0.0

    made = halving(_drawn(before, space, trials, seed), examination.rungs, measure, spent)
    last = [trial for trial in made if trial.rung == examination.rungs[-1]]
    now = next(trial for trial in last if dict(trial.settings) == before)
    best = max(last, key=lambda trial: (np.nan_to_num(trial.value, nan=-1.0), trial is now))
    if not np.isfinite(best.value):
        raise ConfigError(
            f"{model} has nothing to say about these data",
            field="model",
            cure="Try another model, or data that it can learn from.",
        )
    progress.done(f"{len(made)} trials, {again} of them known")
    _log.info("tuned %s: %d trials", model, len(made))
    return TuneReport(
        model=model,
        metric=examination.metric,
        before=before,
        best=best.settings,
        before_value=now.value,
        best_value=best.value,
        trials=tuple(made),
        again=again,
    )


def _measured(
    examination: Examination, settings: Plain, rung: Rung, clock: Callable[[], float]
) -> Trial:
    began = clock()
    try:
        value = examination.value(settings, rung)
    except SegueError:
        raise
    except (ValueError, ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
        _log.warning("settings %s cannot be trained: %s", dict(settings), error)
        value = float("nan")
    return Trial(settings, rung, value, clock() - began)


def _drawn(before: Plain, space: Space, trials: int, seed: int) -> list[Plain]:
    """The present settings, then others at random, none twice."""
    rng = np.random.default_rng(seed)
    found: list[dict[str, Value]] = [dict(before)]
    for _ in range(max(trials - 1, 0)):
        for _ in range(_DRAWS):
            drawn: dict[str, Value] = {name: part.draw(rng) for name, part in space.items()}
            if drawn not in found:
                found.append(drawn)
                break
    return list(found)


def _digest(model: str, identity: str, space: Space) -> str:
    told = json.dumps([model, identity, {name: repr(part) for name, part in space.items()}])
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()
