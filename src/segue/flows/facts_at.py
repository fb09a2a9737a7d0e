"""What is known of some tracks of a catalogue, one by one: for those that are shown."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.features.catalogue import Catalogue
from segue.features.name_lists import NameLists
from segue.features.sheet import RowSheet
from segue.music import columns as c
from segue.music.names import artist_key
from segue.playlists.facts import TrackFacts

__all__ = ["facts_at"]

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
_SHOWN: Final = [*_TEXTS, c.DURATION_MS]

Rows = npt.NDArray[np.int64]


def facts_at(catalogue: Catalogue, rows: Rows) -> dict[str, TrackFacts]:
    """The facts of the tracks in these rows; numbers come from arrays, which is quickest."""
    taken = catalogue.tracks.select(_SHOWN).take(pa.array(rows, pa.int64()))
    texts = {name: taken[name].to_numpy(zero_copy_only=False).tolist() for name in _TEXTS}
    lengths = taken[c.DURATION_MS].to_pylist()
    sheet = RowSheet(catalogue, rows)
    sounds, heard = sheet.sound.tolist(), (~np.isnan(sheet.sound[:, 0])).tolist()
    credited, genres = _names(catalogue.credits, rows), _names(catalogue.genres, rows)
    years, tempi, popular = (
        [_finite(value) for value in column.tolist()]
        for column in (catalogue.years[rows], sheet.tempo, sheet.popularity)
    )
    listeners = sheet.listeners.astype(np.int64).tolist()
    found: dict[str, TrackFacts] = {}
    for at, track_id in enumerate(texts[c.TRACK_ID]):
        shown = texts[c.ARTIST][at]
        artists = tuple(filter(None, credited[at])) or ((shown,) if shown else ())
        year = years[at]
        found[track_id] = TrackFacts(
            track_id=track_id,
            title=(texts[c.TITLE][at] or "").strip(),
            artists=artists,
            artist_keys=tuple(dict.fromkeys(map(artist_key, artists))),
            artist_id=texts[c.ARTIST_ID][at],
            album=texts[c.ALBUM][at],
            duration_ms=lengths[at],
            year=None if year is None else int(year),
            genres=tuple(genres[at]),
            tempo=tempi[at],
            sound=tuple(sounds[at]) if heard[at] else None,
            popularity=popular[at],
            listeners=listeners[at],
            isrc=texts[c.ISRC][at],
            spotify_uri=texts[c.SPOTIFY_URI][at],
            recording_mbid=texts[c.RECORDING_MBID][at],
        )
    return found


def _names(lists: NameLists, rows: Rows) -> list[list[Any]]:
    found: list[list[Any]] = [[] for _ in range(len(rows))]
    owner, codes = lists.codes_at(rows)
    for at, name in zip(owner.tolist(), lists.named(codes), strict=True):
        found[at].append(name)
    return found


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
