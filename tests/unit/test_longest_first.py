"""A search that stops early finds what a full one finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segue.recommenders.longest_first import LongestFirst


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
