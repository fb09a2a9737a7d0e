"""Plays as numbers: what training keeps of them, in a twentieth of the memory of their tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from segue.features.catalogue import Catalogue
from segue.features.id_index import IdIndex
from segue.features.on_disk import on_disk
from segue.music import columns as c
from segue.music.query import HISTORY

__all__ = [
    "Histories",
    "PlayTables",
    "Played",
    "PlayedPart",
    "gathered",
    "numbered",
    "played_part",
]

PlayTables = pa.Table | Iterable[pa.Table]
"""The `plays` mart, whole or in parts; no user is in two parts. It may be gone through twice."""

_FLAGS: Final = (c.COUNTED, c.FINISHED, c.SKIPPED)
_COUNTED: Final = 1
_NONE: Final = "\0"  # Arrow cannot bring dictionaries with nulls together

Ints = npt.NDArray[np.int64]
_Column = Callable[["PlayedPart"], Any]


@dataclass(frozen=True)
class PlayedPart:
    """The plays of some users; see `Played`."""

    users: tuple[str, ...]
    offsets: Ints
    tracks: npt.NDArray[np.int32]
    at: Ints
    sessions: npt.NDArray[np.int32]
    flags: npt.NDArray[np.uint8]
    countries: npt.NDArray[np.int16]
    lands: tuple[str, ...]


@dataclass(frozen=True)
class Played:
    """Plays by user, oldest first, those of one moment by track.

    Args:
        catalogue: What `tracks` are rows of.
        users: Ids, ascending.
        offsets: int64, shape (n_users + 1,): the plays of user u are offsets[u]:offsets[u + 1].
        tracks: int32, rows of the catalogue, -1 where it does not know a track.
        at: int64, Unix time in microseconds.
        sessions: int32: equal where two plays of one user belong to one session; ascending.
        flags: uint8: bit 0 counted, 1 finished, 2 skipped.
        countries: int16, places in `lands`, -1 where unknown.
        lands: Countries that plays name.
    """

    catalogue: Catalogue
    users: tuple[str, ...]
    offsets: Ints
    tracks: npt.NDArray[np.int32]
    at: Ints
    sessions: npt.NDArray[np.int32]
    flags: npt.NDArray[np.uint8]
    countries: npt.NDArray[np.int16]
    lands: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.tracks)

    @cached_property
    def counted(self) -> npt.NDArray[np.bool_]:
        """Which plays count, shape (n_plays,)."""
        return (self.flags & _COUNTED).astype(bool)

    def of_users(self) -> npt.NDArray[np.int32]:
        """The number of each play's user, shape (n_plays,)."""
        return np.repeat(np.arange(len(self.users), dtype=np.int32), np.diff(self.offsets))

    def history(self, number: int) -> pa.Table:
        """The plays of a user, in the HISTORY schema, without those of unknown tracks."""
        rows = slice(*self.offsets[number : number + 2].tolist())
        known = self.tracks[rows] >= 0
        ids = self.catalogue.id_index.ids(self.tracks[rows][known].astype(np.int64))
        flags = self.flags[rows][known]
        columns = {
            c.TRACK_ID: pa.array(ids, pa.string()),
            c.PLAYED_AT: pa.array(self.at[rows][known]).cast(HISTORY.field(c.PLAYED_AT).type),
            **{name: pa.array((flags & (1 << bit)) > 0) for bit, name in enumerate(_FLAGS)},
        }
        return pa.table(columns).select(HISTORY.names).cast(HISTORY)


class Histories(Mapping[str, pa.Table]):
    """User -> plays in the HISTORY schema, made when they are asked for."""

    def __init__(self, plays: Played) -> None:
        self._plays = plays

    def __getitem__(self, user: str) -> pa.Table:
        return self._plays.history(self._numbers[user])

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._plays.users)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {user: number for number, user in enumerate(self._plays.users)}


def gathered(
    parts: Sequence[PlayedPart], catalogue: Catalogue, *, keep_in: Path | None = None
) -> Played:
    """Parts of different users as one.

    Args:
        keep_in: A folder for the arrays, which are mapped then; None: they are in memory.

    Raises:
        ValueError: A user is in two of them.
    """
    parts = sorted(parts, key=lambda part: part.users[0])
    if any(a.users[-1] >= b.users[0] for a, b in pairwise(parts)):
        raise ValueError("plays: a user is in two parts")
    lands = sorted({land for part in parts for land in part.lands})

    def whole(
        name: str, kind: npt.DTypeLike, *, of: Callable[[PlayedPart], Any]
    ) -> npt.NDArray[Any]:
        arrays = [of(part) for part in parts]
        return on_disk(np.concatenate(arrays) if arrays else np.empty(0, kind), keep_in, name)

    sizes = whole("sizes", np.int64, of=lambda part: np.diff(part.offsets))
    return Played(
        catalogue,
        tuple(user for part in parts for user in part.users),
        np.concatenate(([0], np.cumsum(sizes, dtype=np.int64))),
        whole("tracks", np.int32, of=lambda part: part.tracks),
        whole("at", np.int64, of=lambda part: part.at),
        whole("sessions", np.int32, of=lambda part: part.sessions),
        whole("flags", np.uint8, of=lambda part: part.flags),
        whole("countries", np.int16, of=lambda part: _of_lands(part, lands)),
        tuple(lands),
    )


def _of_lands(part: PlayedPart, lands: list[str]) -> npt.NDArray[np.int16]:
    place = np.array([*(lands.index(land) for land in part.lands), -1], np.int16)
    return place[part.countries]  # -1 is the last


def played_part(table: pa.Table, tracks: IdIndex) -> PlayedPart | None:
    """The plays of one table; None where it has none of anybody.

    Args:
        table: user_id, track_id, played_at, session_id and counted; finished, skipped and country
            if known. Plays of nobody are left out.
        tracks: Of the catalogue.
    """
    table = table.filter(pc.is_valid(table[c.USER_ID]))
    if not table.num_rows:
        return None
    owners, users = numbered(table[c.USER_ID])
    rank = np.argsort(np.argsort(users, kind="stable"), kind="stable")
    owner = rank[owners]
    rows = tracks.rows(table[c.TRACK_ID])
    at = table[c.PLAYED_AT].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    order = np.lexsort((rows, at, owner))
    owner = owner[order]
    lands, names = _countries(table)
    flags = sum(_flag(table, name).astype(np.uint8) << bit for bit, name in enumerate(_FLAGS))
    return PlayedPart(
        tuple(sorted(users)),
        np.searchsorted(owner, np.arange(len(users) + 1)).astype(np.int64),
        rows[order].astype(np.int32),
        at[order].astype(np.int64),
        _sessions(table[c.SESSION_ID], owner, order),
        np.asarray(flags, np.uint8)[order],
        lands[order],
        names,
    )


def numbered(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """Each value's number, and the values; `_NONE` stands for the missing one."""
    if not len(column):
        return np.empty(0, np.int64), []
    encoded = pc.dictionary_encode(column.fill_null(_NONE)).unify_dictionaries()
    codes = [chunk.indices.to_numpy(zero_copy_only=False) for chunk in encoded.chunks]
    return np.concatenate(codes).astype(np.int64), encoded.chunk(0).dictionary.to_pylist()


def _sessions(column: pa.ChunkedArray, owner: Ints, order: Ints) -> npt.NDArray[np.int32]:
    """Numbers of sessions in the order in which each user began them."""
    codes, names = numbered(column)
    key = owner * len(names) + codes[order]
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[which]


def _flag(table: pa.Table, name: str) -> npt.NDArray[np.bool_]:
    if name not in table.column_names:
        return np.zeros(table.num_rows, bool)
    return np.asarray(pc.fill_null(table[name], False).to_numpy())


def _countries(table: pa.Table) -> tuple[npt.NDArray[np.int16], tuple[str, ...]]:
    """Places among the countries that the table names, and their names."""
    if c.COUNTRY not in table.column_names:
        return np.full(table.num_rows, -1, np.int16), ()
    codes, names = numbered(table[c.COUNTRY])
    lands = sorted(name for name in names if name != _NONE)
    place = np.array([-1 if name == _NONE else lands.index(name) for name in names], np.int16)
    return place[codes], tuple(lands)
