"""What an executor of Spark is asked to do; each knows nothing but what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from segue.features.from_marts import Fit
from segue.features.id_index import IdIndex
from segue.features.played import PlayedPart, played_part
from segue.features.training_data import Sessions
from segue.music.marts import MARTS
from segue.recommenders.alternating import Block, Floats, solve_block
from segue.recommenders.sequential_rules import Follows

__all__ = ["count_follows", "read_file", "solve_part"]

_LATEST: list[tuple[pa.Table, IdIndex]] = []
"""The catalogue that this worker was given last, and where its ids are."""


def read_file(path: str, *, known: Any, fit: Fit, columns: Sequence[str]) -> PlayedPart | None:
    """The plays of a file of the `plays` mart that fit, as numbers."""
    table = pq.read_table(path, columns=list(columns), partitioning=None)
    schema = pa.schema([MARTS["plays"].field(name) for name in columns])
    return played_part(fit.of(table.select(list(columns)).cast(schema)), _index(known))


def _index(known: Any) -> IdIndex:
    ids = known.value
    if not _LATEST or _LATEST[0][0] is not ids:
        _LATEST[:] = [(ids, IdIndex(ids.column(0)))]
    return _LATEST[0][1]


def solve_part(
    part: tuple[int, Block], *, latest: Any, given: Any, regularisation: float
) -> tuple[int, Floats]:
    """Better vectors of a block's rows; returns the first row and the vectors."""
    start, inside = part
    found = latest.value[start : start + len(inside[2]) - 1].copy()
    solve_block(inside, found, given.value, regularisation, threads=1)
    return start, found


def count_follows(sessions: Sessions, steps: int) -> Follows:
    """What followed what in some sessions."""
    return Follows.count(sessions, steps)
