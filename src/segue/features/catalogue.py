"""The tracks that may be recommended, as arrays beside their ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from segue.features.id_index import IdIndex
from segue.features.kept_columns import KeptColumns
from segue.features.name_lists import GenreLists, NameLists
from segue.features.song_keys import SongKeys, song_keys_of
from segue.music import columns as c
from segue.music.moods import Bound
from segue.music.query import Filters

__all__ = ["CROWD_LISTENERS", "Catalogue", "Mask"]

CROWD_LISTENERS: Final = "crowd_listeners"
"""The column of the `tracks` mart with listeners in crowds."""

Mask = npt.NDArray[np.bool_]
_NOBODY: Final = frozenset[str]()
_BOUNDS: Final = 12
_MANY: Final = 100
_FEW: Final = 1_000
_REMEMBERED: Final = 20_000


@dataclass(frozen=True)
class Catalogue:
    """The `tracks` mart and its columns as arrays, row i of each being track i.

    Args:
        tracks: Arrow table in the schema of `MARTS["tracks"]`, sorted by track_id.
        kept_keys: Normal forms of all names, where they are kept with the tracks: for a million
            tracks they take seconds to come by.
    """

    tracks: pa.Table
    kept_keys: SongKeys | None = field(default=None, repr=False, compare=False)
    kept: KeptColumns = field(default_factory=KeptColumns, repr=False, compare=False)

    def __len__(self) -> int:
        return int(self.tracks.num_rows)

    @cached_property
    def track_ids(self) -> npt.NDArray[np.object_]:
        """Ids, ascending, shape (n_tracks,)."""
        return np.asarray(self.tracks[c.TRACK_ID].to_numpy(zero_copy_only=False), dtype=object)

    @cached_property
    def id_index(self) -> IdIndex:
        """Finds the rows of ids."""
        return IdIndex(self.tracks[c.TRACK_ID], self.kept.arrays)

    @cached_property
    def memo(self) -> dict[str, Any]:
        """Room for the latest thing computed from these tracks; see `listening`."""
        return {}

    @cached_property
    def audio(self) -> npt.NDArray[np.float32]:
        """Raw audio features in the order of AUDIO_FEATURES, NaN where unknown, (n_tracks, 12)."""
        if (kept := self.kept.array("audio")) is not None:
            return kept
        columns = [self._numbers(name) for name in c.AUDIO_FEATURES]
        return np.stack(columns, axis=1) if len(self) else np.empty((0, 12), np.float32)

    @cached_property
    def years(self) -> npt.NDArray[np.float32]:
        """Year of release, NaN where unknown, shape (n_tracks,)."""
        return self._numbers(c.YEAR)

    @cached_property
    def popularity(self) -> npt.NDArray[np.float32]:
        """A catalogue's own popularity, 0 … 100, NaN where unknown, shape (n_tracks,)."""
        return self._numbers(c.POPULARITY)

    @cached_property
    def fame(self) -> npt.NDArray[np.float32]:
        """The same scale, 0 where unknown."""
        return np.nan_to_num(self.popularity)

    @cached_property
    def named(self) -> Mask:
        """Tracks that have a title: one without cannot be shown to anybody, (n_tracks,)."""
        if (kept := self.kept.array("named")) is not None:
            return kept
        lengths = pc.utf8_length(self.tracks[c.TITLE]).fill_null(0)
        return np.asarray(lengths.to_numpy(zero_copy_only=False) > 0)

    @cached_property
    def _artists(self) -> tuple[npt.NDArray[np.int32], Sequence[str]]:
        if (kept := self.kept.array("artist_codes")) is not None:
            return kept, self.kept.names["artist_ids"]
        column = self.tracks[c.ARTIST_ID].combine_chunks().dictionary_encode()
        codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return codes.astype(np.int32), tuple(column.dictionary.to_pylist())

    @property
    def artist_codes(self) -> npt.NDArray[np.int32]:
        """For each track the position of its first artist in `artist_ids`; -1 if unknown."""
        return self._artists[0]

    @property
    def artist_ids(self) -> Sequence[str]:
        """Distinct first artists, in the order in which the tracks name them."""
        return self._artists[1]

    @cached_property
    def artist_index(self) -> dict[str, int]:
        """artist_id -> its position in `artist_ids`."""
        return dict(zip(self.artist_ids, range(len(self.artist_ids)), strict=True))

    @cached_property
    def genres(self) -> GenreLists:
        """The genres of every track."""
        return GenreLists(*self._lists(c.GENRES))

    @cached_property
    def credits(self) -> NameLists:
        """The credited artists of every track, as they are spelled."""
        return NameLists(*self._lists(c.ARTISTS))

    @cached_property
    def song_keys(self) -> SongKeys:
        """Artists and titles in normal form."""
        if self.kept_keys is not None:
            return self.kept_keys
        titles, shown = (self.tracks[name].combine_chunks() for name in (c.TITLE, c.ARTIST))
        return song_keys_of(titles, shown, self.credits)

    @cached_property
    def crowd_listeners(self) -> npt.NDArray[np.int64]:
        """How many of the crowds listen to each, shape (n_tracks,)."""
        if (kept := self.kept.array("crowd_listeners")) is not None:
            return kept
        counts = self.tracks[CROWD_LISTENERS].fill_null(0)
        return np.asarray(counts.to_numpy(zero_copy_only=False), dtype=np.int64)

    @cached_property
    def n_named(self) -> int:
        """Tracks with a title."""
        return int(np.count_nonzero(self.named))

    def rows(self, track_ids: Iterable[str | None]) -> npt.NDArray[np.int64]:
        """The row of each id, -1 for ids that are not here; shape (len(track_ids),).

        Those of the latest large frozen set are remembered, since what a user knows is asked for
        again and again; and those of few ids, which stand for what a playlist is chosen from.
        """
        if not isinstance(track_ids, frozenset) or len(track_ids) < _MANY:
            asked = track_ids if isinstance(track_ids, list | tuple) else list(track_ids)
            try:
                return np.fromiter(map(self._row_of.__getitem__, asked), np.int64, len(asked))
            except KeyError:
                rows = self._rows(asked)
            if len(asked) <= _FEW:
                self._remember(asked, rows)
            return rows
        latest = self.memo.get("rows")
        if latest is None or latest[0] is not track_ids:
            latest = self.memo["rows"] = (track_ids, self._rows(track_ids))
        return np.array(latest[1])

    def found(self, track_ids: Iterable[str]) -> npt.NDArray[np.int64]:
        """The rows of these ids as far as they are here, ascending, each once."""
        rows = self.rows(track_ids)
        return np.unique(rows[rows >= 0]) if len(rows) else rows

    def _rows(self, track_ids: Iterable[str | None]) -> npt.NDArray[np.int64]:
        asked = list(track_ids)
        if not asked:
            return np.empty(0, np.int64)
        return self.id_index.rows(pa.array(asked, pa.string()))

    def ids(self, rows: Iterable[int]) -> tuple[str, ...]:
        """The ids of these rows, in their order; the rows of few ids are remembered."""
        places = np.asarray(rows if isinstance(rows, np.ndarray) else list(rows), np.int64)
        ids = self.id_index.ids(places)
        if len(ids) <= _FEW:
            self._remember(ids, places)
        return ids

    def id_at(self, row: int) -> str:
        """The id of one row."""
        return self.id_index.ids(np.array([row]))[0]

    def _remember(self, ids: Sequence[str | None], rows: npt.NDArray[np.int64]) -> None:
        if len(self._row_of) > _REMEMBERED:
            self._row_of.clear()
        self._row_of.update(zip(ids, rows.tolist(), strict=True))

    @cached_property
    def _row_of(self) -> dict[str | None, int]:
        """The row of ids that were asked for or answered lately."""
        return {}

    def to_keep(self) -> KeptColumns:
        """The columns that are worth keeping with the tracks."""
        lists = {c.GENRES: self.genres, c.ARTISTS: self.credits}
        arrays: dict[str, npt.NDArray[Any]] = {
            "audio": self.audio,
            c.YEAR: self.years,
            c.POPULARITY: self.popularity,
            "named": self.named,
            "artist_codes": self.artist_codes,
            "crowd_listeners": self.crowd_listeners,
            **{f"{name}_offsets": one.offsets for name, one in lists.items()},
            **{f"{name}_codes": one.codes for name, one in lists.items()},
            **self.id_index.to_keep(),
        }
        names = {"artist_ids": self.artist_ids, **{n: one.names for n, one in lists.items()}}
        return KeptColumns(arrays, names)

    def names(self, rows: Sequence[int] | npt.NDArray[np.int64], column: str) -> list[str | None]:
        """The values of a text column at these rows."""
        taken: list[str | None] = self.tracks[column].take(pa.array(rows, pa.int64())).to_pylist()
        return taken

    def allowed(self, filters: Filters) -> Mask:
        """Tracks with a title that keep to the bounds and are not excluded, (n_tracks,).

        Recommenders search among these, so that narrow bounds still find enough. Excluded
        artists are left to the filter step: they are few.
        """
        mask = self._inside(
            replace(filters, exclude_artists=_NOBODY, exclude_tracks=_NOBODY)
        ).copy()
        rows = self.rows(filters.exclude_tracks)
        mask[rows[rows >= 0]] = False
        return mask

    def _inside(self, bounds: Filters) -> Mask:
        """Tracks inside bounds; the latest few are remembered, since people ask alike."""
        known: dict[Filters, Mask] = self.memo.setdefault("bounds", {})
        mask = known.get(bounds)
        if mask is None:
            mask = self._worked_out(bounds)
            while len(known) >= _BOUNDS:
                known.pop(next(iter(known)), None)
            known[bounds] = mask
        return mask

    def _worked_out(self, filters: Filters) -> Mask:
        mask = self.named.copy()
        if filters.genres:
            parts = [part.casefold() for part in filters.genres]
            wanted = [any(part in name.casefold() for part in parts) for name in self.genres.names]
            mask &= self.genres.any_of(np.array(wanted, dtype=bool))
        if filters.years:
            mask &= _within(self.years, *filters.years)
        if filters.tempo:
            mask &= self.sounding((c.TEMPO, *filters.tempo))
        for bound in filters.sound:
            mask &= self.sounding(bound)
        if filters.explicit is not None:
            mask &= self.explicit == filters.explicit
        if filters.duration_ms:
            mask &= _within(self._numbers(c.DURATION_MS), *filters.duration_ms)
        return mask

    def sounding(self, bound: Bound) -> Mask:
        """Tracks with an audio feature inside bounds, (n_tracks,)."""
        feature, low, high = bound
        return _within(self.audio[:, c.AUDIO_FEATURES.index(feature)], low, high)

    @cached_property
    def explicit(self) -> Mask:
        """Tracks that are known to be explicit, (n_tracks,)."""
        column = self.tracks[c.EXPLICIT].fill_null(False)
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=bool)

    def _lists(
        self, name: str
    ) -> tuple[Sequence[str], npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        offsets, codes = (self.kept.array(f"{name}_{part}") for part in ("offsets", "codes"))
        if offsets is not None and codes is not None:
            return self.kept.names[name], offsets, codes
        column = self.tracks[name].combine_chunks()
        lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
        flat = pc.list_flatten(column).fill_null("").dictionary_encode()
        return (
            tuple(flat.dictionary.to_pylist()),
            np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))),
            flat.indices.to_numpy(zero_copy_only=False).astype(np.int32),
        )

    def _numbers(self, name: str) -> npt.NDArray[np.float32]:
        if (kept := self.kept.array(name)) is not None:
            return kept
        column = pc.cast(self.tracks[name], pa.float32())
        values = column.to_numpy(zero_copy_only=False).astype(np.float32)
        return np.where(np.isfinite(values), values, np.float32(np.nan))


def _within(values: npt.NDArray[np.float32], low: float | None, high: float | None) -> Mask:
    """Values inside the bounds; unknown ones (NaN) are outside."""
    at_least = -np.inf if low is None else low
    at_most = np.inf if high is None else high
    return np.asarray((values >= at_least) & (values <= at_most))
