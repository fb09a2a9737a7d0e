"""From ranked candidates to an answer: the best k, each with whoever really put it there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.base import Recommender
from segue.recommenders.hybrid.proposals import ABSENT, Proposals
from segue.recommenders.ranking import steadied

__all__ = ["Ranked", "explained"]

Reals = npt.NDArray[np.float64]

_Found = tuple[int, float, tuple[str, ...], tuple[Evidence, ...]]


@dataclass(frozen=True)
class Ranked:
    """Candidates of one question under their scores.

    Args:
        query: What the recommenders were asked.
        scores: Shape (n,), at most 1.
        shares: What each recommender adds to each score, shape (n, n_recommenders).
    """

    query: Query
    proposed: Proposals
    scores: Reals
    shares: Reals

    def where(self, kept: npt.NDArray[np.bool_]) -> Ranked:
        """Some of them."""
        return Ranked(self.query, self.proposed.where(kept), self.scores[kept], self.shares[kept])

    def best(self, k: int, parts: Mapping[str, Recommender]) -> list[_Found]:
        """The best k for which somebody has evidence, ties by row."""
        order = np.argsort(-steadied(self.scores), kind="stable")
        found: list[_Found] = []
        start = 0
        while len(found) < k and start < len(order):  # rarely more than one round
            some = order[start : start + k - len(found)]
            found += self._told(np.sort(some), some, parts)
            start += len(some)
        return found

    def _told(
        self,
        ascending: npt.NDArray[np.int64],
        order: npt.NDArray[np.int64],
        parts: Mapping[str, Recommender],
    ) -> list[_Found]:
        facts = self.proposed.evidence(self.query, self.proposed.rows[ascending], parts=parts)
        columns = np.argsort(-steadied(self.shares[order]), axis=1, kind="stable")
        found = []
        for at, ranked in zip(order.tolist(), columns.tolist(), strict=True):
            row = int(self.proposed.rows[at])
            names = [
                (self.proposed.names[s], self.shares[at, s])
                for s in ranked
                if self.proposed.places[at, s] < ABSENT
            ]
            told = [(n, facts[n][row], share) for n, share in names if row in facts.get(n, ())]
            helped = [one for one in told if one[2] > 0] or told[:1]
            if helped:
                sources, evidence, _ = zip(*helped, strict=True)
                found.append((row, float(self.scores[at]), sources, evidence))
        return found


def explained(
    sides: Sequence[Ranked], k: int, *, catalogue: Catalogue, parts: Mapping[str, Recommender]
) -> Candidates:
    """The best k, all of an earlier side before any of a later one."""
    found: list[_Found] = []
    for above, side in zip(range(len(sides) - 1, -1, -1), sides, strict=True):
        more = side.best(k - len(found), parts)
        found += [(row, score + 2 * above, *told) for row, score, *told in more]  # type: ignore[misc]
    return Candidates(
        track_ids=catalogue.ids(row for row, *_ in found),
        scores=tuple(steadied(np.array([score for _, score, *_ in found])).tolist()),
        sources=tuple(sources for _, _, sources, _ in found),
        evidence=tuple(evidence for *_, evidence in found),
    )
