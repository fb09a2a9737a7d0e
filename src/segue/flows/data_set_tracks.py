"""The tracks (or artists) of a data set as a catalogue that recommenders can work with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.features.catalogue import Catalogue
from segue.music import columns as c
from segue.music.lake_tables import artist_ref
from segue.music.marts import MARTS
from segue.music.names import artist_key

__all__ = ["TrackNames"]

_GENRES: Final = 5
_LEAST_SHARE: Final = 0.1
_FEWEST: Final = 2  # listeners that give an artist a tag


@dataclass
class TrackNames:
    """Titles, artists and tags of tracks, as the rows of a data set tell them."""

    titles: list[str | None] = field(default_factory=list)
    artists: list[str | None] = field(default_factory=list)
    tags: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, rows: pa.Table, tracks: npt.NDArray[np.int64], known: int) -> None:
        """Remember the names of tracks that were not known before.

        Args:
            rows: Rows in the schema of the crowd.
            tracks: The number of each row's track, in order of appearance.
            known: Tracks numbered below this were named before.
        """
        numbers, first = np.unique(tracks, return_index=True)
        new = pa.array(first[numbers >= known], pa.int64())
        self.titles += rows[c.TITLE].take(new).to_pylist()
        self.artists += rows[c.ARTIST].take(new).to_pylist()

    def tagged(self, rows: pa.Table) -> None:
        """Count how many say that an artist is of a sort."""
        counted = rows.group_by([c.ARTIST, c.TAG]).aggregate([([], "count_all")])
        for artist, tag, count in zip(
            counted[c.ARTIST].to_pylist(),
            counted[c.TAG].to_pylist(),
            counted["count_all"].to_pylist(),
            strict=True,
        ):
            self.tags[artist, tag] += count

    def catalogue(self, refs: Sequence[str]) -> tuple[Catalogue, npt.NDArray[np.int32]]:
        """The catalogue, and the row in it of every track by number.

        A track without a title is called by its reference, so that it can be shown and found.

        Args:
            refs: The reference of every track, in the order of numbers.
        """
        order = np.argsort(np.array(refs, dtype=object), kind="stable")
        row_of = np.empty(len(refs), np.int32)
        row_of[order] = np.arange(len(refs), dtype=np.int32)
        table = pa.table(
            {
                c.TRACK_ID: pa.array(refs, pa.string()),
                c.TITLE: pa.array(
                    [
                        title or artist or ref
                        for title, artist, ref in zip(self.titles, self.artists, refs, strict=True)
                    ],
                    pa.string(),
                ),
                c.ARTIST: pa.array(self.artists, pa.string()),
                c.ARTIST_ID: pa.array(
                    [artist and (artist_key(artist) or artist) for artist in self.artists],
                    pa.string(),
                ),
                c.GENRES: pa.array(self._genres(refs), pa.list_(pa.string())),
            }
        ).take(pa.array(order, pa.int64()))
        return Catalogue(_as_mart(table)), row_of

    def _genres(self, refs: Sequence[str]) -> list[list[str]]:
        """The strongest tags of each artist that at least two listeners gave."""
        by_artist: dict[str, list[tuple[int, str]]] = {}
        for (artist, tag), count in self.tags.items():
            if count >= _FEWEST:
                by_artist.setdefault(artist_ref(artist), []).append((count, tag))
        genres = {}
        for ref, found in by_artist.items():
            total = sum(count for count, _ in found)
            best = sorted(found, key=lambda one: (-one[0], one[1]))[:_GENRES]
            genres[ref] = sorted(tag for count, tag in best if count >= _LEAST_SHARE * total)
        if not genres:
            return [[] for _ in refs]
        return [
            genres.get(ref) or (genres.get(artist_ref(artist), []) if artist else [])
            for ref, artist in zip(refs, self.artists, strict=True)
        ]


def _as_mart(table: pa.Table) -> pa.Table:
    """In the schema of the `tracks` mart; what is not told is null."""
    plain: dict[str, Any] = {
        "in_catalogue": pa.array(np.ones(len(table), bool)),
        c.PLAYS: pa.array(np.zeros(len(table), np.int64)),
        "crowd_listeners": pa.array(np.zeros(len(table), np.int64)),
    }
    columns = []
    for column in MARTS["tracks"]:
        if column.name in table.column_names:
            columns.append(table[column.name].cast(column.type))
        elif column.name == c.ARTISTS:
            columns.append(_lists(table[c.ARTIST]))
        else:
            columns.append(plain.get(column.name, pa.nulls(len(table), column.type)))
    return pa.Table.from_arrays(columns, schema=MARTS["tracks"]).combine_chunks()


def _lists(column: pa.ChunkedArray) -> pa.Array:
    """Each text as a list of one; null stays null."""
    found = [None if text is None else [text] for text in column.to_pylist()]
    return pa.array(found, pa.list_(pa.string()))
