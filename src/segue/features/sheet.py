"""What is known of a few hundred tracks as arrays, so that a playlist's steps need no loops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.music import columns as c
from segue.music.names import title_key

__all__ = ["SOUND", "Codes", "FactSheet", "RowSheet", "Sheet", "Told"]

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

_COLUMNS: Final = [c.AUDIO_FEATURES.index(name) for name in SOUND]
_LOW: Final = np.array([low for low, _ in SOUND.values()])
_WIDTH: Final = np.array([high - low for low, high in SOUND.values()])

Reals = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Codes = tuple[Rows, npt.NDArray[np.integer]]
"""Some numbers for every track as pairs: the track's place, a number."""


class Sheet(Protocol):
    """Facts of some tracks, place by place. Codes of sheets from one origin mean the same."""

    def __len__(self) -> int:
        """Tracks."""

    @property
    def artists(self) -> Codes:
        """Credited artists in normal form."""

    @property
    def songs(self) -> Codes:
        """One for each artist: equal for the same title by the same artist."""

    @property
    def genres(self) -> Codes:
        """Genres."""

    @property
    def sound(self) -> Reals:
        """The features of SOUND scaled to 0 … 1, rows of NaN unless all are known, (n, 7)."""

    @property
    def tempo(self) -> Reals:
        """Beats per minute, NaN where unknown, shape (n,)."""

    @property
    def popularity(self) -> Reals:
        """0 … 100, from a catalogue; NaN where unknown, shape (n,)."""

    @property
    def listeners(self) -> Reals:
        """Listeners in crowds, shape (n,)."""

    def take(self, places: Iterable[int] | Rows) -> Sheet:
        """Some of the tracks."""


class RowSheet:
    """Tracks of a catalogue by their rows."""

    def __init__(self, catalogue: Catalogue, rows: Rows) -> None:
        self.catalogue = catalogue
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def artists(self) -> Codes:
        """Credited artists in normal form."""
        return self.catalogue.song_keys.artists.codes_at(self.rows)

    @cached_property
    def songs(self) -> Codes:
        """One for each artist."""
        return self.catalogue.song_keys.songs_at(self.rows)

    @cached_property
    def genres(self) -> Codes:
        """Genres."""
        return self.catalogue.genres.codes_at(self.rows)

    @cached_property
    def sound(self) -> Reals:
        """The features of SOUND scaled."""
        raw = self.catalogue.audio[self.rows][:, _COLUMNS]
        scaled = ((raw - _LOW) / _WIDTH).clip(0.0, 1.0)
        scaled[~np.isfinite(raw).all(axis=1)] = np.nan
        return np.asarray(scaled, dtype=np.float64)

    @cached_property
    def tempo(self) -> Reals:
        """Beats per minute."""
        column = c.AUDIO_FEATURES.index(c.TEMPO)
        return np.asarray(self.catalogue.audio[self.rows, column], dtype=np.float64)

    @cached_property
    def popularity(self) -> Reals:
        """From a catalogue."""
        return self.catalogue.popularity[self.rows].astype(np.float64)

    @cached_property
    def listeners(self) -> Reals:
        """In crowds."""
        return self.catalogue.crowd_listeners[self.rows].astype(np.float64)

    @cached_property
    def showable(self) -> Mask:
        """Which have a title and an artist."""
        keys = self.catalogue.song_keys
        sizes = keys.artists.offsets[self.rows + 1] - keys.artists.offsets[self.rows]
        return np.asarray((sizes > 0) & (keys.titles[self.rows] >= 0))

    def take(self, places: Iterable[int] | Rows) -> RowSheet:
        """Some of the tracks."""
        if isinstance(places, range) and places.step == 1:
            return RowSheet(self.catalogue, self.rows[places.start : places.stop])
        at = places if isinstance(places, np.ndarray) else np.fromiter(places, np.int64)
        return RowSheet(self.catalogue, self.rows[at])


class Told(Protocol):
    """A track of which the facts are at hand."""

    @property
    def title(self) -> str:
        """As shown."""

    @property
    def artist_keys(self) -> tuple[str, ...]:
        """Artists in normal form."""

    @property
    def genres(self) -> tuple[str, ...]:
        """Genres."""

    @property
    def sound(self) -> tuple[float, ...] | None:
        """Features scaled."""

    @property
    def tempo(self) -> float | None:
        """Beats per minute."""

    @property
    def popularity(self) -> float | None:
        """From a catalogue."""

    @property
    def listeners(self) -> int:
        """In crowds."""


class FactSheet:
    """Tracks whose facts are at hand one by one.

    Args:
        numbers: Word -> its code; shared by the sheets that are compared with one another.
    """

    def __init__(self, tracks: Sequence[Told], numbers: dict[str, int] | None = None) -> None:
        self.tracks = tracks
        self.numbers = {} if numbers is None else numbers

    def __len__(self) -> int:
        return len(self.tracks)

    @cached_property
    def artists(self) -> Codes:
        """Credited artists in normal form."""
        return self._coded(track.artist_keys for track in self.tracks)

    @cached_property
    def songs(self) -> Codes:
        """One for each artist."""
        return self._coded(
            tuple(f"{artist}\x1f{title_key(track.title)}" for artist in track.artist_keys)
            for track in self.tracks
        )

    @cached_property
    def genres(self) -> Codes:
        """Genres."""
        return self._coded(track.genres for track in self.tracks)

    @cached_property
    def sound(self) -> Reals:
        """Features scaled."""
        blank = (np.nan,) * len(SOUND)
        rows = [track.sound or blank for track in self.tracks]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(SOUND))

    @cached_property
    def tempo(self) -> Reals:
        """Beats per minute."""
        return _or_nan(track.tempo for track in self.tracks)

    @cached_property
    def popularity(self) -> Reals:
        """From a catalogue."""
        return _or_nan(track.popularity for track in self.tracks)

    @cached_property
    def listeners(self) -> Reals:
        """In crowds."""
        return _or_nan(float(track.listeners) for track in self.tracks)

    def take(self, places: Iterable[int] | Rows) -> FactSheet:
        """Some of the tracks."""
        return FactSheet([self.tracks[place] for place in places], self.numbers)

    def _coded(self, lists: Iterable[tuple[str, ...]]) -> Codes:
        owner, codes = [], []
        for place, words in enumerate(lists):
            for word in words:
                owner.append(place)
                codes.append(self.numbers.setdefault(word, len(self.numbers)))
        return np.array(owner, np.int64), np.array(codes, np.int64)


def _or_nan(values: Iterable[float | None]) -> Reals:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
