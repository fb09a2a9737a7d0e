"""From ids to rows: a table of hashes where all ids are of one length, else a dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["IdIndex"]

_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 over the golden ratio: spreads well
_HALF: Final = np.uint64(32)
_WORD: Final = 8

Rows = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]


class IdIndex:
    """Finds the rows of many ids at once.

    A Python dictionary of a million strings costs about a third of a microsecond a look-up, since
    each touches memory in several places, and as much again to make the strings. Ids of one length
    are numbers of two or three words: they are compared as such, a whole array at a time.

    Args:
        ids: Arrow strings, none twice.
        kept: What `to_keep` gave for the same ids, where it was kept.
    """

    def __init__(
        self, ids: pa.ChunkedArray, kept: Mapping[str, npt.NDArray[Any]] | None = None
    ) -> None:
        self._ids = _array(ids)
        self._kept = kept or {}

    def ids(self, rows: Rows) -> tuple[str, ...]:
        """The ids of these rows, in their order."""
        table = self._table
        if table is None:
            return tuple(self._ids.take(pa.array(rows, pa.int64())).to_pylist())
        length = table.length
        text = _text(self._ids, length)[rows].tobytes().decode()
        if len(text) != length * len(rows):  # not one byte a letter
            return tuple(self._ids.take(pa.array(rows, pa.int64())).to_pylist())
        return tuple([text[at : at + length] for at in range(0, len(text), length)])

    def to_keep(self) -> dict[str, npt.NDArray[Any]]:
        """The table of hashes as arrays; nothing where there is none."""
        table = self._table
        if table is None:
            return {}
        return {
            "ids_form": np.array([table.length, table.bits], np.int64),
            "ids_prefix": table.prefix,
            "ids_starts": table.starts,
            "ids_words": table.words,
        }

    def rows(self, ids: pa.Array | pa.ChunkedArray) -> Rows:
        """The row of each id, -1 for ids that are not here and for null, shape (len(ids),)."""
        asked = _array(ids)
        table = self._table
        if table is None:
            get = self._dictionary.get
            return np.fromiter(map(get, asked.to_pylist(), repeat(-1)), np.int64, len(asked))
        found = np.full(len(asked), -1, np.int64)
        fitting = _of_length(asked, table.length)
        if fitting is None:
            found[:] = table.rows(_text(asked, table.length))
        elif fitting.any():
            some = asked.filter(pa.array(fitting))
            found[fitting] = table.rows(_text(some, table.length))
        return found

    @cached_property
    def _table(self) -> _Table | None:
        """None where ids differ in length."""
        if (form := self._kept.get("ids_form")) is not None:
            prefix, starts, words = (
                self._kept[f"ids_{part}"] for part in ("prefix", "starts", "words")
            )
            return _Table(int(form[0]), prefix, starts, words, int(form[1]))
        if not len(self._ids) or self._ids.null_count:
            return None
        length = pc.binary_length(self._ids[:1])[0].as_py()
        if not length or _of_length(self._ids, length) is not None:
            return None
        return _Table.of(_text(self._ids, length))

    @cached_property
    def _dictionary(self) -> dict[str | None, int]:
        ids = self._ids.to_pylist()
        return {one: row for row, one in enumerate(ids) if one is not None}


@dataclass(frozen=True)
class _Table:
    """Ids in the order of the high bits of their hashes.

    Args:
        length: Bytes of an id.
        prefix: What all ids begin with.
        starts: int32: ids of hash bits b are at starts[b]:starts[b + 1].
        words: uint64, shape (n, n_words + 1): what comes after the prefix, padded, in that order;
            last the row, so that one jump through memory finds both.
        bits: How many bits are looked at.
    """

    length: int
    prefix: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int32]
    words: Words
    bits: int

    @classmethod
    def of(cls, text: npt.NDArray[np.uint8]) -> _Table:
        """From one row of bytes an id."""
        differing = np.flatnonzero(text.min(axis=0) != text.max(axis=0))
        shared = int(differing[0]) if len(differing) else text.shape[1] - 1
        words = _words(text[:, shared:])
        bits = len(words).bit_length() + 1
        place = _places(words, bits)
        order = np.argsort(place, kind="stable")
        placed = np.column_stack([words[order], order.astype(np.uint64)])
        ends = np.cumsum(np.bincount(place, minlength=1 << bits))
        starts = np.concatenate(([0], ends)).astype(np.int32)
        return cls(text.shape[1], text[0, :shared].copy(), starts, placed, bits)

    def rows(self, text: npt.NDArray[np.uint8]) -> Rows:
        """The row of each, -1 where it is not here."""
        words = _words(text[:, len(self.prefix) :])
        place = _places(words, self.bits)
        at, end = self.starts[place], self.starts[place + 1]
        found = np.full(len(text), -1, np.int64)
        open_ = np.flatnonzero(at < end)
        while len(open_):  # a few rounds: of two places one is empty
            theirs = self.words[at[open_]]
            same = theirs[:, 0] == words[open_, 0]
            for word in range(1, words.shape[1]):
                same &= theirs[:, word] == words[open_, word]
            found[open_[same]] = theirs[same, -1].astype(np.int64)
            open_ = open_[~same]
            at[open_] += 1
            open_ = open_[at[open_] < end[open_]]
        if len(self.prefix):
            found[(text[:, : len(self.prefix)] != self.prefix).any(axis=1)] = -1
        return found


def _words(text: npt.NDArray[np.uint8]) -> Words:
    n, length = text.shape
    n_words = -(-length // _WORD)
    padded = np.zeros((n, n_words * _WORD), np.uint8)
    padded[:, :length] = text
    return padded.view(np.uint64)


def _places(words: Words, bits: int) -> Rows:
    mixed = words[:, 0] * _FACTOR
    for word in range(1, words.shape[1]):
        mixed = ((mixed >> _HALF) ^ mixed ^ words[:, word]) * _FACTOR
    mixed = ((mixed >> _HALF) ^ mixed) * _FACTOR
    return (mixed >> np.uint64(64 - bits)).astype(np.int64)


def _array(ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    whole = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    if isinstance(whole, pa.ChunkedArray):  # an empty column may stay chunked
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], pa.string())
    return whole if whole.type == pa.string() else whole.cast(pa.string())


def _offsets(ids: pa.Array) -> npt.NDArray[np.int32]:
    return np.frombuffer(ids.buffers()[1], np.int32)[ids.offset : ids.offset + len(ids) + 1]


def _of_length(ids: pa.Array, length: int) -> npt.NDArray[np.bool_] | None:
    """Which ids have so many bytes; None where all have."""
    fitting = np.diff(_offsets(ids)) == length if len(ids) else np.ones(0, bool)
    if ids.null_count:
        fitting = fitting & ids.is_valid().to_numpy(zero_copy_only=False)
    return None if fitting.all() else fitting


def _text(ids: pa.Array, length: int) -> npt.NDArray[np.uint8]:
    """The bytes of ids that all have so many, shape (len(ids), length)."""
    if not len(ids):
        return np.empty((0, length), np.uint8)
    first = int(_offsets(ids)[0])
    text = np.frombuffer(ids.buffers()[2], np.uint8)[first : first + len(ids) * length]
    return text.reshape(len(ids), length)
