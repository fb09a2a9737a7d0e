"""What one user said of the tracks of a catalogue, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from segue.features.catalogue import Catalogue
from segue.music import columns as c
from segue.music.feedback import HIDE, KNOWN, LESS, LIKE
from segue.music.query import Query

__all__ = ["Said", "Spoken", "spoken"]

_BY_TRACK: Final = 0.7  # what is left of an artist's liking for each track to hear less of
_BY_ARTIST: Final = 0.25  # the same where less of the artist was asked for

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


class Said(IntEnum):
    """What stands said of a track."""

    NOTHING = 0
    KNOWN = 1
    LIKE = 2
    LESS = 3
    HIDE = 4


_CODES: Final = {KNOWN: Said.KNOWN, LIKE: Said.LIKE, LESS: Said.LESS, HIDE: Said.HIDE}


@dataclass(frozen=True)
class Spoken:
    """The tracks that something was said of, each once.

    Args:
        rows: int64, catalogue rows, shape (n,).
        said: int8, values of `Said`, shape (n,).
        said_at: Unix seconds, shape (n,).
        artist_codes: For each track of the catalogue its first artist, shape (n_tracks,).
        artists: float64, what is left of the liking of each artist, shape (n_artists + 1,);
            the last place stands for unknown artists. Empty where nothing was said at all.
    """

    rows: Ints
    said: npt.NDArray[np.int8]
    said_at: Reals
    artist_codes: npt.NDArray[np.int32]
    artists: Reals

    def lowered(self, rows: Ints) -> Reals:
        """What is left of the liking of these tracks, since of their artists less was asked for."""
        if not len(self.artists):
            return np.ones(len(rows))
        return np.asarray(self.artists[self.artist_codes[rows]])


def spoken(query: Query, catalogue: Catalogue) -> Spoken:
    """The query's feedback up to its moment, as far as the catalogue knows its tracks.

    Of several words about one track the latest stands.
    """
    codes, table = catalogue.artist_codes, query.feedback
    if not table.num_rows:
        return Spoken(np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0), codes, np.empty(0))
    artists = np.ones(len(catalogue.artist_ids) + 1)
    until = pa.scalar(query.now.astimezone(UTC), table.schema.field(c.SAID_AT).type)
    table = table.filter(pc.less_equal(table[c.SAID_AT], until)).sort_by(c.SAID_AT)
    verbs: list[str | None] = table[c.VERB].to_pylist()
    said = np.array([_CODES.get(verb or "", Said.NOTHING) for verb in verbs], np.int8)
    at = table[c.SAID_AT].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy() / 1e6
    rows = catalogue.rows(table[c.TRACK_ID].to_pylist())
    latest = {int(row): i for i, row in enumerate(rows) if row >= 0 and said[i]}
    kept = np.array(sorted(latest.values()), np.int64)
    for row in rows[kept[said[kept] == Said.LESS]]:
        artists[codes[row]] *= _BY_TRACK
    for artist, verb in zip(table[c.ARTIST_ID].to_pylist(), verbs, strict=True):
        if artist is not None and verb in (LESS, HIDE):
            artists[catalogue.artist_index.get(artist, -1)] *= _BY_ARTIST
    artists[-1] = 1.0  # of unknown artists nothing can be said
    return Spoken(rows[kept], said[kept], at[kept], codes, artists)
