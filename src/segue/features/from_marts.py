"""Marts in, training data out: only what happened before a moment, only from allowed sources."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from segue.features.catalogue import Catalogue
from segue.features.feedback_log import without_not_me
from segue.features.interactions import Interactions
from segue.features.training_data import Neighbours, Sessions, TrainingData
from segue.music import columns as c
from segue.music.marts import MARTS
from segue.music.query import HISTORY

__all__ = ["crowd_as_of", "training_data"]

_DAY: Final = 86_400.0
_RECOMMENDED: Final = "recommended"
_TREND_HALF_LIFE_DAYS: Final = 90.0

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


def training_data(
    tracks: pa.Table,
    plays: pa.Table | None = None,
    crowd_counts: pa.Table | None = None,
    *,
    crowd_sessions: pa.Table | None = None,
    feedback: pa.Table | None = None,
    neighbours: pa.Table | None = None,
    training_sources: Collection[str] | None = None,
    as_of: datetime,
) -> TrainingData:
    """Everything that recommenders may learn from, as of a moment.

    Args:
        tracks: The `tracks` mart; sorted by track_id here if it is not.
        plays: The `plays` mart, at least user_id, track_id, played_at, source, session_id and
            counted; country if known. Only counted plays up to `as_of` from a training source are
            used.
        crowd_counts: The `crowd_counts` mart. A row last played after `as_of` is counted anew from
            the plays of `crowd_sessions` up to then.
        crowd_sessions: The `crowd_sessions` mart. Plays without a time count as long past.
        feedback: The `feedback` mart; plays that were said by `as_of` not to be their user's taste
            are left out.
        neighbours: The `neighbours` mart.
        training_sources: Sources of plays that may be learned from; None means all.
        as_of: Aware UTC.

    Returns:
        Training data whose columns are the tracks in the order of their ids.
    """
    catalogue = Catalogue(_sorted(tracks))
    allowed = _allowed(_or_empty(plays, "plays"), training_sources, as_of)
    allowed = without_not_me(allowed, _or_empty(feedback, "feedback"), as_of)
    local = _local_plays(allowed)
    sessions = _until(_or_empty(crowd_sessions, "crowd_sessions"), c.PLAYED_AT, as_of)
    crowd = _crowd_rows(crowd_as_of(_or_empty(crowd_counts, "crowd_counts"), sessions, as_of))
    return TrainingData(
        catalogue=catalogue,
        interactions=_interactions(catalogue, local, crowd),
        sessions=_joined(_local_sessions(catalogue, local), _crowd_sessions(catalogue, sessions)),
        artist_interactions=_artist_interactions(crowd),
        trend=_trend(catalogue, local, crowd),
        local_users=tuple(sorted(pc.unique(local[c.USER_ID]).drop_null().to_pylist())),
        as_of=as_of,
        countries=_countries(local),
        histories=_histories(allowed),
        neighbours=_neighbours(catalogue, _or_empty(neighbours, "neighbours")),
    )


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


def _or_empty(table: pa.Table | None, mart: str) -> pa.Table:
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


def _histories(plays: pa.Table) -> dict[str, pa.Table]:
    """Each local user's plays, oldest first, as far as their columns are there."""
    if not set(HISTORY.names) <= set(plays.column_names):
        return {}
    plays = plays.filter(pc.and_(pc.is_valid(plays[c.USER_ID]), pc.is_valid(plays[c.TRACK_ID])))
    plays = plays.sort_by([(name, "ascending") for name in (c.USER_ID, c.PLAYED_AT, c.TRACK_ID)])
    sizes = pc.value_counts(plays[c.USER_ID]).to_pylist()
    ends = np.cumsum([size["counts"] for size in sizes], dtype=np.int64).tolist()
    rows = plays.select(HISTORY.names).cast(HISTORY)
    return {
        size["values"]: rows.slice(end - size["counts"], size["counts"])
        for size, end in zip(sizes, ends, strict=True)
    }


def _local_plays(plays: pa.Table) -> pa.Table:
    """The counted ones, in the columns that matrices are made of."""
    columns = [c.USER_ID, c.TRACK_ID, c.PLAYED_AT, c.SESSION_ID, c.COUNTRY]
    if c.COUNTRY not in plays.column_names:
        plays = plays.append_column(c.COUNTRY, pa.nulls(plays.num_rows, pa.string()))
    return plays.select(columns).filter(plays[c.COUNTED].fill_null(False))


def _countries(local: pa.Table) -> dict[str, str]:
    """Local user -> country of most plays; of equals the first by name."""
    told = local.filter(pc.is_valid(local[c.COUNTRY])).group_by([c.USER_ID, c.COUNTRY])
    order = [("n", "descending"), (c.COUNTRY, "ascending")]
    counts = told.aggregate([([], "count_all")]).rename_columns({"count_all": "n"}).sort_by(order)
    pairs = zip(counts[c.USER_ID].to_pylist(), counts[c.COUNTRY].to_pylist(), strict=True)
    return dict(reversed([(user, country) for user, country in pairs if user is not None]))


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


def _interactions(catalogue: Catalogue, local: pa.Table, crowd: pa.Table) -> Interactions:
    of_tracks = crowd.filter(pc.is_valid(crowd[c.TRACK_ID]))
    users = pa.chunked_array(
        [*local[c.USER_ID].chunks, *of_tracks[c.USER_ID].chunks], type=pa.string()
    )
    columns = np.concatenate([_columns(catalogue, local), _columns(catalogue, of_tracks)])
    values = np.concatenate([np.ones(local.num_rows), _reals(of_tracks[c.PLAYS])])
    return _matrix(users, columns, values, ids=catalogue.track_ids)


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


def _trend(catalogue: Catalogue, local: pa.Table, crowd: pa.Table) -> npt.NDArray[np.float32]:
    total = np.zeros(len(catalogue))
    for table, weights in (
        (local, np.ones(local.num_rows)),
        (crowd, np.log1p(_reals(crowd[c.PLAYS]))),  # one fan's thousand plays are not a trend
    ):
        columns = _columns(catalogue, table)
        kept = columns >= 0
        faded = weights * _fading(table[c.PLAYED_AT])
        total += np.bincount(columns[kept], weights=faded[kept], minlength=len(catalogue))
    return total.astype(np.float32)


def _fading(played_at: pa.ChunkedArray) -> Reals:
    """Weights that halve every 90 days before the latest; 1 where the time is unknown."""
    at = _seconds(played_at)
    if not np.isfinite(at).any():
        return np.ones(len(at))
    ages = np.nanmax(at) - at
    return np.where(np.isfinite(at), np.exp2(-ages / (_TREND_HALF_LIFE_DAYS * _DAY)), 1.0)


def _local_sessions(catalogue: Catalogue, local: pa.Table) -> Sessions:
    at = _seconds(local[c.PLAYED_AT])
    owner = _codes(local[c.USER_ID])
    key = _codes(local[c.SESSION_ID]) * (owner.max(initial=0) + 1) + owner
    order = np.lexsort((at, key))
    return _sessions(key[order], _columns(catalogue, local)[order], at[order])


def _crowd_sessions(catalogue: Catalogue, table: pa.Table) -> Sessions:
    key = np.zeros(table.num_rows, np.int64)
    for name in (c.CROWD, c.SESSION_ID, c.LISTENER_ID):
        codes = _codes(table[name])
        key = key * (codes.max(initial=0) + 1) + codes
    position = table[c.POSITION].fill_null(0).to_numpy()
    order = np.lexsort((position, key))
    columns = _columns(catalogue, table)[order]
    at = np.nan_to_num(_seconds(table[c.PLAYED_AT]))[order]
    return _sessions(key[order], columns, at)


def _sessions(key: Ints, columns: Ints, at: Reals) -> Sessions:
    """Runs of one key, without unknown tracks; empty runs disappear."""
    kept = columns >= 0
    key, columns, at = key[kept], columns[kept], at[kept]
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))[: len(key)]
    ended = np.maximum.reduceat(at, starts) if len(at) else np.empty(0)
    return Sessions(
        offsets=np.append(starts, len(key)).astype(np.int64),
        tracks=columns.astype(np.int32),
        ended_at=ended.astype(np.int64),
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
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    chunks = encoded.unify_dictionaries().chunks
    codes = [chunk.indices.to_numpy(zero_copy_only=False) for chunk in chunks]
    return np.concatenate(codes).astype(np.int64) if codes else np.empty(0, np.int64)


def _seconds(column: pa.ChunkedArray) -> Reals:
    """Unix seconds, NaN where unknown."""
    micros = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).cast(pa.float64())
    return np.asarray(micros.to_numpy(), dtype=np.float64) / 1e6


def _reals(column: pa.ChunkedArray) -> Reals:
    return np.asarray(column.to_numpy(), dtype=np.float64)
