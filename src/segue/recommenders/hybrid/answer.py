"""From ranked candidates to an answer: the best k, each with whoever really put it there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.base import Recommender
from segue.recommenders.hybrid.proposals import ABSENT, Proposals
from segue.recommenders.ranking import steadied

__all__ = ["Ranked", "explained", "shortlisted", "told"]

Reals = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

_Found = tuple[int, float, tuple[str, ...], tuple[Evidence, ...]]


@dataclass(frozen=True)
class Ranked:
    """Candidates of one question under their scores.

    Args:
        query: What the recommenders were asked.
        scores: Shape (n,), at most 1.
        shares: Tells what each recommender adds to the scores at some places,
            shape (len(places), n_recommenders); asked of few.
    """

    query: Query
    proposed: Proposals
    scores: Reals
    shares: Callable[[Rows], Reals]

    def __len__(self) -> int:
        return len(self.proposed)

    def where(self, kept: npt.NDArray[np.bool_]) -> Ranked:
        """Some of them."""
        places = np.flatnonzero(kept)
        shares = self.shares
        return Ranked(
            self.query, self.proposed.where(kept), self.scores[kept], lambda at: shares(places[at])
        )

    def order(self) -> Rows:
        """All of them, best first, ties by row."""
        return np.argsort(-steadied(self.scores), kind="stable")

    def best(self, k: int, parts: Mapping[str, Recommender]) -> list[_Found]:
        """The best k for which somebody has evidence."""
        order = self.order()
        found: list[_Found] = []
        start = 0
        while len(found) < k and start < len(order):  # rarely more than one round
            some = order[start : start + k - len(found)]
            found += self._told(np.sort(some), some, parts)
            start += len(some)
        return found

    def told(self, rows: Rows, parts: Mapping[str, Recommender]) -> list[_Found]:
        """Those of these catalogue rows that are here and have evidence."""
        if not len(self):
            return []
        wanted = np.sort(rows)
        at = np.minimum(np.searchsorted(self.proposed.rows, wanted), len(self) - 1)
        at = at[self.proposed.rows[at] == wanted]
        return self._told(at, at, parts) if len(at) else []

    def _told(
        self,
        ascending: Rows,
        order: Rows,
        parts: Mapping[str, Recommender],
    ) -> list[_Found]:
        facts = self.proposed.evidence(self.query, self.proposed.rows[ascending], parts=parts)
        shares = self.shares(order)
        columns = np.argsort(-steadied(shares), axis=1, kind="stable")
        names, found = self.proposed.names, []
        for row, score, ranked, each, here in zip(
            self.proposed.rows[order].tolist(),
            self.scores[order].tolist(),
            columns.tolist(),
            shares.tolist(),
            (self.proposed.places[order] < ABSENT).tolist(),
            strict=True,
        ):
            told = [
                (names[s], facts[names[s]][row], each[s])
                for s in ranked
                if here[s] and row in facts.get(names[s], ())
            ]
            helped = [one for one in told if one[2] > 0] or told[:1]
            if helped:
                sources, evidence, _ = zip(*helped, strict=True)
                found.append((row, score, sources, evidence))
        return found


def shortlisted(sides: Sequence[Ranked], k: int, *, catalogue: Catalogue) -> Candidates:
    """The best k, all of an earlier side before any of a later one; nothing is told of them."""
    rows: list[int] = []
    scores: list[float] = []
    for above, side in zip(range(len(sides) - 1, -1, -1), sides, strict=True):
        order = side.order()[: k - len(rows)]
        rows += side.proposed.rows[order].tolist()
        scores += (steadied(side.scores[order] + 2 * above)).tolist()
    nothing: tuple[tuple[()], ...] = ((),) * len(rows)
    return Candidates(catalogue.ids(rows), tuple(scores), nothing, nothing)


def told(
    sides: Sequence[Ranked],
    candidates: Candidates,
    *,
    catalogue: Catalogue,
    parts: Mapping[str, Recommender],
) -> Candidates:
    """Candidates with what speaks for them, those that nothing speaks for left out."""
    rows = catalogue.rows(candidates.track_ids)
    facts = {found[0]: found for side in sides for found in side.told(rows, parts)}
    places = [place for place, row in enumerate(rows.tolist()) if row in facts]
    kept = candidates.take(places)
    said = [facts[int(rows[place])] for place in places]
    return replace(
        kept,
        sources=tuple(sources for _, _, sources, _ in said),
        evidence=tuple(evidence for _, _, _, evidence in said),
    )


def explained(
    sides: Sequence[Ranked], k: int, *, catalogue: Catalogue, parts: Mapping[str, Recommender]
) -> Candidates:
    """The best k, all of an earlier side before any of a later one."""
    found: list[_Found] = []
    for above, side in zip(range(len(sides) - 1, -1, -1), sides, strict=True):
        more = side.best(k - len(found), parts)
        found += [(row, score + 2 * above, names, why) for row, score, names, why in more]
    return Candidates(
        track_ids=catalogue.ids(row for row, *_ in found),
        scores=tuple(steadied(np.array([score for _, score, *_ in found])).tolist()),
        sources=tuple(sources for _, _, sources, _ in found),
        evidence=tuple(evidence for *_, evidence in found),
    )
