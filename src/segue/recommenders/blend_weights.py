"""How much each of several models should count in a blend: tried on tracks held out inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from segue.features.interactions import Interactions
from segue.recommenders.blended import BEST, units
from segue.recommenders.opinion import Learned, position_among
from segue.recommenders.ranking import steadied

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["HeldOut", "Trial", "best_weights", "held_out", "trial"]

_K: Final = 10
_CELLS: Final = 1 << 22
_STEPS: Final = (0.5, 0.25, 0.125)
_WORTH: Final = 1e-4  # a change that gains less is chance

Reals = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HeldOut:
    """A crowd without some of its plays, and those plays.

    Args:
        known: What may be learned from, all listeners.
        listeners: Rows that have something held out and are asked about, shape (n,).
        owners: Position in `listeners` of each held-out play, ascending.
        columns: Its column.
    """

    known: Interactions
    listeners: Rows
    owners: Rows
    columns: Rows


@dataclass(frozen=True)
class Trial:
    """Candidates of all models for the held-out listeners, to be ordered by any weights.

    Args:
        scores: float32, in each model's unit, shape (n_models, n_listeners, width); rows are
            filled up with zeros.
        empty: Where they are, shape (n_listeners, width).
        right: Whether the candidate was held out, shape (n_listeners, width).
        n_right: Held-out tracks of each listener, at least 1, shape (n_listeners,).
    """

    scores: Floats
    empty: npt.NDArray[np.bool_]
    right: npt.NDArray[np.bool_]
    n_right: Rows

    def quality(self, weights: Reals) -> float:
        """Recall plus NDCG of the best ten, mean over listeners."""
        total = np.tensordot(weights.astype(np.float32), self.scores, axes=1)
        total[self.empty] = -np.inf
        k = min(_K, total.shape[1])
        top = np.argpartition(-total, k - 1, axis=1)[:, :k]
        top = np.take_along_axis(
            top, np.argsort(-np.take_along_axis(total, top, 1), axis=1, kind="stable"), 1
        )
        hits = np.take_along_axis(self.right, top, 1)
        gains = 1 / np.log2(np.arange(k) + 2)
        possible = np.cumsum(gains)[np.minimum(self.n_right, k) - 1]
        return float((hits.sum(axis=1) / self.n_right + (hits @ gains) / possible).mean())


def held_out(
    crowd: Interactions, rng: np.random.Generator, *, share: float, most_listeners: int
) -> HeldOut:
    """Take a share of the tracks of listeners with at least five, one at least.

    Args:
        crowd: Raw play counts.
        share: Of each listener's tracks.
        most_listeners: At most so many are asked about, drawn at random.
    """
    import scipy.sparse as sp

    matrix = crowd.matrix.tocsr()
    sizes = np.diff(matrix.indptr)
    able = np.flatnonzero(sizes >= 5)
    listeners = np.sort(rng.permutation(able)[:most_listeners])
    asked = np.zeros(crowd.n_users, dtype=bool)
    asked[listeners] = True
    owners = np.repeat(np.arange(crowd.n_users), sizes)
    order = np.lexsort((rng.random(matrix.nnz), owners))
    place = np.empty(matrix.nnz, np.int64)
    place[order] = np.arange(matrix.nnz) - matrix.indptr[owners[order]]
    taken = asked[owners] & (place < np.maximum(1, (share * sizes).astype(np.int64))[owners])
    rest = sp.csr_array(
        (matrix.data[~taken], (owners[~taken], matrix.indices[~taken])), shape=matrix.shape
    )
    return HeldOut(
        Interactions(rest, crowd.user_ids, crowd.track_ids),
        listeners,
        np.searchsorted(listeners, owners[taken]),
        matrix.indices[taken].astype(np.int64),
    )


def trial(parts: Sequence[Learned], held: HeldOut) -> Trial:
    """Ask the models, learned from what is known, for the best candidates of every listener."""
    histories = held.known.matrix[held.listeners].tocsr()
    columns = np.unique(np.concatenate([part.columns for part in parts]))
    at_once = max(1, _CELLS // max(len(columns), 1))
    blocks = [
        _candidates(parts, columns, histories[start : start + at_once])
        for start in range(0, len(held.listeners), at_once)
    ]
    width = max((tracks.shape[1] for tracks, _ in blocks), default=0)
    tracks = np.concatenate([_wide(tracks, width, -1) for tracks, _ in blocks])
    scores = np.concatenate([_wide(scores, width, 0) for _, scores in blocks], axis=1)
    n_tracks = held.known.n_tracks
    keys = np.unique(held.owners * n_tracks + held.columns)
    wanted = np.arange(len(tracks))[:, None] * n_tracks + tracks
    right = (tracks >= 0) & np.isin(wanted, keys)
    return Trial(scores, tracks < 0, right, np.bincount(held.owners, minlength=len(tracks)))


def _candidates(
    parts: Sequence[Learned], columns: Rows, histories: sp.csr_array
) -> tuple[Rows, Floats]:
    """Columns that are among the best of any model, -1 for none, and what all say of them."""
    mine = histories[:, columns].tocsr()
    owners = np.repeat(np.arange(mine.shape[0]), np.diff(mine.indptr))
    said = np.full((len(parts), *mine.shape), -np.inf, np.float32)
    chosen = np.zeros(mine.shape, dtype=bool)
    for part, scores in zip(parts, said, strict=True):
        place = position_among(columns, part.columns)
        scores[:, place] = part.all_scores(mine[:, place].tocsr())
        scores[owners, mine.indices] = -np.inf
        unit = units(scores)
        scores /= np.where(np.isfinite(unit), unit, 1.0)[:, None].astype(np.float32)
        scores[np.isinf(unit)] = 0  # it tells no candidates apart
        deep = min(BEST, scores.shape[1])
        best = np.argpartition(-scores, deep - 1, axis=1)[:, :deep]
        np.put_along_axis(chosen, best, True, axis=1)
    chosen[owners, mine.indices] = False
    sizes = chosen.sum(axis=1)
    rows, at = np.nonzero(chosen)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    tracks = np.full((len(sizes), int(sizes.max(initial=0))), -1, np.int64)
    tracks[rows, within] = columns[at]
    found = np.zeros((len(parts), *tracks.shape), np.float32)
    found[:, rows, within] = steadied(np.nan_to_num(said[:, rows, at], neginf=0.0))
    return tracks, found


def _wide(values: npt.NDArray[Any], width: int, filler: int) -> npt.NDArray[Any]:
    """Filled up along the last axis."""
    lacking = [(0, 0)] * (values.ndim - 1) + [(0, width - values.shape[-1])]
    return np.pad(values, lacking, constant_values=filler)


def best_weights(asked: Trial, *, seed_weights: Reals) -> Reals:
    """Weights by coordinate ascent, those that help nothing being zero; they sum to 1.

    Metzler and Croft (2007), "Linear Feature-Based Models for Information Retrieval": the measure
    itself is climbed, one weight at a time. It starts from the better of the best single model and
    `seed_weights`.

    Args:
        seed_weights: Not below zero, shape (n_models,).
    """
    n_models = len(seed_weights)
    starts = [*np.eye(n_models), seed_weights / seed_weights.sum()]
    weights = max(starts, key=asked.quality)
    quality = asked.quality(weights)
    for step in _STEPS:
        moved = True
        while moved:
            moved = False
            for model in range(n_models):
                for change in (step, -step):
                    tried = weights.copy()
                    tried[model] = max(0.0, tried[model] + change * max(weights.max(), 1e-9))
                    if not tried.any():
                        continue
                    gained = asked.quality(tried)
                    if gained > quality + _WORTH:
                        weights, quality, moved = tried, gained, True
    weights[weights < 0.02 * weights.sum()] = 0
    return np.asarray(weights / weights.sum())
