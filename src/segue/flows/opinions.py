"""What a listener said, as the sets and facts that the steps of a playlist need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa

from segue.features.listening import REST_DAYS
from segue.music import columns as c
from segue.music.feedback import HIDE, KNOWN, LESS, LIKE
from segue.playlists.facts import FACT_COLUMNS, TrackFacts, facts_of
from segue.playlists.filters import song_keys
from segue.playlists.listener import Listener

__all__ = ["known_at", "with_opinions"]

_HALF_LIFE: Final = timedelta(days=180)  # as liking fades, see Listening.affinity


def known_at(feedback: pa.Table, now: datetime) -> pa.Table:
    """The words as if none was said after `now`.

    A playlist is made for the moment of the last play, which may be long ago; what the listener
    says today about it counts all the same.

    Args:
        feedback: In the FEEDBACK schema.
    """
    if not feedback.num_rows:
        return feedback
    at = [min(said_at, now) for said_at in feedback[c.SAID_AT].to_pylist()]
    place = feedback.schema.get_field_index(c.SAID_AT)
    field = feedback.schema.field(place)
    return feedback.set_column(place, field, pa.array(at, field.type))


def with_opinions(
    listener: Listener,
    feedback: pa.Table,
    now: datetime,
    *,
    rows_of: Callable[[Sequence[str], Sequence[str]], pa.Table],
    names_of: Callable[[frozenset[str]], frozenset[str]],
) -> Listener:
    """The listener with what they said.

    Args:
        feedback: Standing words up to now, in the FEEDBACK schema.
        rows_of: Rows of the `tracks` mart by ids and columns.
        names_of: Artists in normal form by artist_ids.
    """
    if not feedback.num_rows:
        return listener
    tracks: dict[str, dict[str, datetime]] = {LIKE: {}, LESS: {}, KNOWN: {}, HIDE: {}}
    artists: dict[str, set[str]] = {LESS: set(), HIDE: set()}
    for row in feedback.to_pylist():
        if row[c.TRACK_ID] is not None and row[c.VERB] in tracks:
            tracks[row[c.VERB]][row[c.TRACK_ID]] = row[c.SAID_AT]
        elif row[c.ARTIST_ID] is not None and row[c.VERB] in artists:
            artists[row[c.VERB]].add(row[c.ARTIST_ID])
    rest = timedelta(days=REST_DAYS)
    resting = {track for track, at in tracks[LESS].items() if now - at < rest}
    hidden = frozenset(tracks[HIDE])
    about = facts_of(rows_of(sorted({*hidden, *tracks[LESS]}), FACT_COLUMNS))
    unwanted = [about[track] for track in sorted(hidden | resting) if track in about]
    return replace(
        listener,
        banned_tracks=listener.banned_tracks | hidden,
        banned_artists=listener.banned_artists | names_of(frozenset(artists[HIDE])),
        liked=frozenset(tracks[LIKE]),
        spoken_of=frozenset(track for verb in (LIKE, LESS, KNOWN) for track in tracks[verb]),
        resting=frozenset(resting),
        unwanted_songs=frozenset(key for track in unwanted for key in song_keys(track)),
        less=_lately_first(tracks[LESS], about, now),
        less_artists=names_of(frozenset(artists[LESS])),
    )


def _lately_first(
    less: dict[str, datetime], about: dict[str, TrackFacts], now: datetime
) -> tuple[tuple[TrackFacts, float], ...]:
    """The tracks with how much the word still counts, the latest first."""
    order = sorted((track for track in less if track in about), key=lambda t: (now - less[t], t))
    return tuple((about[t], 0.5 ** ((now - less[t]) / _HALF_LIFE)) for t in order)
