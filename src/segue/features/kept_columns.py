"""Columns of a catalogue as arrays that are kept with it: a service begins without making them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["ArrowNames", "KeptColumns"]


@dataclass(frozen=True)
class KeptColumns:
    """What can be worked out of the tracks alone; each part may be missing.

    Args:
        arrays: Name -> array.
        names: Name -> distinct names, in the order of their codes.
    """

    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def array(self, name: str) -> npt.NDArray[Any] | None:
        """One of the arrays."""
        return self.arrays.get(name)


class ArrowNames(Sequence[str]):
    """Names in an Arrow array, which may lie in a mapped file: strings are made when asked for.

    >>> names = ArrowNames(pa.array(["jazz", "rock"]))
    >>> len(names), names[1], list(names)
    (2, 'rock', ['jazz', 'rock'])
    """

    def __init__(self, names: pa.Array) -> None:
        self.values = names

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...

    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        if isinstance(at, slice):
            return list(self)[at]
        return str(self.values[at].as_py())

    def some(self, places: npt.NDArray[np.integer[Any]]) -> list[str]:
        """Those at some places, all at once."""
        names: list[str] = self.values.take(pa.array(places)).to_pylist()
        return names

    def __iter__(self) -> Iterator[str]:
        return iter(self.values.to_pylist())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.values.to_pylist(), dtype=dtype)
