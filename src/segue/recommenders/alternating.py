"""Alternating least squares over a matrix that need not be in memory, a block of rows at a time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from segue.recommenders.quiet_threads import quiet_threads
from segue.recommenders.workplace import Workplace

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["Block", "Here", "Solve", "Solver", "alternate", "block", "blocks", "solve_block"]

_ENTRIES: Final = 1 << 24  # of a block: 128 MB
_STEPS: Final = 3  # of the conjugate gradient

Floats = npt.NDArray[np.float32]

Solve = Callable[[int, Floats, Floats, float], Floats]
"""(0 by row or 1 by column, vectors so far, vectors of the other side, regularisation) -> better
vectors; those it is given may be written to."""


class Solver(Protocol):
    """Whoever solves for all rows of a matrix, the other side being held."""

    def given(self, by_row: sp.csr_array, by_column: sp.csr_array) -> AbstractContextManager[Solve]:
        """Get ready for a matrix, given by its rows and by its columns."""


@dataclass(frozen=True)
class Here:
    """Solves in this process.

    Args:
        threads: 0 means all cores; the result does not depend on it.
        entries: About so many entries of the matrix are solved at a time.
    """

    threads: int = 0
    entries: int = _ENTRIES

    @contextmanager
    def given(self, by_row: sp.csr_array, by_column: sp.csr_array) -> Iterator[Solve]:
        """One block of rows after the other."""
        from threadpoolctl import threadpool_limits

        def solve(side: int, found: Floats, other: Floats, regularisation: float) -> Floats:
            matrix = (by_row, by_column)[side]
            for start, stop in blocks(matrix.indptr, self.entries):
                inside = block(matrix, start, stop)
                solve_block(inside, found[start:stop], other, regularisation, self.threads)
            return found

        with threadpool_limits(1, "blas"):
            yield solve


def alternate(
    believed: sp.csr_array,
    *,
    n_factors: int,
    regularisation: float,
    iterations: int,
    seed: int,
    threads: int,
    first: Floats | None = None,
    workplace: Workplace | None = None,
    solver: Solver | None = None,
) -> Floats:
    """Vectors of the columns, float32, shape (n_columns, n_factors).

    Each round solves for all rows with the columns held, then the other way round, by a few steps
    of conjugate gradients from where the last round stood: Takács, Pilászy and Tikk (2011),
    "Applications of the Conjugate Gradient Method for Implicit Feedback Collaborative Filtering".
    The steps are implicit's; rows are given to them in blocks, so that of a mapped matrix only a
    block is in memory. The blocks do not change the result.

    Args:
        believed: Confidence in each entry, float32.
        first: Vectors to begin from, drawn where they are zero; None: all are drawn.
        threads: 0 means all cores; the result does not depend on it.
        workplace: Where each round is kept, and from where an interrupted training goes on.
        solver: Who solves the rows; None: this process, by the threads.
    """
    import scipy.sparse as sp

    rng = np.random.default_rng(seed)
    n_rows, n_columns = believed.shape
    rows = rng.random((n_rows, n_factors), np.float32) * np.float32(0.01)
    columns = _first(first, rng, n_columns, n_factors, seed)
    done = 0
    told = _named(believed, n_factors, regularisation, seed, first)
    if workplace is not None and (kept := workplace.kept(told)) is not None:
        done, arrays = kept
        rows, columns = np.array(arrays["rows"]), np.array(arrays["columns"])

    work = solver or Here(threads)
    with work.given(believed, sp.csr_array(believed.T)) as solve:
        for number in range(done, iterations):
            rows = solve(0, rows, columns, regularisation)
            columns = solve(1, columns, rows, regularisation)
            if workplace is not None:
                workplace.tell((number + 1) / iterations)
                workplace.keep(told, number + 1, {"rows": rows, "columns": columns})
    return columns


def _first(
    first: Floats | None, rng: np.random.Generator, n_columns: int, n_factors: int, seed: int
) -> Floats:
    drawn = rng if first is None else np.random.default_rng(seed)
    some = drawn.random((n_columns, n_factors), np.float32) * np.float32(0.01)
    return some if first is None else np.where(np.any(first, axis=1, keepdims=True), first, some)


def _named(
    believed: sp.csr_array, n_factors: int, regularisation: float, seed: int, first: Floats | None
) -> str:
    """What tells this training from one of other data or settings."""
    sums = [zlib.crc32(np.ascontiguousarray(array).data) for array in _arrays(believed)]
    begun = 0 if first is None else zlib.crc32(np.ascontiguousarray(first).data)
    return f"{believed.shape} {sums} {n_factors} {regularisation} {seed} {begun}"


def _arrays(matrix: sp.csr_array) -> tuple[npt.NDArray[Any], ...]:
    return matrix.data, matrix.indices, matrix.indptr


def blocks(offsets: npt.NDArray[np.integer[Any]], entries: int) -> list[tuple[int, int]]:
    """Rows from … to …, each block of about so many entries, or of one row."""
    n_rows = len(offsets) - 1
    bounds = np.searchsorted(offsets, np.arange(0, int(offsets[-1]) + entries, entries), "left")
    cuts = np.unique(np.clip([0, *bounds, n_rows], 0, n_rows)).tolist()
    return list(pairwise(cuts))


Block = tuple[npt.NDArray[np.float32], npt.NDArray[np.int32], npt.NDArray[np.int32], int]
"""Values, columns and offsets of some rows, and how many columns there are."""


def block(matrix: sp.csr_array, start: int, stop: int) -> Block:
    """Rows from … to … of a matrix; a copy only where the matrix may not be written to."""
    low, high = int(matrix.indptr[start]), int(matrix.indptr[stop])
    offsets = (matrix.indptr[start : stop + 1] - low).astype(np.int32)
    columns = matrix.indices[low:high].astype(np.int32, copy=False)
    values = matrix.data[low:high]
    return (
        np.require(values, requirements="W"),
        np.require(columns, requirements="W"),
        offsets,
        matrix.shape[1],
    )


def solve_block(
    inside: Block, found: Floats, other: Floats, regularisation: float, threads: int
) -> None:
    """Better the vectors of some rows where they are."""
    quiet_threads()
    from implicit.cpu import _als
    from scipy.sparse import csr_matrix

    values, columns, offsets, n_columns = inside
    matrix = csr_matrix((values, columns, offsets), (len(offsets) - 1, n_columns), copy=False)
    _als.least_squares_cg(
        matrix, found, other, regularisation, num_threads=threads, cg_steps=_STEPS
    )
