"""Asking a recommender about held-out listeners and sessions, many at a time where it can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.evaluation.folds import DatedPlays, Prefixes, SessionFold, UserFold
from segue.evaluation.track_sets import TrackSets
from segue.features.catalogue import Catalogue
from segue.features.interactions import Interactions
from segue.features.training_data import Sessions, TrainingData
from segue.music import columns as c
from segue.music.query import HISTORY, Mix, Query
from segue.progress import Progress
from segue.recommenders.base import Batch, NextTrack, Proposer, Recommender

__all__ = ["listener_lists", "plays_of", "rows_of", "session_lists", "sets_of"]

_LISTENERS_AT_ONCE: Final = 512
_MOST_PLAYS: Final = 20  # of one track in a history made from a count

Lists = npt.NDArray[np.int32]


def listener_lists(
    model: Recommender, fold: UserFold, k: int, progress: Progress
) -> Iterator[tuple[int, int, Lists]]:
    """First and last case of each block, and its lists: catalogue rows, (n, k), -1 for nothing.

    What may not be an answer (a listener's other held-out tracks, and their history unless
    repeats count) is taken out, and lists are asked for so much longer.
    """
    history = sets_of(fold.histories)
    for start in range(0, len(fold), _LISTENERS_AT_ONCE):
        stop = min(start + _LISTENERS_AT_ONCE, len(fold))
        block = rows_of(fold.histories, start, stop)
        masked = fold.masked.rows(start, stop)
        deeper = k + int(masked.sizes.max(initial=0))
        lists = _answers(model, block, deeper, fold, first=start)
        lists = _without(lists, masked)
        if not fold.repeats:
            lists = _without(lists, history.rows(start, stop))
        yield start, stop, lists[:, :k]
        progress.advance(stop - start)


def session_lists(
    model: Recommender, fold: SessionFold, k: int, progress: Progress
) -> Iterator[tuple[Prefixes, Lists]]:
    """The beginnings of sessions, some at a time, and what may come next, best first.

    A recommender that knows nothing of what comes next is asked what suits who played this.
    """
    n_tracks = len(fold.training.catalogue)
    for prefixes in fold.blocks():
        if isinstance(model, NextTrack):
            lists = model.next_tracks(prefixes.sessions, k).tracks
        else:
            plays = plays_of(prefixes.sessions, n_tracks, fold.training.interactions.track_ids)
            lists = _answers(model, plays, k, fold)
        yield prefixes, lists
        progress.advance(len(prefixes.targets))


def plays_of(sessions: Sessions, n_tracks: int, track_ids: npt.NDArray[np.object_]) -> Interactions:
    """Sessions as listeners of their own: how often each holds each track."""
    import scipy.sparse as sp

    ones = np.ones(len(sessions.tracks), np.float32)
    columns, offsets = sessions.tracks.astype(np.int64), sessions.offsets.copy()
    matrix = sp.csr_array((ones, columns, offsets), (len(sessions), n_tracks))
    matrix.sum_duplicates()  # in place: hence the copies
    names = np.array([f"session:{i}" for i in range(len(sessions))], dtype=object)
    return Interactions(matrix, names, track_ids)


def sets_of(plays: Interactions) -> TrackSets:
    """The distinct tracks of every row."""
    matrix = plays.matrix
    return TrackSets(
        matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), plays.n_tracks
    )


def _answers(
    model: Recommender,
    plays: Interactions,
    k: int,
    fold: UserFold | SessionFold,
    *,
    first: int = 0,
) -> Lists:
    """Lists for some cases, the first of which is number `first`."""
    repeats = fold.repeats if isinstance(fold, UserFold) else True
    if isinstance(model, Batch):
        return model.top(plays, k, known=repeats).tracks
    mix: Mix = "daily" if repeats else "discover"
    catalogue = fold.training.catalogue
    lists = np.full((plays.n_users, k), -1, np.int32)
    for row in range(plays.n_users):
        if isinstance(fold, UserFold) and fold.plays is not None:
            history = _dated_history(fold.plays, first + row, catalogue)
        else:
            history = _counted_history(plays, row, fold.training)
        query = Query(None, fold.training.as_of, mix=mix, history=history)
        if isinstance(model, Proposer):
            found = model.propose(query, k)[0]
        else:
            found = catalogue.rows(model.recommend(query, k).track_ids)
        lists[row, : len(found)] = found
    return lists


def _dated_history(plays: DatedPlays, case: int, catalogue: Catalogue) -> pa.Table:
    part = slice(plays.offsets[case], plays.offsets[case + 1])
    micros = np.round(plays.at[part] * 1e6).astype(np.int64)
    at = pa.array(micros).cast(HISTORY.field(c.PLAYED_AT).type)
    return _history(catalogue.track_ids[plays.tracks[part]], at)


def _counted_history(plays: Interactions, row: int, training: TrainingData) -> pa.Table:
    """Counts as plays, all at the moment of the question; a thousand count as twenty."""
    matrix = plays.matrix
    part = slice(matrix.indptr[row], matrix.indptr[row + 1])
    times = np.clip(np.round(matrix.data[part]), 1, _MOST_PLAYS).astype(np.int64)
    ids = np.repeat(training.catalogue.track_ids[matrix.indices[part]], times)
    at = pa.array([training.as_of] * len(ids), HISTORY.field(c.PLAYED_AT).type)
    return _history(ids, at)


def _history(ids: npt.NDArray[np.object_], at: pa.Array) -> pa.Table:
    """Plays heard to the end."""
    flags = pa.array(np.ones(len(ids), bool))
    return pa.table(
        {
            c.TRACK_ID: pa.array(ids, pa.string()),
            c.PLAYED_AT: at,
            c.COUNTED: flags,
            c.FINISHED: flags,
            c.SKIPPED: pa.array(np.zeros(len(ids), bool)),
        },
        schema=HISTORY,
    )


def rows_of(plays: Interactions, start: int, stop: int) -> Interactions:
    """Some consecutive rows."""
    return Interactions(
        plays.matrix[start:stop].tocsr(), plays.user_ids[start:stop], plays.track_ids
    )


def _without(lists: Lists, sets: TrackSets) -> Lists:
    """Lists without the tracks of each row's set, moved up."""
    lists = np.where(sets.holds(lists), np.int32(-1), lists)
    order = np.argsort(lists < 0, axis=1, kind="stable")
    return np.asarray(np.take_along_axis(lists, order, axis=1))
