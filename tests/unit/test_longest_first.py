"""A search that stops early finds what a full one finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segue.recommenders.longest_first import LongestFirst
from segue.recommenders.top_rows import top_of_dense


@given(st.integers(0, 10_000), st.integers(1, 40), st.floats(0.0, 3.0))
def test_the_best_are_those_of_a_full_search(seed: int, count: int, steepness: float) -> None:
    rng = np.random.default_rng(seed)
    drawn = rng.normal(size=(200, 6)) * rng.random((200, 1)) ** steepness
    vectors = np.concatenate([drawn, drawn[:20]]).astype(np.float32)  # ties
    query = rng.normal(size=6).astype(np.float32)
    usable = rng.random(len(vectors)) < 0.7
    found, products = LongestFirst.of(vectors, 32).best(
        vectors, query, count, usable=lambda some: usable[some], first=8
    )
    full = np.where(usable, vectors @ query, -np.inf)
    np.testing.assert_allclose(products, full[found], rtol=1e-5)
    assert (np.diff(found) > 0).all()
    wanted = np.flatnonzero(full > 0)
    if len(wanted) > count:
        bar = np.sort(full[wanted])[-count]
        wanted = np.flatnonzero(full >= bar * (1 + 1e-5))
    assert set(wanted.tolist()) <= set(found.tolist())


def test_most_short_vectors_are_not_looked_at() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(4096, 8)).astype(np.float32)
    vectors[64:] *= np.float32(0.01)
    looked_at = []

    def usable(some: np.ndarray) -> np.ndarray:
        looked_at.extend(some.tolist())
        return np.ones(len(some), dtype=bool)

    found, _ = LongestFirst.of(vectors).best(vectors, vectors[3], 5, usable=usable, first=64)
    assert 3 in found
    assert len(looked_at) < 300


def test_nothing_is_found_among_nothing() -> None:
    empty = np.empty((0, 4), np.float32)
    found, products = LongestFirst.of(empty).best(
        empty, np.ones(4, np.float32), 3, usable=lambda some: some >= 0
    )
    assert not len(found)
    assert not len(products)


@given(st.integers(0, 10_000), st.integers(0, 30), st.floats(0.0, 3.0))
def test_the_best_for_many_are_those_of_a_full_search(seed: int, k: int, steepness: float) -> None:
    rng = np.random.default_rng(seed)
    drawn = rng.normal(size=(1500, 4)) * rng.random((1500, 1)) ** steepness
    vectors = np.concatenate([drawn, drawn[:50]]).astype(np.float32)
    queries = rng.normal(size=(7, 4)).astype(np.float32)
    queries[2] = 0
    query, position = np.divmod(rng.permutation(7 * 1550)[:3000], 1550)
    order = np.lexsort((position, query))
    without = (query[order], position[order])
    found = LongestFirst.of(vectors, 600).top(vectors, queries, k, without=without, cells=7000)
    full = queries @ vectors.T
    full[without] = -np.inf
    wanted = top_of_dense(full, k)
    np.testing.assert_allclose(found.scores, wanted.scores, rtol=1e-5, atol=1e-7)
    apart = np.abs(np.diff(wanted.scores, axis=1)).min(axis=1, initial=1) > 1e-6
    assert (found.tracks == wanted.tracks)[apart].all()
    told = np.take_along_axis(full, np.maximum(found.tracks, 0).astype(np.int64), axis=1)
    np.testing.assert_allclose(told, found.scores, rtol=1e-5, atol=1e-7)
