"""Compare recommenders on a public data set, by the rules of the published tables."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from segue.errors import ConfigError
from segue.evaluation.case_values import CaseValues, Judge
from segue.evaluation.data_board import BASELINES, DataBoard, Effort, scores
from segue.evaluation.data_splits import SplitRule
from segue.evaluation.effort import Spent, measured
from segue.evaluation.folds import SessionFold, Stage, UserFold, session_fold, user_fold
from segue.evaluation.track_sets import TrackSets
from segue.features.interactions import Interactions
from segue.features.listens import Listens
from segue.flows.ask_models import listener_lists, plays_of, rows_of, session_lists, sets_of
from segue.progress import Progress
from segue.recommenders.base import Batch, Composed, Frank, NextTrack, Recommender

__all__ = ["Asking", "Maker", "evaluate_data_set"]

_log = logging.getLogger(__name__)

Maker = Callable[[int], Sequence[Recommender]]
"""Makes the recommenders, unfitted, for a seed."""

_ONE_BY_ONE: Final = 2_000  # lists that a recommender without answers in bulk is asked for unnamed
_NOT_SHOWN: Final = "it is only a part of others"
_FIRST_METRICS: Final = ("recall", "ndcg", "mrr", "hit_rate")


@dataclass(frozen=True, slots=True)
class Asking:
    """How a data set is asked about.

    Args:
        rule: What is held out.
        stage: "valid" while choosing, "test" for the table.
        ks: Lengths of the lists.
        repeats: Whether what a listener has heard may be right (sessions: always).
        unseen: Sessions: what becomes of held-out plays of tracks that training does not have.
        limit: Listeners (or sessions) asked about at most.
    """

    rule: SplitRule
    stage: Stage = "test"
    ks: tuple[int, ...] = (10, 20)
    repeats: bool = False
    unseen: Literal["drop", "keep"] = "drop"
    limit: int | None = None


@dataclass
class _Found:
    """What one model came to, over seeds."""

    values: CaseValues = field(default_factory=CaseValues)
    fits: list[Spent] = field(default_factory=list)
    rounds: list[Spent] = field(default_factory=list)
    silent: str | None = None


def evaluate_data_set(
    data: Listens,
    make: Maker,
    asking: Asking,
    *,
    seeds: Sequence[int] = (17,),
    shown: Sequence[str] | None = None,
    against: str | None = None,
    progress: Progress,
) -> DataBoard:
    """Train every model on each split, ask it about all that was held out, and compare.

    Full ranking: every track of the catalogue may be answered, none is sampled.

    Args:
        data: What `read_data_set` read.
        make: Makes the models for a seed; those that are made of others come after them.
        asking: What is held out and how it is asked about.
        seeds: Of split and training. A split that is not drawn is made once, with the first.
        shown: Models to ask; others are only trained as parts of these. None means all.
        against: The model that differences are from; None means the best.

    Raises:
        ConfigError: The data cannot be split so, or no model had anything to say.
    """
    seeds = tuple(seeds) if asking.rule.is_drawn else tuple(seeds)[:1]
    _check(asking.ks, len(data.catalogue))
    found: dict[str, _Found] = {}
    units: list[npt.NDArray[np.int64]] = []
    facts: dict[str, Any] = _facts(data, asking)
    sizes: list[int] = []
    for seed in seeds:
        fold = _fold(data, asking, seed)
        facts |= _told(fold)
        units.append(_units(fold, before=int(units[-1].max()) + 1 if units else 0))
        sizes.append(len(fold))
        _one_round(fold, make(seed), found, asking, shown, progress)
    spoke = {name: one.values for name, one in found.items() if one.silent is None}
    if not spoke:
        raise ConfigError(
            "none of the models has anything to say about these data: "
            + "; ".join(f"{name}: {one.silent}" for name, one in found.items()),
            field="models",
            cure="Choose others with --models, or another --split.",
        )
    against, made = scores(
        spoke, np.concatenate(units), ks=asking.ks, seed=seeds[0], against=_known(against, spoke)
    )
    _log.info("compared %d models on %d cases", len(spoke), sum(sizes))
    return DataBoard(
        data_set=data.name,
        facts=facts,
        seeds=seeds,
        against=against,
        scores=made,
        by_seed={name: _by_seed(values, sizes, asking.ks[0]) for name, values in spoke.items()},
        efforts={name: _effort(found[name], sizes[0]) for name in spoke},
        silent={name: one.silent for name, one in found.items() if one.silent is not None},
    )


def _check(ks: Sequence[int], n_tracks: int) -> None:
    if not ks or min(ks) < 1:
        raise ConfigError("--k wants lengths from 1 on", field="k", cure="For example --k 10,20.")
    if max(ks) >= n_tracks:
        raise ConfigError(
            f"lists of {max(ks):,} tracks are as long as the catalogue, which has {n_tracks:,}",
            field="k",
            cure="Ask for shorter lists with --k.",
        )


def _known(against: str | None, spoke: Mapping[str, CaseValues]) -> str | None:
    if against is not None and against not in spoke:
        raise ConfigError(
            f"there is no result of “{against}” to compare with",
            field="against",
            cure=f"Choose one of: {', '.join(spoke)}.",
        )
    return against


def _fold(data: Listens, asking: Asking, seed: int) -> UserFold | SessionFold:
    if asking.rule.name == "sessions":
        return session_fold(
            data,
            asking.rule,
            seed=seed,
            stage=asking.stage,
            unseen=asking.unseen,
            limit=asking.limit,
        )
    return user_fold(
        data,
        asking.rule,
        seed=seed,
        stage=asking.stage,
        repeats=asking.repeats,
        limit=asking.limit,
    )


def _units(fold: UserFold | SessionFold, before: int) -> npt.NDArray[np.int64]:
    """Whose every case is: a listener is the same in all seeds, a session is one of its own.

    Args:
        before: Sessions are numbered from here on.
    """
    if isinstance(fold, UserFold):
        return fold.listeners
    return before + np.concatenate([prefixes.owners for prefixes in fold.blocks()])


def _one_round(
    fold: UserFold | SessionFold,
    models: Sequence[Recommender],
    found: dict[str, _Found],
    asking: Asking,
    shown: Sequence[str] | None,
    progress: Progress,
) -> None:
    repeats = fold.repeats if isinstance(fold, UserFold) else True
    judge = Judge.of(fold.training, asking.ks, repeats=repeats)
    passed_over = {model.name: _passed_over(model, fold, shown) for model in models}
    asked = [model for model in models if passed_over[model.name] is None]
    kept = any(isinstance(model, Composed) for model in asked)
    fitted: dict[str, Recommender] = {}
    for model in models:
        why = passed_over[model.name]
        mine = found.setdefault(model.name, _Found()) if why != _NOT_SHOWN else _Found()
        mine.silent = why or mine.silent
        if why is not None and not kept:
            continue
        progress.start(f"Training {model.name}")
        with measured() as spent:
            trained = _fit(model, fold, fitted)
        if kept:  # else it is let go of once it was asked
            fitted[model.name] = trained
        mine.fits.append(spent)
        progress.done(f"{spent.seconds:.1f} s")
        if why is None:
            _ask(trained, fold, mine, judge, progress)


def _ask(
    model: Recommender,
    fold: UserFold | SessionFold,
    mine: _Found,
    judge: Judge,
    progress: Progress,
) -> None:
    """Every question of a fold to one model; what came of it goes into `mine`."""
    silent = model.silent_because() if isinstance(model, Frank) else None
    if silent is not None:
        mine.silent = silent
        return
    progress.start(f"Asking {model.name}", total=len(fold), unit="lists")
    with measured() as spent:
        for block in _blocks(model, fold, max(judge.ks), progress):
            judge.add(mine.values, *block[:2], history=block[2], plays=block[3])
    mine.values.close()
    mine.rounds.append(spent)
    progress.done(f"{spent.seconds:.1f} s")
    if not mine.values.n_answered:
        mine.silent = "it had no answer to any of the questions"


def _passed_over(
    model: Recommender, fold: UserFold | SessionFold, shown: Sequence[str] | None
) -> str | None:
    """Why a model is not asked, if it is not: named models and baselines always are."""
    if shown is not None:
        return None if model.name in shown else _NOT_SHOWN
    if model.name in BASELINES:
        return None
    if isinstance(fold, SessionFold) and not isinstance(model, NextTrack):
        return "it does not say what comes next; --models asks it all the same"
    if isinstance(fold, UserFold) and not isinstance(model, Batch) and len(fold) > _ONE_BY_ONE:
        return "it answers one question at a time; --models asks it all the same"
    return None


def _fit(
    model: Recommender, fold: UserFold | SessionFold, fitted: Mapping[str, Recommender]
) -> Recommender:
    trained = model.fit(fold.training)
    return trained.with_parts(fitted) if isinstance(trained, Composed) else trained


def _blocks(
    model: Recommender, fold: UserFold | SessionFold, k: int, progress: Progress
) -> Iterator[tuple[npt.NDArray[np.int32], TrackSets, TrackSets, Interactions | None]]:
    """Lists, what is right, what was heard, and how often, a block at a time."""
    if isinstance(fold, UserFold):
        heard = sets_of(fold.histories)
        for start, stop, lists in listener_lists(model, fold, k, progress):
            plays = rows_of(fold.histories, start, stop)
            yield lists, fold.relevant.rows(start, stop), heard.rows(start, stop), plays
        return
    n_tracks = len(fold.training.catalogue)
    for prefixes, lists in session_lists(model, fold, k, progress):
        n = len(prefixes.targets)
        right = TrackSets(np.arange(n + 1, dtype=np.int64), prefixes.targets, n_tracks)
        heard = sets_of(plays_of(prefixes.sessions, n_tracks, fold.training.interactions.track_ids))
        yield lists, right, heard, None


def _facts(data: Listens, asking: Asking) -> dict[str, Any]:
    return {
        "rows": len(data),
        "listeners": data.n_listeners,
        "tracks": len(data.catalogue),
        "rejected rows": data.rejected,
        "split": str(asking.rule),
        "stage": asking.stage,
        "repeats": "count" if asking.repeats or asking.rule.name == "sessions" else "masked",
    }


def _told(fold: UserFold | SessionFold) -> dict[str, Any]:
    told: dict[str, Any] = {
        "learned from": int(fold.training.interactions.matrix.nnz),
        "cases": len(fold),
    }
    if isinstance(fold, SessionFold):
        told |= {
            "held-out sessions": fold.n_held_out,
            "held-out plays": fold.n_plays,
            "of tracks training does not have": fold.n_unseen,
            "those were": "taken out" if fold.unseen == "drop" else "kept",
        }
    return told


def _by_seed(values: CaseValues, sizes: Sequence[int], k: int) -> dict[str, tuple[float, ...]]:
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    made = {}
    for metric in _FIRST_METRICS:
        all_seeds = values.of(("all", k, metric))
        made[metric] = tuple(
            float(np.nanmean(all_seeds[start:stop])) for start, stop in pairwise(bounds)
        )
    return made


def _effort(found: _Found, answers: int) -> Effort:
    return Effort(
        fit_seconds=float(np.mean([one.seconds for one in found.fits])),
        answer_seconds=float(np.mean([one.seconds for one in found.rounds])),
        fit_peak_bytes=max(one.peak_bytes for one in found.fits),
        answer_peak_bytes=max(one.peak_bytes for one in found.rounds),
        answers=answers,
    )
