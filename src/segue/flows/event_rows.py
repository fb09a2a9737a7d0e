"""Rows of the lake for what events tell: plays, and words about tracks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from segue.events.playbacks import HeardPlay
from segue.flows.listener import Marts
from segue.music import columns as c
from segue.music.event import Event
from segue.music.feedback import TRACK
from segue.music.lake_tables import FEEDBACK, PLAYS
from segue.sources.spotify_uri import track_uri_of

__all__ = ["Names", "feedback_rows", "names_in", "no_names", "play_rows"]

Names = Callable[[Collection[str]], Mapping[str, Mapping[str, Any]]]
"""What is known of tracks by their ids: names, ISRC and the like, in the columns of the lake."""

_REFS: Final = ("spotify:", "mbid:", "isrc:", "name:", "id:")
_OWN: Final = "id:segue:"
_NAMED: Final = (
    c.TITLE,
    c.ARTIST,
    c.ARTISTS,
    c.ALBUM,
    c.SPOTIFY_URI,
    c.RECORDING_MBID,
    c.ISRC,
    c.DURATION_MS,
)
_ENDS: Final = {"complete": "trackdone", "skip": "fwdbtn"}


def no_names(tracks: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
    """Where nothing is known yet."""
    return {}


def names_in(marts: Marts) -> Names:
    """What published marts know of tracks."""

    def look_up(tracks: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
        wanted = pa.array(sorted(tracks), pa.string())
        found = marts.read(
            "tracks", columns=[c.TRACK_ID, *_NAMED], filters=pc.field(c.TRACK_ID).isin(wanted)
        )
        return {row.pop(c.TRACK_ID): row for row in found.to_pylist()}

    return look_up


def play_rows(plays: Sequence[tuple[str, HeardPlay]], names: Names) -> pa.Table:
    """Rows of the lake's plays.

    What makes a row the same row follows from the events alone, not from what is known of the
    track at the moment: names are added beside it, by which a build finds the track again.

    Args:
        plays: Who, and what.
    """
    known = _known([play.track_id for _, play in plays], names)
    rows = [
        {
            **known.get(play.track_id, {}),
            c.TRACK_REF: _ref(play.track_id),
            c.USER_ID: user,
            c.SOURCE: play.source,
            c.PLAYED_AT: play.played_at,
            c.ENDED_AT: play.ended_at,
            c.MS_PLAYED: play.ms_played,
            c.REASON_END: _ENDS.get(play.ended_by or ""),
            c.SKIPPED: None if play.ended_by is None else play.ended_by == "skip",
        }
        for user, play in plays
    ]
    return pa.Table.from_pylist(rows, schema=PLAYS.schema)


def feedback_rows(events: Sequence[Event], names: Names) -> pa.Table:
    """Rows of the lake's feedback: each word is about a track."""
    known = _known([event.track_id for event in events], names)
    rows = [
        {
            **known.get(event.track_id, {}),
            c.TRACK_REF: _ref(event.track_id),
            c.USER_ID: event.user_id,
            c.SOURCE: event.source,
            c.KIND: TRACK,
            c.VERB: event.event_type,
            c.SAID_AT: event.timestamp,
        }
        for event in events
    ]
    return pa.Table.from_pylist(rows, schema=FEEDBACK.schema)


def _ref(track: str) -> str:
    """The reference of a track: its own if it is one, else one made of its id."""
    uri = track_uri_of(track)
    if uri is not None:
        return uri
    return track if track.startswith(_REFS) else f"{_OWN}{track}"


def _known(tracks: Sequence[str], names: Names) -> Mapping[str, Mapping[str, Any]]:
    """Names by what events call tracks; a reference says itself which track it is."""
    known: dict[str, Mapping[str, Any]] = {}
    ids = {track for track in tracks if _ref(track).startswith(_OWN)}
    for track in sorted(set(tracks) - ids):
        artist, separator, title = track.removeprefix("name:").partition("\x1f")
        if track.startswith("name:") and separator:
            known[track] = {c.ARTIST: artist, c.TITLE: title}
    return {**known, **names(ids)} if ids else known
