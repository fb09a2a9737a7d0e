"""Writes what only a simulation can know: each user's habits and true taste."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.music import columns as c
from segue.sources.simulation.genres import GENRES
from segue.sources.simulation.listeners import Listener
from segue.sources.simulation.world import World

__all__ = ["TRUTH_SCHEMA", "habits_of", "truth_table"]

TRUTH_SCHEMA: Final = pa.schema(
    [
        pa.field(c.USER_ID, pa.string()),
        pa.field("habit", pa.string()),
        pa.field("genre", pa.string()),
        pa.field("share_first", pa.float32()),
        pa.field("share_last", pa.float32()),
    ]
)
"""One row for each user and genre: its share of the taste when the simulation began and ended."""

_ARRAYS: Final = ("scenes", "shares", "key")


def truth_table(listeners: Sequence[Listener], world: World) -> pa.Table:
    """The true taste of some users, as TRUTH_SCHEMA has it."""
    names = [genre.name for genre in GENRES]
    rows: list[tuple[str, str, str, float, float]] = []
    for person in listeners:
        first, last = (_by_genre(person, period, world) for period in (0, -1))
        rows.extend(
            (person.user_id, person.habit, names[genre], float(first[genre]), float(last[genre]))
            for genre in np.flatnonzero((first > 0) | (last > 0)).tolist()
        )
    columns: list[Any] = list(zip(*rows, strict=True)) if rows else [[] for _ in TRUTH_SCHEMA]
    arrays = [
        pa.array(column, field.type) for column, field in zip(columns, TRUTH_SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=TRUTH_SCHEMA)


def habits_of(person: Listener) -> dict[str, Any]:
    """The parameters of one user, JSON-ready."""
    values = {
        item.name: getattr(person, item.name) for item in fields(person) if item.name not in _ARRAYS
    }
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in values.items()
    }


def _by_genre(person: Listener, period: int, world: World) -> npt.NDArray[np.float64]:
    genres = world.discography.scene_genre[person.scenes[period]]
    shares = person.shares[period].astype(np.float64)
    return np.asarray(np.bincount(genres, weights=shares, minlength=len(GENRES)), np.float64)
