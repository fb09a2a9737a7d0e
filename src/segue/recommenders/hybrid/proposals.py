"""What many recommenders propose to one query, as one table of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import cast

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.music.candidates import Evidence
from segue.music.query import Query
from segue.recommenders.base import Proposer, Recommender

__all__ = ["ABSENT", "Proposals", "proposals"]

ABSENT = 1e6
"""The place of a track in the list of a recommender that did not propose it."""

Rows = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Proposals:
    """Every track that was proposed, each once.

    Args:
        names: The recommenders, in the order of the columns below.
        rows: Catalogue rows, ascending, shape (n,).
        places: 0 for the first of a recommender's list; ABSENT, shape (n, len(names)).
        levels: Score over the best of the list, 0 … 1; 0 where absent, same shape.
        told: Recommender -> catalogue row -> evidence, of those that answer with it at once.
    """

    names: tuple[str, ...]
    rows: Rows
    places: Reals
    levels: Reals
    told: Mapping[str, Mapping[int, Evidence]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, kept: npt.NDArray[np.bool_]) -> Proposals:
        """Some of them; places stay those in the whole lists."""
        return Proposals(
            self.names, self.rows[kept], self.places[kept], self.levels[kept], self.told
        )

    def within(self, depth: int) -> tuple[Proposals, Rows]:
        """Those among the first `depth` of a list, none placed deeper; and where they are here."""
        near = self.places < depth
        kept = np.flatnonzero(near.any(axis=1))
        places = np.where(near, self.places, ABSENT)[kept]
        levels = np.where(near, self.levels, 0.0)[kept]
        return Proposals(self.names, self.rows[kept], places, levels, self.told), kept

    def evidence(
        self, query: Query, rows: Rows, *, parts: Mapping[str, Recommender]
    ) -> dict[str, Mapping[int, Evidence]]:
        """Recommender -> row -> evidence, for those of these rows that each proposed."""
        found = dict(self.told)
        at = np.searchsorted(self.rows, rows)
        for column, name in enumerate(self.names):
            part = parts.get(name)
            if name not in found and part is not None and _proposes(type(part)):
                mine = rows[self.places[at, column] < ABSENT]
                found[name] = cast(Proposer, part).explain(query, mine) if len(mine) else {}
        return found


def proposals(
    parts: Mapping[str, Recommender],
    names: Sequence[str],
    query: Query,
    *,
    catalogue: Catalogue,
    k: int,
) -> Proposals:
    """Ask each recommender for its best k; a name that is not among the parts proposes nothing."""
    told: dict[str, Mapping[int, Evidence]] = {}
    lists = []
    for name in names:
        part = parts.get(name)
        if part is None:
            lists.append((np.empty(0, np.int64), np.empty(0)))
        elif _proposes(type(part)):
            lists.append(cast(Proposer, part).propose(query, k))
        else:
            answer = part.recommend(query, k)
            rows = catalogue.rows(answer.track_ids)
            told[name] = {
                int(row): facts[0] for row, facts in zip(rows, answer.evidence, strict=True)
            }
            lists.append((rows, np.array(answer.scores, dtype=np.float64)))
    every = np.sort(np.concatenate([rows for rows, _ in lists])) if lists else np.empty(0, int)
    every = every[np.diff(every, prepend=-1) > 0]
    places = np.full((len(every), len(names)), ABSENT)
    levels = np.zeros((len(every), len(names)))
    for column, (rows, scores) in enumerate(lists):
        if len(rows):
            at = np.searchsorted(every, rows)
            places[at, column] = np.arange(len(rows))
            levels[at, column] = _levels(scores)
    return Proposals(tuple(names), every.astype(np.int64), places, levels, told)


@cache
def _proposes(kind: type) -> bool:
    """Remembered, since asking a protocol takes longer than some proposals."""
    return issubclass(kind, Proposer)


def _levels(scores: Reals) -> Reals:
    """Scores over the best one, which does not change when a longer list is asked for."""
    top = float(scores[0])
    return np.clip(scores / top, 0, 1) if top > 0 else np.ones(len(scores))
