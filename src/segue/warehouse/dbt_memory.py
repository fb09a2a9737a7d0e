"""What this process knows of the dbt project: parsing it takes seconds, a plan one more."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from segue.warehouse.change_plan import ChangePlan
from segue.warehouse.full_models import Model

__all__ = ["MODELS", "PARSED", "PLANS", "Known", "Parsed"]

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


@dataclass(frozen=True, slots=True)
class Parsed:
    """A parsed project.

    Args:
        packed: dbt's manifest as bytes: a run changes the one it gets. A good megabyte.
        database: The database that its relations are in.
    """

    packed: bytes
    database: str

    def manifest(self, database: str) -> Any:
        """The manifest as new, with its relations in another database."""
        from dbt.contracts.graph.manifest import Manifest

        manifest: Any = Manifest.from_msgpack(self.packed)
        for node in (*manifest.nodes.values(), *manifest.sources.values()):
            if node.database == self.database != database:
                node.database = database
                if node.relation_name:  # which begins with the database
                    node.relation_name = node.relation_name.replace(self.database, database, 1)
        manifest.build_flat_graph()
        return manifest


PARSED: Final = Known[Parsed](4)
"""By what parsing follows from, the database left out."""

PLANS: Final = Known[ChangePlan](4)
"""Builds of changes, as they were compiled."""

MODELS: Final = Known[tuple[Model, ...]](4)
"""What full builds make, compiled."""
