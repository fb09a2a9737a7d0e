"""The artists and the song of every track in normal form, as numbers that are quickly compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.features.name_lists import NameLists
from segue.music.names import artist_key, title_key

__all__ = ["SongKeys", "song_keys_of"]

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SongKeys:
    """Which tracks share an artist, and which are one song: the same title by one of the same.

    Args:
        artists: The credited artists of every track in normal form, each once.
        titles: int32, shape (n_tracks,): equal for titles of one normal form; -1 for none.
    """

    artists: NameLists
    titles: npt.NDArray[np.int32]

    def songs_at(self, rows: Rows) -> tuple[Rows, Rows]:
        """The songs of some tracks as pairs: position in `rows`, code; one for each artist."""
        owner, artists = self.artists.codes_at(rows)
        n_artists = max(1, len(self.artists.names))
        return owner, self.titles[rows].astype(np.int64)[owner] * n_artists + artists


def song_keys_of(titles: pa.Array, shown: pa.Array, credited: NameLists) -> SongKeys:
    """Bring all names into normal form.

    Args:
        titles: Of every track; null or blank where it has none.
        shown: The artist as displayed, who counts where nobody is credited.
        credited: The artists as spelled; "" is nobody.
    """
    n_tracks = len(titles)
    keys = np.array([artist_key(name) if name else "" for name in credited.names], dtype=object)
    sizes = np.diff(credited.offsets)
    owner, names = np.repeat(np.arange(n_tracks), sizes), keys[credited.codes]
    real = names.astype(bool)
    owner, names = owner[real], names[real]
    alone = np.ones(n_tracks, bool)
    alone[owner] = False
    others = [(row, shown[row].as_py()) for row in np.flatnonzero(alone).tolist()]
    added = [(row, artist_key(name)) for row, name in others if name]
    owner = np.concatenate([owner, np.array([row for row, _ in added], np.int64)])
    every = pa.array([*names.tolist(), *(name for _, name in added)], pa.string())
    encoded = every.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    n_names = max(1, len(encoded.dictionary))
    pairs = np.unique(owner * n_names + codes)
    owner, codes = np.divmod(pairs, n_names)
    offsets = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=n_tracks))))
    artists = NameLists(
        tuple(encoded.dictionary.to_pylist()), offsets.astype(np.int64), codes.astype(np.int32)
    )
    bare = [title_key(title) if title and title.strip() else None for title in titles.to_pylist()]
    songs = pa.array(bare, pa.string()).dictionary_encode().indices.fill_null(-1)
    return SongKeys(artists, songs.to_numpy(zero_copy_only=False).astype(np.int32))
