"""What the steps and the reasons need to know about a track, once for each candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from segue.music import columns as c
from segue.music.names import artist_key

__all__ = ["FACT_COLUMNS", "SOUND", "Facts", "TrackFacts", "facts_of"]

CROWD_LISTENERS: Final = "crowd_listeners"
SOUND: Final[Mapping[str, tuple[float, float]]] = {
    c.DANCEABILITY: (0.0, 1.0),
    c.ENERGY: (0.0, 1.0),
    c.LOUDNESS: (-30.0, 0.0),
    c.ACOUSTICNESS: (0.0, 1.0),
    c.INSTRUMENTALNESS: (0.0, 1.0),
    c.VALENCE: (0.0, 1.0),
    c.TEMPO: (60.0, 200.0),
}
"""The audio features that make two tracks sound alike, each with the range that becomes 0 … 1."""

FACT_COLUMNS: Final = (
    c.TRACK_ID,
    c.TITLE,
    c.ARTIST,
    c.ARTIST_ID,
    c.ARTISTS,
    c.ALBUM,
    c.DURATION_MS,
    c.YEAR,
    c.ISRC,
    c.SPOTIFY_URI,
    c.RECORDING_MBID,
    c.POPULARITY,
    c.GENRES,
    *SOUND,
    CROWD_LISTENERS,
)
"""Columns of the `tracks` mart that `facts_of` reads."""


@dataclass(frozen=True, slots=True)
class TrackFacts:
    """One track as the steps see it.

    Args:
        artists: As credited, first artist first.
        artist_keys: The same in normal form.
        genres: Lower case, sorted.
        tempo: Beats per minute; None if unknown.
        sound: The features of SOUND, each scaled to 0 … 1; None unless all are known.
        popularity: 0 … 100, from a catalogue; None if unknown.
        listeners: Listeners in crowds.
    """

    track_id: str
    title: str
    artists: tuple[str, ...] = ()
    artist_keys: tuple[str, ...] = ()
    artist_id: str | None = None
    album: str | None = None
    duration_ms: int | None = None
    year: int | None = None
    genres: tuple[str, ...] = ()
    tempo: float | None = None
    sound: tuple[float, ...] | None = None
    popularity: float | None = None
    listeners: int = 0
    isrc: str | None = None
    spotify_uri: str | None = None
    recording_mbid: str | None = None


Facts = Mapping[str, TrackFacts]
"""track_id -> what is known about it."""


def facts_of(tracks: pa.Table) -> dict[str, TrackFacts]:
    """The facts of each row of a part of the `tracks` mart.

    Args:
        tracks: Arrow table with FACT_COLUMNS; a few thousand rows, not a catalogue.
    """
    return {row[c.TRACK_ID]: _facts(row) for row in tracks.select(FACT_COLUMNS).to_pylist()}


def _facts(row: Mapping[str, Any]) -> TrackFacts:
    artists = tuple(name for name in row[c.ARTISTS] or () if name)
    if not artists and row[c.ARTIST]:
        artists = (row[c.ARTIST],)
    return TrackFacts(
        track_id=row[c.TRACK_ID],
        title=(row[c.TITLE] or "").strip(),
        artists=artists,
        artist_keys=tuple(dict.fromkeys(artist_key(name) for name in artists)),
        artist_id=row[c.ARTIST_ID],
        album=row[c.ALBUM],
        duration_ms=row[c.DURATION_MS],
        year=row[c.YEAR],
        genres=tuple(row[c.GENRES] or ()),
        tempo=_finite(row[c.TEMPO]),
        sound=_sound(row),
        popularity=_finite(row[c.POPULARITY]),
        listeners=row[CROWD_LISTENERS] or 0,
        isrc=row[c.ISRC],
        spotify_uri=row[c.SPOTIFY_URI],
        recording_mbid=row[c.RECORDING_MBID],
    )


def _sound(row: Mapping[str, Any]) -> tuple[float, ...] | None:
    values = []
    for name, (low, high) in SOUND.items():
        value = _finite(row[name])
        if value is None:
            return None
        values.append(min(1.0, max(0.0, (value - low) / (high - low))))
    return tuple(values)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
