"""What the steps and the reasons need to know about a track, once for each candidate."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from segue.features.catalogue import CROWD_LISTENERS
from segue.features.sheet import SOUND, FactSheet, Sheet
from segue.music import columns as c
from segue.music.names import artist_key

__all__ = [
    "FACT_COLUMNS",
    "SOUND",
    "Facts",
    "ManyFacts",
    "TrackFacts",
    "facts_of",
    "look_up",
    "sheet_of",
]

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

_TEXTS: Final = (
    c.TRACK_ID,
    c.TITLE,
    c.ARTIST,
    c.ARTIST_ID,
    c.ALBUM,
    c.ISRC,
    c.SPOTIFY_URI,
    c.RECORDING_MBID,
)


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


class ManyFacts(Mapping[str, TrackFacts]):
    """Facts that come faster for many tracks at a time."""

    @abstractmethod
    def look_up(self, track_ids: Sequence[str]) -> None:
        """Have the facts of these at hand, as far as there are such tracks."""

    @abstractmethod
    def showable(self, track_ids: Sequence[str]) -> Sequence[bool]:
        """Which of these are known, with a title and an artist."""

    @abstractmethod
    def sheet(self, track_ids: Sequence[str]) -> Sheet:
        """The facts of these as arrays; all of them are known."""


def sheet_of(facts: Facts, track_ids: Sequence[str]) -> Sheet:
    """The facts of some tracks as arrays, in their order."""
    if isinstance(facts, ManyFacts):
        return facts.sheet(track_ids)
    return FactSheet([facts[track_id] for track_id in track_ids])


def look_up(facts: Facts, track_ids: Sequence[str]) -> None:
    """Say which tracks are asked for in a moment, one by one."""
    if isinstance(facts, ManyFacts):
        facts.look_up(track_ids)


def facts_of(tracks: pa.Table) -> dict[str, TrackFacts]:
    """The facts of each row of a part of the `tracks` mart.

    Args:
        tracks: Arrow table with FACT_COLUMNS; a few thousand rows, not a catalogue.
    """
    texts = {name: _texts(tracks[name]) for name in _TEXTS}
    sounds = zip(*(_scaled(tracks[name], *SOUND[name]) for name in SOUND), strict=True)
    heard = _all_known([tracks[name] for name in SOUND])
    years, lengths, crowd = (
        _counts(tracks[name]) for name in (c.YEAR, c.DURATION_MS, CROWD_LISTENERS)
    )
    tempi, popular = _numbers(tracks[c.TEMPO]), _numbers(tracks[c.POPULARITY])
    credited = _lists(tracks[c.ARTISTS])
    found: dict[str, TrackFacts] = {}
    for row, (track_id, title, artist, genres, sound) in enumerate(
        zip(
            texts[c.TRACK_ID],
            texts[c.TITLE],
            texts[c.ARTIST],
            _lists(tracks[c.GENRES]),
            sounds,
            strict=True,
        )
    ):
        artists = tuple(filter(None, credited[row])) or ((artist,) if artist else ())
        found[track_id] = TrackFacts(
            track_id=track_id,
            title=(title or "").strip(),
            artists=artists,
            artist_keys=tuple(dict.fromkeys(map(artist_key, artists))),
            artist_id=texts[c.ARTIST_ID][row],
            album=texts[c.ALBUM][row],
            duration_ms=lengths[row],
            year=years[row],
            genres=genres,
            tempo=_finite(tempi[row]),
            sound=sound if heard[row] else None,
            popularity=_finite(popular[row]),
            listeners=crowd[row] or 0,
            isrc=texts[c.ISRC][row],
            spotify_uri=texts[c.SPOTIFY_URI][row],
            recording_mbid=texts[c.RECORDING_MBID][row],
        )
    return found


def _texts(column: pa.ChunkedArray | pa.Array) -> list[Any]:
    """Its values, None where unknown; through NumPy, which takes a tenth of `to_pylist`."""
    values: list[Any] = column.to_numpy(zero_copy_only=False).tolist()
    return values


def _numbers(column: pa.ChunkedArray) -> list[float]:
    """Its values, NaN where unknown."""
    values: list[float] = column.to_numpy().tolist()
    return values


def _counts(column: pa.ChunkedArray) -> list[int | None]:
    """Its whole numbers, None where unknown."""
    values: list[int | None] = column.to_pylist() if column.null_count else _texts(column)
    return values


def _scaled(column: pa.ChunkedArray, low: float, high: float) -> list[float]:
    """Brought from their range to 0 … 1."""
    values: list[float] = ((column.to_numpy() - low) / (high - low)).clip(0.0, 1.0).tolist()
    return values


def _all_known(columns: list[pa.ChunkedArray]) -> list[bool]:
    """Which rows have a finite number in each of the columns."""
    finite = [abs(column.to_numpy()) < math.inf for column in columns]  # unknown is NaN
    known: list[bool] = reduce(and_, finite).tolist()
    return known


def _lists(column: pa.ChunkedArray) -> list[tuple[str, ...]]:
    """Its lists, empty where unknown."""
    flat = _texts(pc.list_flatten(column))
    lengths = _texts(pc.fill_null(pc.list_value_length(column), 0))
    found, start = [], 0
    for length in lengths:
        found.append(tuple(flat[start : start + length]))
        start += length
    return found


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
