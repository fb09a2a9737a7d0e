"""What this process knows of the dbt project: parsing it takes seconds, a plan one more."""

from __future__ import annotations

import threading
from typing import Any, Final, Generic, TypeVar

from segue.warehouse.change_plan import ChangePlan

__all__ = ["PARSED", "PLANS", "Known", "pack", "unpack"]

_T = TypeVar("_T")


class Known(Generic[_T]):
    """Values by what they were made from, the last few of them; safe for threads.

    >>> known = Known[int](2)
    >>> [known.keep(name, len(name)) for name in ("a", "bb", "ccc")]
    [1, 2, 3]
    >>> known.get("a"), known.get("ccc")
    (None, 3)
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[str, _T] = {}
        self._lock = threading.Lock()

    def get(self, made_from: str) -> _T | None:
        """The value, if it is known."""
        return self._values.get(made_from)

    def keep(self, made_from: str, value: _T) -> _T:
        """Remember a value, and forget the oldest if there are too many; returns it."""
        with self._lock:
            self._values[made_from] = value
            while len(self._values) > self._most:
                del self._values[next(iter(self._values))]
        return value


PARSED: Final = Known[bytes](4)
"""Manifests, packed: a run changes the one it gets. A good megabyte each."""

PLANS: Final = Known[ChangePlan](4)
"""Builds of changes, as they were compiled."""


def pack(manifest: Any) -> bytes:
    """A manifest as bytes."""
    packed: bytes = manifest.to_msgpack()
    return packed


def unpack(packed: bytes) -> Any:
    """The manifest, as new."""
    from dbt.contracts.graph.manifest import Manifest

    manifest: Any = Manifest.from_msgpack(packed)
    manifest.build_flat_graph()
    return manifest
