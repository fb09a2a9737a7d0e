"""Which tracks anybody here could know of at a moment of the past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc

from segue.evaluation.splits import Case
from segue.features.from_marts import crowd_as_of
from segue.music import columns as c

__all__ = ["known_tracks", "told_later", "without_the_unheard"]


def known_tracks(
    marts: Mapping[str, pa.Table], cut: datetime, *, heard_by: datetime | None = None
) -> pa.Table:
    """Tracks of a catalogue or a crowd, and those that somebody here had played by then.

    How many of a crowd listen to each is counted anew, too: the mart's number knows the future.

    Args:
        cut: The moment, aware UTC.
        heard_by: Plays up to here make a track known; None: up to the cut.
    """
    tracks = marts["tracks"]
    crowd = crowd_as_of(marts["crowd_counts"], marts["crowd_sessions"], cut)
    at = tracks.schema.get_field_index("crowd_listeners")
    counted = _listeners(crowd, tracks[c.TRACK_ID]).cast(tracks.schema.field(at).type)
    tracks = tracks.set_column(at, tracks.schema.field(at), counted)
    played = _played(marts["plays"], tracks[c.TRACK_ID], heard_by or cut)
    return tracks.filter(pc.or_(played, _known_without_plays(tracks)))


def without_the_unheard(cases: Sequence[Case], marts: Mapping[str, pa.Table]) -> list[Case]:
    """The cases, each barred from tracks that only later plays made known.

    Args:
        cases: Of one cut.
        marts: With the tracks that `known_tracks` gave for the last of them.
    """
    tracks = marts["tracks"]
    other = _known_without_plays(tracks)
    barred = []
    for start, asked in groupby(sorted(cases, key=_start), key=_start):
        heard = _played(marts["plays"], tracks[c.TRACK_ID], start)
        later = tracks.filter(pc.invert(pc.or_(heard, other)))[c.TRACK_ID]
        unheard = frozenset(later.to_pylist())
        barred += [replace(case, unheard=unheard) for case in asked]
    return barred


def told_later(neighbours: pa.Table, cut: datetime) -> tuple[str, ...]:
    """What has to be said where open services were asked only after what is held out began.

    Args:
        neighbours: The `neighbours` mart.
        cut: The first moment of what is held out, aware UTC.
    """
    moment = pa.scalar(cut, pa.timestamp("us", tz="UTC"))
    later = neighbours.filter(pc.greater(neighbours[c.TOLD_AT], moment))
    if not later.num_rows:
        return ()
    advice = pc.sum(pc.equal(later[c.KIND], "recommended")).as_py() or 0
    said = (
        f"neighbours: {later.num_rows - advice:,} of {neighbours.num_rows:,} likenesses were told"
        f" after {cut:%d %b %Y}, when what is held out began: the services may have learned since,"
        " and tracks that segue enrich asked about are in the catalogue though they were first"
        " played later, so that new ones are easier to find than they were"
    )
    if not advice:
        return (said,)
    return (
        said,
        f"neighbours: {advice:,} recommendations to users were made after that, from what was"
        " played since, and are left out",
    )


def _start(case: Case) -> datetime:
    return case.start


def _known_without_plays(tracks: pa.Table) -> pa.ChunkedArray:
    in_catalogue = tracks["in_catalogue"].fill_null(False)
    return pc.or_(in_catalogue, pc.greater(tracks["crowd_listeners"], 0))


def _played(plays: pa.Table, track_ids: pa.ChunkedArray, until: datetime) -> pa.ChunkedArray:
    """Whether somebody here had played each of the tracks by then."""
    moment = pa.scalar(until, pa.timestamp("us", tz="UTC"))
    played = plays.filter(pc.less_equal(plays[c.PLAYED_AT], moment))[c.TRACK_ID]
    return pc.is_in(track_ids, value_set=pc.unique(played))


def _listeners(crowd: pa.Table, track_ids: pa.ChunkedArray) -> pa.Array:
    """How many rows of the crowd, which has one for each listener and track, name each track."""
    counts = crowd.filter(pc.is_valid(crowd[c.TRACK_ID])).group_by(c.TRACK_ID)
    found = counts.aggregate([([], "count_all")])
    place = pc.index_in(track_ids, value_set=found[c.TRACK_ID].combine_chunks())
    return pc.fill_null(found["count_all"].combine_chunks().take(place.combine_chunks()), 0)
