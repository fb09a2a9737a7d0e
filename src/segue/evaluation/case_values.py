"""What every case of one model came to: metrics by part and length, gathered block by block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.evaluation.beyond_accuracy import Yardsticks
from segue.evaluation.list_metrics import accuracy
from segue.evaluation.track_sets import TrackSets
from segue.features.interactions import Interactions
from segue.features.training_data import TrainingData

__all__ = ["DATA_PARTS", "FEW", "CaseValues", "Judge", "Key"]

FEW: Final = 5
"""A track is cold that so many listeners play at most; a listener who has played so many tracks."""

DATA_PARTS: Final = (
    "all",
    "repeats",
    "discoveries",
    "warm_tracks",
    "cold_tracks",
    "warm_listeners",
    "cold_listeners",
)
"""Everything held out; and what of it was known or new, what many or few play, who played much or
little before."""

Key = tuple[str, int, str]
"""Part, k, metric."""

Lists = npt.NDArray[np.int32]


@dataclass
class CaseValues:
    """Values of one model, a case a place.

    Args:
        values: Key -> float32 arrays; NaN where a case has nothing to measure.
        listed: For each k whether each track was listed in this round, shape (n_tracks,).
        coverages: For each k the share of the catalogue that was, for every round that is over.
        n_answered: Cases with any answer at all.
    """

    values: dict[Key, list[npt.NDArray[np.float32]]] = field(default_factory=dict)
    listed: dict[int, npt.NDArray[np.bool_]] = field(default_factory=dict)
    coverages: dict[int, list[float]] = field(default_factory=dict)
    n_answered: int = 0

    def of(self, key: Key) -> npt.NDArray[np.float32]:
        """All values of one metric, in the order of cases."""
        return np.concatenate(self.values[key])

    def coverage(self, k: int) -> float:
        """Share of the catalogue that was listed at least once in a round, mean of rounds."""
        return float(np.mean(self.coverages[k]))

    def close(self) -> None:
        """All cases of a round (a seed) are in."""
        for k, listed in self.listed.items():
            self.coverages.setdefault(k, []).append(float(listed.mean()))
        self.listed.clear()


@dataclass(frozen=True)
class Judge:
    """Measures lists against what would have been right.

    Args:
        ks: Lengths of the lists; parts other than “all” are measured at the first.
        yardsticks: For novelty, diversity and calibration.
        cold: Which tracks few listeners of the training play, shape (n_tracks,).
        repeats: Whether what a case has heard may be right.
    """

    ks: Sequence[int]
    yardsticks: Yardsticks
    cold: npt.NDArray[np.bool_]
    repeats: bool

    @classmethod
    def of(cls, training: TrainingData, ks: Sequence[int], *, repeats: bool) -> Judge:
        """Made from what was learned from, and from nothing else."""
        matrix = training.interactions.matrix
        listeners = np.bincount(matrix.indices, minlength=len(training.catalogue))
        return cls(tuple(ks), Yardsticks.of(training), listeners <= FEW, repeats)

    def add(
        self,
        into: CaseValues,
        lists: Lists,
        relevant: TrackSets,
        *,
        history: TrackSets,
        plays: Interactions | None = None,
    ) -> None:
        """Measure one block of cases.

        Args:
            into: Where the values go.
            lists: Catalogue rows, -1 for empty places, shape (n, k or more).
            relevant: What is right for each.
            history: What each had heard.
            plays: How often; None where calibration is not asked for.
        """
        into.n_answered += int((lists >= 0).any(axis=1).sum())
        parts = dict(self._parts(relevant, history))
        for k in self.ks:
            for part, sets in parts.items():
                if part == "all" or k == self.ks[0]:
                    self._keep(into, part, k, accuracy(lists, sets, k=k))
            self._keep(into, "all", k, self.yardsticks.measure(lists, history, plays, k=k))
            seen = into.listed.setdefault(k, np.zeros(len(self.cold), bool))
            shown = lists[:, :k]
            seen[shown[shown >= 0]] = True

    def _parts(self, relevant: TrackSets, history: TrackSets) -> Iterator[tuple[str, TrackSets]]:
        yield "all", relevant
        if self.repeats:
            known = relevant.in_common(history)
            yield "repeats", relevant.only(known)
            yield "discoveries", relevant.only(~known)
        cold = self.cold[relevant.tracks]
        yield "warm_tracks", relevant.only(~cold)
        yield "cold_tracks", relevant.only(cold)
        little = np.repeat(history.sizes <= FEW, relevant.sizes)
        yield "warm_listeners", relevant.only(~little)
        yield "cold_listeners", relevant.only(little)

    @staticmethod
    def _keep(
        into: CaseValues, part: str, k: int, values: Mapping[str, npt.NDArray[np.float64]]
    ) -> None:
        for metric, found in values.items():
            into.values.setdefault((part, k, metric), []).append(found.astype(np.float32))
