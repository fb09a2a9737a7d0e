"""Marts in, training data out: only what happened before a moment, only from allowed sources."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from segue.features.catalogue import Catalogue
from segue.features.feedback_log import without_not_me
from segue.features.interactions import Interactions
from segue.features.on_disk import on_disk
from segue.features.played import (
    Histories,
    Played,
    PlayedPart,
    PlayTables,
    gathered,
    numbered,
    played_part,
)
from segue.features.training_data import Neighbours, Sessions, TrainingData
from segue.music import columns as c
from segue.music.marts import MARTS

__all__ = ["Fit", "Reading", "crowd_as_of", "training_data"]

_DAY: Final = 86_400.0
_RECOMMENDED: Final = "recommended"
_TREND_HALF_LIFE_DAYS: Final = 90.0

_AT_ONCE: Final = 1 << 22  # plays

_T = TypeVar("_T")
Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


def training_data(
    tracks: pa.Table,
    plays: PlayTables | Reading | None = None,
    crowd_counts: pa.Table | None = None,
    *,
    crowd_sessions: pa.Table | None = None,
    feedback: pa.Table | None = None,
    neighbours: pa.Table | None = None,
    training_sources: Collection[str] | None = None,
    as_of: datetime,
    keep_in: Path | None = None,
) -> TrainingData:
    """Everything that recommenders may learn from, as of a moment.

    Args:
        tracks: The `tracks` mart; sorted by track_id here if it is not.
        plays: The `plays` mart, at least user_id, track_id, played_at, source, session_id and
            counted; country if known. Only counted plays up to `as_of` from a training source are
            used. A large mart is better given in parts, since only one of them is in memory then;
            or as a function that reads them.
        crowd_counts: The `crowd_counts` mart. A row last played after `as_of` is counted anew from
            the plays of `crowd_sessions` up to then.
        crowd_sessions: The `crowd_sessions` mart. Plays without a time count as long past.
        feedback: The `feedback` mart; plays that were said by `as_of` not to be their user's taste
            are left out.
        neighbours: The `neighbours` mart. What was recommended to a user after `as_of` is left
            out, as it was worked out from what they played since; likeness is of tracks, not of
            users, and stays whenever it was told.
        training_sources: Sources of plays that may be learned from; None means all.
        as_of: Aware UTC.
        keep_in: A folder for large arrays, which are mapped then; None: all is in memory.

    Returns:
        Training data whose columns are the tracks in the order of their ids.
    """
    catalogue = Catalogue(_sorted(tracks))
    told = _or_empty(plays, "plays")
    read = told if callable(told) else partial(_read, told)
    fit = Fit(training_sources, as_of, _or_empty(feedback, "feedback"))
    local = gathered(read(fit, catalogue), catalogue, keep_in=keep_in)
    sessions = _until(_or_empty(crowd_sessions, "crowd_sessions"), c.PLAYED_AT, as_of)
    crowd = _crowd_rows(crowd_as_of(_or_empty(crowd_counts, "crowd_counts"), sessions, as_of))
    return TrainingData(
        catalogue=catalogue,
        interactions=_interactions(catalogue, local, crowd, keep_in),
        sessions=_joined(_local_sessions(local), _crowd_sessions(catalogue, sessions)),
        artist_interactions=_artist_interactions(crowd),
        trend=_trend(catalogue, local, crowd),
        local_users=tuple(local.users[user] for user in np.flatnonzero(_counts(local))),
        as_of=as_of,
        countries=_countries(local),
        histories=Histories(local),
        neighbours=_neighbours(catalogue, _told_by(_or_empty(neighbours, "neighbours"), as_of)),
    )


def _told_by(neighbours: pa.Table, as_of: datetime) -> pa.Table:
    """Without recommendations that were made later."""
    likeness = pc.not_equal(neighbours[c.KIND], _RECOMMENDED)
    return neighbours.filter(
        pc.or_kleene(likeness, pc.less_equal(neighbours[c.TOLD_AT], _scalar(as_of)))
    )


@dataclass(frozen=True)
class Fit:
    """Which plays are learned from.

    Args:
        sources: Only of these; None means all.
        as_of: Only up to this moment, aware UTC.
        said: The `feedback` mart: what was said by then not to be its user's taste is left out.
    """

    sources: Collection[str] | None
    as_of: datetime
    said: pa.Table

    def of(self, plays: pa.Table) -> pa.Table:
        """Those that fit."""
        return without_not_me(_allowed(plays, self.sources, self.as_of), self.said, self.as_of)


Reading = Callable[[Fit, Catalogue], Sequence[PlayedPart]]
"""Reads the plays that fit, as parts of different users."""


def _read(plays: PlayTables, fit: Fit, catalogue: Catalogue) -> list[PlayedPart]:
    tables = [plays] if isinstance(plays, pa.Table) else plays
    parts = (played_part(fit.of(table), catalogue.id_index) for table in tables)
    return [part for part in parts if part is not None]


def _counts(local: Played) -> Ints:
    """Counted plays of each user, shape (n_users,)."""
    before = np.concatenate(([0], np.cumsum(local.counted, dtype=np.int64)))
    return np.diff(before[local.offsets])


def _neighbours(catalogue: Catalogue, table: pa.Table) -> Neighbours:
    """Rows whose tracks are in the catalogue; of recommendations the subjects are users."""
    users = pc.unique(table.filter(pc.equal(table[c.KIND], _RECOMMENDED))[c.SUBJECT]).to_pylist()
    names = sorted(pc.unique(table[c.SOURCE]).to_pylist())
    kinds = _places(table[c.KIND], Neighbours.KINDS)
    subjects = np.where(
        kinds == Neighbours.KINDS.index(_RECOMMENDED),
        _places(table[c.SUBJECT], users),
        _columns(catalogue, table.select([c.SUBJECT]).rename_columns([c.TRACK_ID])),
    )
    tracks = _columns(catalogue, table)
    kept = (subjects >= 0) & (tracks >= 0) & (kinds >= 0)
    return Neighbours(
        subjects[kept],
        tracks[kept],
        _reals(table[c.SCORE])[kept],
        kinds[kept].astype(np.int8),
        _places(table[c.SOURCE], names)[kept].astype(np.int8),
        tuple(names),
        tuple(users),
    )


def _places(column: pa.ChunkedArray, values: Sequence[str]) -> Ints:
    """Where each value is among some; -1 where it is not."""
    found = pc.index_in(column, value_set=pa.array(values, pa.string())).fill_null(-1)
    return np.asarray(found.to_numpy(), dtype=np.int64)


def _or_empty(table: _T | None, mart: str) -> _T | pa.Table:
    return MARTS[mart].empty_table() if table is None else table


def _sorted(tracks: pa.Table) -> pa.Table:
    ids = tracks[c.TRACK_ID]
    if len(ids) > 1 and not pc.all(pc.less(ids.slice(0, len(ids) - 1), ids.slice(1))).as_py():
        tracks = tracks.sort_by(c.TRACK_ID)
    return tracks.combine_chunks()


def _allowed(plays: pa.Table, sources: Collection[str] | None, as_of: datetime) -> pa.Table:
    """Plays up to a moment that may be learned from."""
    wanted = pc.less_equal(plays[c.PLAYED_AT], _scalar(as_of))
    if sources is not None:
        allowed = pc.is_in(plays[c.SOURCE], value_set=pa.array(sorted(sources), pa.string()))
        wanted = pc.and_(wanted, allowed)
    return plays.filter(wanted)


def _countries(local: Played) -> dict[str, str]:
    """Local user -> country of most plays; of equals the first by name."""
    told = local.counted & (local.countries >= 0)
    if not told.any():
        return {}
    n_lands = len(local.lands)
    pairs, counts = np.unique(
        local.of_users()[told].astype(np.int64) * n_lands + local.countries[told],
        return_counts=True,
    )
    order = np.lexsort((pairs, -counts))[::-1]  # the best last
    best = dict(
        zip((pairs[order] // n_lands).tolist(), (pairs[order] % n_lands).tolist(), strict=True)
    )
    return {local.users[user]: local.lands[land] for user, land in best.items()}


def _until(table: pa.Table, column: str, as_of: datetime) -> pa.Table:
    """The rows of which nobody says that they are later."""
    known = pc.less_equal(table[column], _scalar(as_of)).fill_null(True)
    return table if pc.all(known).as_py() in (True, None) else table.filter(known)


def crowd_as_of(counts: pa.Table, sessions: pa.Table, as_of: datetime) -> pa.Table:
    """The `crowd_counts` mart as it was then: what went on growing is counted again.

    Args:
        sessions: The `crowd_sessions` mart; its plays up to then are counted.
    """
    known = _until(counts, c.LAST_PLAYED_AT, as_of)
    if known.num_rows == counts.num_rows:
        return counts
    key = [c.CROWD, c.LISTENER_ID, c.TRACK_ID]
    later = counts.filter(pc.greater(counts[c.LAST_PLAYED_AT], _scalar(as_of)).fill_null(False))
    sessions = _until(sessions, c.PLAYED_AT, as_of)
    dated = sessions.filter(pc.is_valid(sessions[c.PLAYED_AT]))
    again = dated.group_by(key).aggregate([(c.PLAYED_AT, "count"), (c.PLAYED_AT, "max")])
    again = later.select([*key, c.ARTIST_ID]).join(again, keys=key, join_type="inner")
    again = again.rename_columns(
        {f"{c.PLAYED_AT}_count": c.PLAYS, f"{c.PLAYED_AT}_max": c.LAST_PLAYED_AT}
    )
    return pa.concat_tables([known, again.select(counts.column_names).cast(counts.schema)])


def _scalar(at: datetime) -> pa.Scalar:
    return pa.scalar(at.astimezone(UTC), pa.timestamp("us", tz="UTC"))


def _crowd_rows(counts: pa.Table) -> pa.Table:
    """`listener_id` made unique over crowds, `plays` above zero."""
    amounts = pc.cast(counts[c.PLAYS], pa.float64()).fill_null(1.0)
    usable = pc.and_(pc.is_finite(amounts), pc.greater(amounts, 0.0))
    names = pc.binary_join_element_wise("crowd", counts[c.CROWD], counts[c.LISTENER_ID], ":")
    table = pa.table(
        {
            c.USER_ID: names,
            c.TRACK_ID: counts[c.TRACK_ID],
            c.ARTIST_ID: counts[c.ARTIST_ID],
            c.PLAYS: amounts,
            c.PLAYED_AT: counts[c.LAST_PLAYED_AT],
        }
    )
    return table.filter(usable)


def _interactions(
    catalogue: Catalogue, local: Played, crowd: pa.Table, keep_in: Path | None
) -> Interactions:
    of_crowd = crowd.filter(pc.is_valid(crowd[c.TRACK_ID]))
    others = _matrix(
        of_crowd[c.USER_ID],
        _columns(catalogue, of_crowd),
        _reals(of_crowd[c.PLAYS]),
        ids=catalogue.track_ids,
    )
    own = _own_matrix(catalogue, local)
    if not others.n_users or not own.n_users:
        return _kept(own if own.n_users else others, keep_in)
    users = np.concatenate((own.user_ids, others.user_ids))
    order = np.argsort(users.astype(str), kind="stable")
    both = sp.csr_array(sp.vstack((own.matrix, others.matrix), format="csr"))
    return _kept(Interactions(both[order], users[order], catalogue.track_ids), keep_in)


def _kept(whole: Interactions, keep_in: Path | None) -> Interactions:
    """The same, its matrix mapped if it is large."""
    parts = {name: getattr(whole.matrix, name) for name in ("data", "indices", "indptr")}
    mapped = [on_disk(array, keep_in, f"plays_{name}") for name, array in parts.items()]
    matrix = sp.csr_array(tuple(mapped), whole.matrix.shape, copy=False)
    # what is mapped cannot be put in order where it is, and need not
    matrix.has_sorted_indices = matrix.has_canonical_format = True
    return Interactions(matrix, whole.user_ids, whole.track_ids)


def _own_matrix(catalogue: Catalogue, local: Played) -> Interactions:
    """Counted plays of users who have some."""
    users = np.flatnonzero(_counts(local))
    kept = local.counted & (local.tracks >= 0)
    before = np.concatenate(([0], np.cumsum(kept, dtype=np.int64)))
    ends = before[local.offsets[1:]][users]
    starts = np.concatenate(([0], ends))
    columns = local.tracks[kept]
    shape = (len(users), len(catalogue))
    matrix = sp.csr_array((np.ones(len(columns), np.float32), columns, starts), shape)
    matrix.sum_duplicates()
    names = np.array([*(local.users[user] for user in users), None], dtype=object)[:-1]
    return Interactions(matrix, names, catalogue.track_ids)


def _artist_interactions(crowd: pa.Table) -> Interactions:
    of_artists = crowd.filter(pc.is_valid(crowd[c.ARTIST_ID]))
    artist_level = pc.and_(pc.is_null(crowd[c.TRACK_ID]), pc.is_valid(crowd[c.ARTIST_ID]))
    if not pc.any(artist_level).as_py():
        of_artists = of_artists.slice(0, 0)
    ids = pc.unique(of_artists[c.ARTIST_ID]).sort()
    columns = pc.index_in(of_artists[c.ARTIST_ID], value_set=ids)
    return _matrix(
        of_artists[c.USER_ID],
        columns.to_numpy().astype(np.int64),
        _reals(of_artists[c.PLAYS]),
        ids=np.asarray(ids.to_numpy(zero_copy_only=False), dtype=object),
    )


def _matrix(
    users: pa.ChunkedArray, columns: Ints, values: Reals, *, ids: npt.NDArray[np.object_]
) -> Interactions:
    """Sum the values by user and column; columns below zero are left out."""
    kept = columns >= 0
    encoded = pc.dictionary_encode(users).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = pa.array([], pa.string()).dictionary_encode()
    names = np.asarray(encoded.dictionary.to_numpy(zero_copy_only=False), dtype=object)
    order = np.argsort(names, kind="stable")
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    rows = place[encoded.indices.to_numpy(zero_copy_only=False)]
    shape = (len(names), len(ids))
    coo = sp.coo_array((values[kept].astype(np.float32), (rows[kept], columns[kept])), shape)
    matrix = sp.csr_array(coo)
    matrix.sort_indices()
    return Interactions(matrix, names[order], ids)


def _trend(catalogue: Catalogue, local: Played, crowd: pa.Table) -> npt.NDArray[np.float32]:
    total = np.zeros(len(catalogue))
    kept = local.counted & (local.tracks >= 0)
    latest = local.at[local.counted].max(initial=0)
    for some in np.array_split(np.flatnonzero(kept), 1 + len(local) // _AT_ONCE):
        faded = _faded((latest - local.at[some]) / 1e6)
        total += np.bincount(local.tracks[some], weights=faded, minlength=len(catalogue))
    columns = _columns(catalogue, crowd)
    known = columns >= 0
    # one fan's thousand plays are not a trend
    weights = np.log1p(_reals(crowd[c.PLAYS])) * _fading(crowd[c.PLAYED_AT])
    total += np.bincount(columns[known], weights=weights[known], minlength=len(catalogue))
    return total.astype(np.float32)


def _fading(played_at: pa.ChunkedArray) -> Reals:
    """Weights that halve every 90 days before the latest; 1 where the time is unknown."""
    at = _seconds(played_at)
    if not np.isfinite(at).any():
        return np.ones(len(at))
    return np.where(np.isfinite(at), _faded(np.nanmax(at) - at), 1.0)


def _faded(ages: Reals) -> Reals:
    """Weights of plays so many seconds before the latest."""
    return np.asarray(np.exp2(-ages / (_TREND_HALF_LIFE_DAYS * _DAY)))


def _local_sessions(local: Played) -> Sessions:
    """Of each user, the first begun first."""
    kept = np.flatnonzero(local.counted)
    owner = np.searchsorted(local.offsets, kept, side="right") - 1
    # already in the order of users and times: only sessions that overlap are to be put in order
    key = owner << 32 | local.sessions[kept]
    if np.any(key[1:] < key[:-1]):
        order = np.argsort(key, kind="stable")
        kept, key = kept[order], key[order]
    return _sessions(key, local.tracks[kept], local.at[kept])


def _crowd_sessions(catalogue: Catalogue, table: pa.Table) -> Sessions:
    key = np.zeros(table.num_rows, np.int64)
    for name in (c.CROWD, c.SESSION_ID, c.LISTENER_ID):
        codes = _codes(table[name])
        key = key * (codes.max(initial=0) + 1) + codes
    position = table[c.POSITION].fill_null(0).to_numpy()
    order = np.lexsort((position, key))
    columns = _columns(catalogue, table)[order]
    at = np.nan_to_num(_seconds(table[c.PLAYED_AT]))[order] * 1e6
    return _sessions(key[order], columns, at.astype(np.int64))


def _sessions(key: Ints, columns: npt.NDArray[np.integer[Any]], at: Ints) -> Sessions:
    """Runs of one key, without unknown tracks; empty runs disappear."""
    kept = columns >= 0
    key, columns, at = key[kept], columns[kept], at[kept]
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))[: len(key)]
    ended = np.maximum.reduceat(at, starts) if len(at) else at
    return Sessions(
        offsets=np.append(starts, len(key)).astype(np.int64),
        tracks=columns.astype(np.int32),
        ended_at=(ended // 1_000_000).astype(np.int64),
    )


def _joined(first: Sessions, second: Sessions) -> Sessions:
    return Sessions(
        offsets=np.concatenate((first.offsets, second.offsets[1:] + first.offsets[-1])),
        tracks=np.concatenate((first.tracks, second.tracks)),
        ended_at=np.concatenate((first.ended_at, second.ended_at)),
    )


def _columns(catalogue: Catalogue, table: pa.Table) -> Ints:
    """Catalogue row of each row's track, -1 if it has none."""
    found = pc.index_in(table[c.TRACK_ID], value_set=catalogue.tracks[c.TRACK_ID].combine_chunks())
    found = pc.if_else(pc.is_valid(table[c.TRACK_ID]), found, None).fill_null(-1)
    return np.asarray(found.to_numpy(), dtype=np.int64)


def _codes(column: pa.ChunkedArray) -> Ints:
    """Equal values have equal codes from 0 on; null is a value of its own."""
    return numbered(column)[0]


def _seconds(column: pa.ChunkedArray) -> Reals:
    """Unix seconds, NaN where unknown."""
    micros = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).cast(pa.float64())
    return np.asarray(micros.to_numpy(), dtype=np.float64) / 1e6


def _reals(column: pa.ChunkedArray) -> Reals:
    return np.asarray(column.to_numpy(), dtype=np.float64)
