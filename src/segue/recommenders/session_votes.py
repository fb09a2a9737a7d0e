"""What the sessions like each of many prefixes hold: neighbours' votes, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from segue.features.training_data import Sessions
from segue.recommenders.incidence import Incidence
from segue.recommenders.ranking import steadied

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["SessionVotes", "blocks", "recency_weights"]

_AT_ONCE: Final = 2_048

Rows = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SessionVotes:
    """Remembered sessions that vote for what comes next.

    Ludewig and Jannach (2018), "Evaluation of Session-based Recommendation Algorithms" (V-SKNN):
    the tracks of a prefix weigh less the longer ago they were played; a session is as like it as
    their sum over the root of the session's length; each of the nearest gives its likeness to all
    that it holds. Rare tracks weigh more, in the question as in the answer.

    Args:
        by_track: Sessions of each track, oldest session first.
        by_session: Tracks of each session.
        neighbours: Sessions that vote.
        latest: Sessions looked at for each track of a prefix, the latest.
        memory: Tracks of a prefix that are looked at, the last.
    """

    by_track: Incidence
    by_session: Incidence
    neighbours: int = 100
    latest: int = 500
    memory: int = 10

    def votes(self, prefixes: Sessions) -> sp.csr_array:
        """Shape (n_prefixes, n_tracks); a prefix like no session has an empty row."""
        import scipy.sparse as sp

        near = self.near(prefixes)
        sessions = np.unique(near.indices)
        held, lengths = _runs(self.by_session, sessions)
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        holds = sp.csr_array(
            (self._rarity(held).astype(np.float32) ** 0.5, held, offsets),
            (len(sessions), len(self.by_track.offsets) - 1),
        )
        place = np.searchsorted(sessions, near.indices)
        square = sp.csr_array(
            (near.data.astype(np.float32), place, near.indptr), (len(prefixes), len(sessions))
        )
        return sp.csr_array(square @ holds)

    def near(self, prefixes: Sessions) -> sp.csr_array:
        """Likeness to the nearest sessions, (n_prefixes, n_sessions); of equals the latest."""
        import scipy.sparse as sp

        row, track, weight = recency_weights(prefixes, self.memory)
        asked, column = np.unique(track, return_inverse=True)
        sessions, lengths = _latest(self.by_track, asked, self.latest)
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        n_sessions = self.by_track.n_rows
        holding = sp.csr_array(
            (np.ones(len(sessions), np.float32), sessions, offsets), (len(asked), n_sessions)
        )
        values = (weight * self._rarity(track)).astype(np.float32)
        shape = (len(prefixes), len(asked))
        likeness = sp.csr_array(sp.csr_array((values, (row, column)), shape) @ holding)
        size = np.diff(self.by_session.offsets)[likeness.indices]
        likeness.data /= np.sqrt(np.maximum(size, 1)).astype(np.float32)
        return self._nearest(likeness)

    def _nearest(self, likeness: sp.csr_array) -> sp.csr_array:
        import scipy.sparse as sp

        likeness.sort_indices()
        steady = steadied(likeness.data)
        kept = [np.empty(0, np.int64)]
        counts = np.zeros(likeness.shape[0], np.int64)
        for row in range(likeness.shape[0]):
            begin, end = likeness.indptr[row], likeness.indptr[row + 1]
            mine = np.arange(begin, end)
            if end - begin > self.neighbours:
                values = steady[begin:end]
                bar = np.partition(values, -self.neighbours)[-self.neighbours]
                above, equal = mine[values > bar], mine[values == bar]
                mine = np.concatenate([above, equal[len(above) - self.neighbours :]])
            kept.append(mine)
            counts[row] = len(mine)
        chosen = np.concatenate(kept)
        offsets = np.concatenate(([0], np.cumsum(counts)))
        return sp.csr_array(
            (steady[chosen], likeness.indices[chosen], offsets), shape=likeness.shape
        )

    def _rarity(self, tracks: npt.NDArray[np.integer]) -> Reals:
        """Inverse document frequency."""
        sizes = self.by_track.offsets[tracks + 1] - self.by_track.offsets[tracks]
        return np.asarray(np.log1p(self.by_track.n_rows / np.maximum(sizes, 1)))


def blocks(prefixes: Sessions, at_once: int = _AT_ONCE) -> Iterator[Sessions]:
    """The prefixes in their order, some thousand at a time, so that memory stays bounded."""
    for begin in range(0, len(prefixes), at_once):
        offsets = prefixes.offsets[begin : begin + at_once + 1]
        yield Sessions(
            offsets=offsets - offsets[0],
            tracks=prefixes.tracks[offsets[0] : offsets[-1]],
            ended_at=prefixes.ended_at[begin : begin + at_once],
        )


def recency_weights(prefixes: Sessions, memory: int) -> tuple[Rows, Rows, Reals]:
    """Prefix, track and weight of the last `memory` plays of every prefix.

    A weight falls from 1 for the last play in equal steps; a track played twice weighs twice.
    """
    lengths = np.diff(prefixes.offsets)
    row = np.repeat(np.arange(len(prefixes)), lengths)
    age = prefixes.offsets[1:][row] - 1 - np.arange(len(row))
    kept = age < memory
    weight = 1.0 - age[kept] / memory
    return row[kept], prefixes.tracks[kept].astype(np.int64), weight


def _latest(by_track: Incidence, tracks: Rows, count: int) -> tuple[Rows, Rows]:
    """The last `count` rows of each column one after the other, and how many of each."""
    ends = by_track.offsets[tracks + 1]
    lengths = np.minimum(ends - by_track.offsets[tracks], count)
    return _gathered(by_track.rows, ends - lengths, lengths), lengths


def _runs(incidence: Incidence, columns: Rows) -> tuple[Rows, Rows]:
    begins = incidence.offsets[columns]
    lengths = incidence.offsets[columns + 1] - begins
    return _gathered(incidence.rows, begins, lengths), lengths


def _gathered(values: npt.NDArray[np.int32], begins: Rows, lengths: Rows) -> Rows:
    """values[begins[i] : begins[i] + lengths[i]] for all i, one after the other."""
    before = np.cumsum(lengths) - lengths
    index = np.arange(int(lengths.sum())) + np.repeat(begins - before, lengths)
    return np.asarray(values[index], dtype=np.int64)
