"""Spark at work for a training; what is learned is what one machine would learn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from segue.features.catalogue import Catalogue
from segue.features.from_marts import Fit
from segue.features.played import PlayedPart
from segue.features.training_data import Sessions
from segue.flows.spark.session import spark_context
from segue.flows.spark.tasks import count_follows, read_file, solve_part
from segue.recommenders.alternating import Floats, Solve, block, blocks
from segue.recommenders.sequential_rules import Follows

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["SparkEngine", "spark_engine"]

_PLAYS_A_TASK: Final = 1 << 20
_ENTRIES: Final = 1 << 22


@dataclass(frozen=True)
class SparkEngine:
    """Work that Spark's executors do.

    Args:
        context: A SparkContext.
        files: The files of the `plays` mart, where every executor can read them.
        columns: Those that are read of each.
    """

    context: Any
    files: Sequence[Path]
    columns: Sequence[str]

    def read(self, fit: Fit, catalogue: Catalogue) -> list[PlayedPart]:
        """The plays that fit, a task for each file; see `segue.features.from_marts.Reading`."""
        ids = catalogue.tracks.select(["track_id"]).combine_chunks()
        known = self.context.broadcast(ids)
        task = partial(read_file, known=known, fit=fit, columns=tuple(self.columns))
        paths = [str(path) for path in self.files]
        found = self.context.parallelize(paths, len(paths)).map(task).collect()
        known.unpersist()
        return [part for part in found if part is not None]

    def given(self, by_row: sp.csr_array, by_column: sp.csr_array) -> AbstractContextManager[Solve]:
        """Solve rows of a matrix by the blocks that executors hold; see `Solver`."""
        return self._solving((by_row, by_column))

    @contextmanager
    def _solving(self, sides: tuple[sp.csr_array, sp.csr_array]) -> Iterator[Solve]:
        held = [self._held(matrix) for matrix in sides]

        def solve(side: int, found: Floats, other: Floats, regularisation: float) -> Floats:
            latest, given = self.context.broadcast(found), self.context.broadcast(other)
            task = partial(solve_part, latest=latest, given=given, regularisation=regularisation)
            # all at once: an iterator over parts would have them made one after the other
            for start, vectors in held[side].map(task).collect():
                found[start : start + len(vectors)] = vectors
            latest.unpersist()
            given.unpersist()
            return found

        try:
            yield solve
        finally:
            for one in held:
                one.unpersist()

    def _held(self, matrix: sp.csr_array) -> Any:
        """Blocks of a matrix in the memory of executors, as (first row, block)."""
        parts = [
            (start, block(matrix, start, stop)) for start, stop in blocks(matrix.indptr, _ENTRIES)
        ]
        return self.context.parallelize(parts, len(parts)).cache()

    def count(self, sessions: Sessions, steps: int) -> Follows:
        """What followed what in sessions of any number; see `Follows.count`."""
        cuts = blocks(sessions.offsets, _PLAYS_A_TASK)
        parts = [_some(sessions, start, stop) for start, stop in cuts] or [sessions]
        spread = self.context.parallelize(parts, len(parts))
        found: Follows = spread.map(partial(count_follows, steps=steps)).treeReduce(_both)
        return found


def _both(first: Follows, second: Follows) -> Follows:
    return Follows.together([first, second])


def _some(sessions: Sessions, start: int, stop: int) -> Sessions:
    low, high = sessions.offsets[[start, stop]].tolist()
    return Sessions(
        sessions.offsets[start : stop + 1] - low,
        np.array(sessions.tracks[low:high]),
        np.array(sessions.ended_at[start:stop]),
    )


@contextmanager
def spark_engine(
    files: Sequence[Path], columns: Sequence[str], *, master: str, config: Mapping[str, str]
) -> Iterator[SparkEngine]:
    """Start Spark, or join a cluster, for as long as it is needed.

    Args:
        files: Of the `plays` mart.
        columns: To be read of it.
        master: Spark's word for where it runs: local[*], spark://…, yarn …
        config: Further settings of Spark, which come before Segue's own.

    Raises:
        ConfigError: Spark or Java is not installed, or it cannot be reached.
        StorageError: An executor failed again and again.
    """
    with spark_context(master, config, doing="training") as context:
        yield SparkEngine(context, files, columns)
