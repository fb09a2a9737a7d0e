"""What published marts know of tracks, for profiles."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from segue.events.profiles import TrackFacts
from segue.flows.listener import Marts
from segue.music import columns as c

__all__ = ["FACT_COLUMNS", "facts_in", "facts_of_row"]

_NO_QUANTITY: Final = (c.KEY, c.MODE, c.TIME_SIGNATURE)
_SOUND: Final = tuple(name for name in c.AUDIO_FEATURES if name not in _NO_QUANTITY)
"""Features of which a mean says something."""
FACT_COLUMNS: Final = (c.TRACK_ID, c.ARTIST, c.ARTISTS, c.GENRES, c.YEAR, *_SOUND)
"""Of the tracks mart: what `facts_of_row` looks at."""


def facts_in(marts: Marts) -> Callable[[Collection[str]], Mapping[str, TrackFacts]]:
    """A look-up of tracks by what events call them: ids, or references that a build has seen.

    >>> portrait(profile_of(log, "ann"), facts_in(snapshot))   # doctest: +SKIP
    """

    def look_up(tracks: Collection[str]) -> Mapping[str, TrackFacts]:
        named = pa.array(sorted(tracks), pa.string())
        matches = marts.read(
            "track_matches",
            columns=[c.TRACK_REF, c.TRACK_ID],
            filters=pc.field(c.TRACK_REF).isin(named),
        )
        by_ref = dict(
            zip(matches[c.TRACK_REF].to_pylist(), matches[c.TRACK_ID].to_pylist(), strict=True)
        )
        ids = {name: by_ref.get(name) or name for name in tracks}
        wanted = pa.array(sorted(set(ids.values())), pa.string())
        rows = marts.read("tracks", columns=FACT_COLUMNS, filters=pc.field(c.TRACK_ID).isin(wanted))
        known = {row[c.TRACK_ID]: facts_of_row(row) for row in rows.to_pylist()}
        return {name: known[track] for name, track in ids.items() if track in known}

    return look_up


def facts_of_row(row: Mapping[str, Any]) -> TrackFacts:
    """What a row of the tracks mart tells."""
    artists = [name for name in row[c.ARTISTS] or () if name]
    return TrackFacts(
        artist=artists[0] if artists else row[c.ARTIST],
        genres=tuple(row[c.GENRES] or ()),
        year=row[c.YEAR],
        sound={name: row[name] for name in _SOUND if row[name] is not None},
    )
