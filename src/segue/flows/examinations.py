"""What settings are tried on: the validation part of a data set, or a user's earlier weeks."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.errors import NotReadyError
from segue.evaluation.folds import SessionFold, UserFold, session_fold, user_fold
from segue.evaluation.halving import Plain, Rung
from segue.evaluation.leaderboard import answers, leaderboard
from segue.evaluation.list_metrics import accuracy
from segue.evaluation.splits import Split, split
from segue.evaluation.track_sets import TrackSets
from segue.features.from_marts import training_data
from segue.features.listens import Listens
from segue.features.training_data import TrainingData
from segue.flows.ask_models import listener_lists, session_lists
from segue.flows.evaluate_data_set import Asking
from segue.flows.known_tracks import known_tracks
from segue.flows.make_models import ModelSettings, make_models, needed_for
from segue.flows.train import Marts, read_training_marts
from segue.music import columns as c
from segue.progress import Silent
from segue.recommenders.base import Composed, Frank, Recommender

__all__ = ["OfDataSet", "OfHistory"]

_FEWEST_LISTENERS: Final = 2_000
_STEP: Final = 3
_NOT_A_NUMBER: Final = float("nan")


@dataclass
class OfDataSet:
    """The validation part of a data set, at first with a share of its listeners.

    Args:
        data: The data set.
        asking: How it is split and asked; its stage must be "valid", its first k counts.
        model: Whose settings are tried.
        name: Of the metric, one of ACCURACY.
        seeds: Splits on the last rung.
        seed: The first of them, and of training.
        threads: For training; 0 means all cores.
        others: Settings of other models, for what is made of them.
    """

    data: Listens
    asking: Asking
    model: str
    name: str = "ndcg"
    seeds: int = 1
    seed: int = 17
    threads: int = 0
    others: ModelSettings = field(default_factory=dict)
    _folds: dict[tuple[float, int], UserFold | SessionFold] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Of data, split and metric."""
        found = hashlib.blake2b(digest_size=16)
        for column in (self.data.listeners, self.data.tracks, self.data.plays, self.data.part):
            found.update(np.ascontiguousarray(column).tobytes())
        asked = replace(self.asking, ks=self.asking.ks[:1])
        others = {name: dict(values) for name, values in self.others.items() if name != self.model}
        return f"{found.hexdigest()} {asked} {self.name} {self.seed} {others}"

    @property
    def metric(self) -> str:
        """What is to be high."""
        return f"{self.name}@{self.asking.ks[0]} on validation"

    @property
    def rungs(self) -> Sequence[Rung]:
        """Shares of listeners of at least two thousand, then all, then all with every seed."""
        shares = [1.0]
        while self.data.n_listeners * shares[0] / _STEP >= _FEWEST_LISTENERS and len(shares) < 3:
            shares.insert(0, shares[0] / _STEP)
        found = [Rung(share, 1) for share in shares]
        several = self.seeds > 1 and self.asking.rule.is_drawn
        return [*found, Rung(1.0, self.seeds)] if several else found

    def value(self, settings: Plain, rung: Rung) -> float:
        """The mean over splits of the mean over cases."""
        return float(np.mean([self._value(settings, rung.share, n) for n in range(rung.seeds)]))

    def _value(self, settings: Plain, share: float, n: int) -> float:
        seed = self.seed + n
        fold = self._fold(share, seed)
        model = self._fitted(settings, fold, seed)
        if isinstance(model, Frank) and model.silent_because():
            return _NOT_A_NUMBER
        k = self.asking.ks[0]
        total = 0.0
        if isinstance(fold, UserFold):
            for start, stop, lists in listener_lists(model, fold, k, Silent()):
                total += accuracy(lists, fold.relevant.rows(start, stop), k=k)[self.name].sum()
        else:
            n_tracks = len(fold.training.catalogue)
            for block, lists in session_lists(model, fold, k, Silent()):
                ends = np.arange(len(block.targets) + 1, dtype=np.int64)
                right = TrackSets(ends, block.targets, n_tracks)
                total += accuracy(lists, right, k=k)[self.name].sum()
        return total / len(fold)

    def _fitted(self, settings: Plain, fold: UserFold | SessionFold, seed: int) -> Recommender:
        own = {**self.others, self.model: {**self.others.get(self.model, {}), **settings}}
        made = make_models(needed_for([self.model]), seed=seed, threads=self.threads, settings=own)
        fitted: dict[str, Recommender] = {}
        for model in made:
            trained = model.fit(fold.training)
            if isinstance(trained, Composed):
                trained = trained.with_parts(fitted)
            fitted[model.name] = trained
        return fitted[self.model]

    def _fold(self, share: float, seed: int) -> UserFold | SessionFold:
        found = self._folds.get((share, seed))
        if found is None:
            found = self._folds[share, seed] = _fold(_some(self.data, share, seed), self, seed)
        return found


def _fold(data: Listens, of: OfDataSet, seed: int) -> UserFold | SessionFold:
    asking = of.asking
    if asking.rule.name == "sessions":
        return session_fold(
            data,
            asking.rule,
            seed=seed,
            stage="valid",
            unseen=asking.unseen,
            limit=asking.limit,
        )
    return user_fold(
        data, asking.rule, seed=seed, stage="valid", repeats=asking.repeats, limit=asking.limit
    )


def _some(data: Listens, share: float, seed: int) -> Listens:
    """The rows of a share of the listeners, drawn."""
    if share >= 1:
        return data
    n = max(1, round(share * data.n_listeners))
    drawn = np.random.default_rng(seed).choice(data.n_listeners, n, replace=False)
    chosen = np.zeros(data.n_listeners, bool)
    chosen[drawn] = True
    return data.some(chosen[data.listeners])


@dataclass
class OfHistory:
    """The weeks of users' histories before those that `segue evaluate` holds out.

    Args:
        snapshot: What was built.
        users: Whose weeks.
        model: Whose settings are tried.
        weeks: How many weeks `segue evaluate` keeps for itself, and as many are tried on.
        part: Which part of a week counts.
        k: Length of the lists.
        name: Of the metric.
    """

    snapshot: Marts
    users: Sequence[str]
    model: str
    training_sources: Collection[str] | None = None
    weeks: float = 4
    part: str = "discoveries"
    k: int = 30
    name: str = "ndcg"
    seed: int = 17
    threads: int = 0
    others: ModelSettings = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Of the history, its weeks and the metric."""
        others = {name: dict(values) for name, values in self.others.items() if name != self.model}
        told = (self.snapshot.name, self.users, self.weeks, self.part, self.k, self.name, self.seed)
        return f"{told} {others}"

    @property
    def metric(self) -> str:
        """What is to be high."""
        return f"{self.name}@{self.k} of {self.part} in earlier weeks"

    @property
    def rungs(self) -> Sequence[Rung]:
        """One: all weeks."""
        return [Rung(1.0, 1)]

    def value(self, settings: Plain, rung: Rung) -> float:
        """The mean over weeks."""
        del rung
        own = {**self.others, self.model: {**self.others.get(self.model, {}), **settings}}
        found = []
        for cut, data in self._data.items():
            fitted: dict[str, Recommender] = {}
            for model in make_models(
                needed_for([self.model]), seed=self.seed, threads=self.threads, settings=own
            ):
                trained = model.fit(data)
                if isinstance(trained, Composed):
                    trained = trained.with_parts(fitted)
                fitted[model.name] = trained
            asked = fitted[self.model]
            cases = [case for case in self._split.cases if case.cut == cut]
            found += [answers(case, {self.model: asked.recommend}, k=self.k) for case in cases]
        rows = leaderboard(found, ks=[self.k], n_tracks=1, seed=self.seed)
        row = next(row for row in rows if row.part == self.part)
        return row.metrics[self.name].value if row.coverage else _NOT_A_NUMBER

    @cached_property
    def _marts(self) -> dict[str, pa.Table]:
        """Everything before the weeks that are kept for `segue evaluate`."""
        marts = read_training_marts(self.snapshot)
        plays = marts["plays"]
        mine = plays.filter(pc.is_in(plays[c.USER_ID], value_set=pa.array(self.users)))
        said = marts["feedback"]
        kept = split(plays, list(self.users), weeks=self.weeks, feedback=said)
        if not mine.num_rows or not kept.cases:
            raise NotReadyError(
                "no history is long enough to hold its last weeks out",
                cure="Import a longer history, then run `segue build`.",
            )
        cut = min(kept.cuts)
        until = pa.scalar(cut, pa.timestamp("us", tz="UTC"))
        return {
            **marts,
            "plays": plays.filter(pc.less_equal(plays[c.PLAYED_AT], until)),
            "feedback": said.filter(pc.less_equal(said[c.SAID_AT], until)),
        }

    @cached_property
    def _split(self) -> Split:
        marts = self._marts
        found = split(
            marts["plays"], list(self.users), weeks=self.weeks, feedback=marts["feedback"]
        )
        if not found.cases:
            raise NotReadyError(
                "no history is long enough to hold two times its last weeks out",
                cure="Say fewer --weeks, or import a longer history.",
            )
        return found

    @cached_property
    def _data(self) -> Mapping[Any, TrainingData]:
        return {
            cut: training_data(
                **{**self._marts, "tracks": known_tracks(self._marts, cut)},
                training_sources=self.training_sources,
                as_of=cut,
            )
            for cut in self._split.cuts
        }
