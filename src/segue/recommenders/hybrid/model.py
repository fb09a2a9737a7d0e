"""Two stages: what all recommenders propose, ranked by what became of such proposals before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.lessons import Lesson
from segue.features.listening import listening
from segue.features.training_data import TrainingData
from segue.music.candidates import Candidates
from segue.music.query import Mix, Query
from segue.recommenders.arrays import load_array, load_settings, save_arrays, save_settings
from segue.recommenders.base import Composed, Frank, Recommender
from segue.recommenders.hybrid.answer import Ranked, explained, shortlisted, told
from segue.recommenders.hybrid.blend import AROUND, FAMILIAR, FORGOTTEN, NEW, Weights
from segue.recommenders.hybrid.features import (
    Background,
    background,
    directions,
    feature_names,
    table,
)
from segue.recommenders.hybrid.forest import Forest
from segue.recommenders.hybrid.listener import who
from segue.recommenders.hybrid.proposals import Proposals, proposals
from segue.recommenders.hybrid.ranker import Examples, Verdict, headstart, taught
from segue.recommenders.opinion import position_among
from segue.recommenders.ranking import fitted

__all__ = ["Hybrid"]

_SIDES: Final[Mapping[str, Weights]] = {"known": FAMILIAR, "new": NEW}
_BLENDED: Final[Mapping[str, Weights]] = {"similar": AROUND, "rediscover": FORGOTTEN}

_LATELY: Final = 4  # a mix asks for each of its parts, and then what speaks for them
_NONE: Final = np.zeros(1)

Reals = npt.NDArray[np.float64]


class Hybrid:
    """Asks every other recommender, then ranks all that they propose by trees that learned how.

    Known tracks and new ones have trees of their own: what brings a favourite back has little to
    do with what makes a discovery. For "daily" the known come first. Until there are enough past
    weeks to learn from, and wherever the trees guessed no better than the fixed blend, the blend
    ranks; so it does for "similar" and "rediscover", of which no past week tells what would have
    been right.

    Args:
        depth: Tracks of each recommender that are ranked; deeper ones follow, blended.
        seed: Of the trees.
        threads: For training; 0 means all cores. The result does not depend on it.
    """

    name: ClassVar[str] = "hybrid"

    def __init__(self, *, depth: int = 200, seed: int = 17, threads: int = 0) -> None:
        self.depth = depth
        self.seed = seed
        self.threads = threads
        self.catalogue_: Catalogue | None = None
        self.background_: Background | None = None
        self.parts_: Mapping[str, Recommender] = {}
        self.ingredients_: tuple[str, ...] = ()
        self.forests_: dict[str, Forest] = {}
        self.verdicts_: dict[str, Verdict] = {}

    def fit(self, data: TrainingData) -> Self:
        """Count what everybody listens to; what was learned from lessons stays."""
        self.catalogue_ = data.catalogue
        self.background_ = background(data)
        return self

    def with_parts(self, parts: Mapping[str, Recommender]) -> Self:
        """Ask these, except those that are made of others themselves."""
        self.parts_ = {
            name: parts[name] for name in sorted(parts) if not isinstance(parts[name], Composed)
        }
        return self

    @classmethod
    def blending(cls, parts: Mapping[str, Recommender], catalogue: Catalogue) -> Self:
        """One that asks these few and blends what they say; it learned nothing."""
        model = cls()
        model.catalogue_ = catalogue
        return model.with_parts(parts)

    def learn(self, lessons: Sequence[Lesson]) -> Self:
        """Teach the trees what became of such proposals.

        Args:
            lessons: Questions later than anything the parts were fitted on, earliest first.
        """
        self.ingredients_ = tuple(name for name, part in self.parts_.items() if not _silent(part))
        names = feature_names(self.ingredients_)
        examples: dict[str, list[Examples]] = {side: [] for side in _SIDES}
        for lesson in lessons:
            # of a crowd nobody knows what was skipped: it teaches what is met, not what is loved
            for side in _SIDES if lesson.own else ("new",):
                examples[side].append(self._example(lesson, side))
        self.verdicts_ = {
            side: taught(
                examples[side],
                names=names,
                directions=directions(names),
                groups=_groups(names, self.ingredients_),
                seed=self.seed,
                threads=self.threads,
            )
            for side in _SIDES
        }
        self.forests_ = {
            side: verdict.forest
            for side, verdict in self.verdicts_.items()
            if verdict.forest is not None
        }
        return self

    def account(self) -> str:
        """What was learned from how many past weeks, or why nothing was."""
        return "; ".join(f"{side} tracks: {_account(v)}" for side, v in self.verdicts_.items())

    def recommend(self, query: Query, k: int) -> Candidates:
        """At most k tracks, each with the evidence of those that proposed it."""
        if k <= 0:
            return Candidates()
        sides = self._sides(query, k)
        return explained(sides, k, catalogue=self._catalogue, parts=self.parts_)

    def shortlist(self, query: Query, k: int) -> Candidates:
        """At most k tracks, nothing told of them."""
        if k <= 0:
            return Candidates()
        return shortlisted(self._sides(query, k), k, catalogue=self._catalogue)

    def told(self, query: Query, candidates: Candidates) -> Candidates:
        """Those with evidence of a shortlist, with all that proposed them."""
        lately = self._catalogue.memo.get(self.name, ())
        found = [sides for model, asked, sides in lately if model is self and asked is query]
        sides = found[0] if found else self._sides(query, self.depth)
        return told(sides, candidates, catalogue=self._catalogue, parts=self.parts_)

    def _sides(self, query: Query, k: int) -> list[Ranked]:
        """The answer in parts; the latest few are remembered, for `told` asks for them again."""
        if query.mix in _BLENDED:
            found = [self._blended(query, _BLENDED[query.mix], k)]
        elif query.mix == "discover":
            found = [self._side(query, "new", k)]
        else:
            found = [self._side(query, "known", k)]
            if len(found[0].proposed) < k:
                found.append(self._side(replace(query, mix="discover"), "new", k))
        lately = self._catalogue.memo.get(self.name, ())
        self._catalogue.memo[self.name] = ((self, query, found), *lately)[:_LATELY]
        return found

    def save(self, folder: Path) -> None:
        """Write what was counted, and the trees."""
        fitted(self.name, self.catalogue_)
        assert self.background_ is not None
        known = self.background_
        save_arrays(folder, {"listeners": known.listeners, "trend": known.trend})
        for side, forest in self.forests_.items():
            forest.save(folder, side)
        settings = {"depth": self.depth, "seed": self.seed}
        facts = {"ingredients": self.ingredients_, "sides": sorted(self.forests_)}
        save_settings(folder, {"settings": settings, **facts})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read them back, arrays mapped; it wants its parts before it answers."""
        facts = load_settings(folder)
        model = cls(**facts["settings"])
        model.catalogue_ = catalogue
        listeners, trend = (load_array(folder, name) for name in ("listeners", "trend"))
        model.background_ = Background(listeners, trend)
        model.ingredients_ = tuple(facts["ingredients"])
        model.forests_ = {side: Forest.load(folder, side) for side in facts["sides"]}
        return model

    def _blended(self, query: Query, weights: Weights, k: int) -> Ranked:
        """All that has a weight, in the order of the blend."""
        asked = [name for name in self.parts_ if weights.named.get(name, weights.others) > 0]
        proposed = self._proposed(query, asked, k)
        shares = weights.parts(proposed)
        return Ranked(query, proposed, shares.sum(axis=1), shares.__getitem__)

    def _side(self, query: Query, side: str, k: int) -> Ranked:
        """The candidates of one side, as its trees rank them; what they did not see after that."""
        weights, forest = _SIDES[side], self.forests_.get(side)
        if forest is None:
            blended = self._blended(query, weights, k)
            return blended.where(self._on(side, query, blended.proposed))
        proposed = self._proposed(query, self.ingredients_, max(k, self.depth))
        proposed = proposed.where(self._on(side, query, proposed))
        shares = weights.parts(proposed)
        scores = shares.sum(axis=1) - 1
        seen, rows = proposed.within(self.depth)
        numbers, parts = self._table(query, seen, weights)
        start, leaves = headstart(parts.sum(axis=1)), forest.leaves(numbers)
        scores[rows] = 1 / (1 + np.exp(-forest.scores(leaves) - start))
        place = np.full(len(proposed), -1)
        place[rows] = np.arange(len(rows))

        def shares_at(some: npt.NDArray[np.int64]) -> Reals:
            found, at = shares[some], place[some]
            by_trees = at[at >= 0]
            lead = start[by_trees] - headstart(_NONE)
            said = forest.contributions(leaves[by_trees])
            found[at >= 0] = _shared_out(said, lead, parts[by_trees])
            return found

        return Ranked(query, proposed, scores, shares_at)

    def _example(self, lesson: Lesson, side: str) -> Examples:
        """The candidates of one question with what came of them."""
        mix: Mix = "daily" if side == "known" else "discover"
        query = replace(lesson.query, mix=mix)
        proposed = self._proposed(query, self.ingredients_, self.depth)
        proposed = proposed.where(self._on(side, query, proposed))
        numbers, parts = self._table(query, proposed, _SIDES[side])
        played = np.isin(proposed.rows, lesson.rows, assume_unique=True).astype(np.int8)
        finished = np.isin(proposed.rows, lesson.rows[lesson.finished], assume_unique=True)
        known = np.isin(lesson.rows, listening(query, self._catalogue).rows)
        relevant = int((known if side == "known" else ~known).sum())
        return Examples(numbers, played + (finished & (played > 0)), parts.sum(axis=1), relevant)

    def _table(self, query: Query, seen: Proposals, weights: Weights) -> tuple[Reals, Reals]:
        """The candidates in numbers, and what each recommender adds in the fixed blend."""
        assert self.background_ is not None
        catalogue, parts = self._catalogue, weights.parts(seen)
        person = who(listening(query, catalogue), query.now, catalogue)
        blend = parts.sum(axis=1)
        return table(seen, blend, person, catalogue=catalogue, known=self.background_), parts

    def _proposed(self, query: Query, names: Sequence[str], k: int) -> Proposals:
        return proposals(self.parts_, names, query, catalogue=self._catalogue, k=k)

    def _on(self, side: str, query: Query, proposed: Proposals) -> npt.NDArray[np.bool_]:
        """Which of the candidates are on this side."""
        heard = listening(query, self._catalogue)
        known = position_among(heard.rows, proposed.rows) >= 0
        return known if side == "known" else ~known

    @property
    def _catalogue(self) -> Catalogue:
        return fitted(self.name, self.catalogue_)


def _silent(part: Recommender) -> bool:
    """Whether it has nothing to say to anybody."""
    return isinstance(part, Frank) and part.silent_because() is not None


def _groups(names: Sequence[str], ingredients: Sequence[str]) -> npt.NDArray[np.int64]:
    """For each feature the ingredient it speaks of; the blend comes after these, then the rest."""
    place = {name: at for at, name in enumerate([*ingredients, "blend"])}
    return np.array([place.get(name.split(":")[0], len(place)) for name in names], np.int64)


def _shared_out(contributions: Reals, start: Reals, parts: Reals) -> Reals:
    """What each ingredient adds; the blend's doing is theirs in proportion to their parts."""
    n_ingredients = parts.shape[1]
    total = np.maximum(parts.sum(axis=1), 1e-12)
    common = (contributions[:, n_ingredients] + start) / total
    shares: Reals = contributions[:, :n_ingredients] + common[:, None] * parts
    return shares


def _account(verdict: Verdict) -> str:
    if verdict.because:
        return f"blended as ever, since {verdict.because}"
    better = f"NDCG {verdict.learned:.3f} against {verdict.fixed:.3f} for the fixed blend"
    return f"learned from {verdict.questions:,} weeks of questions, {better}"
