"""Metrics on tables worked by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.evaluation.metrics import METRICS, hit_rate, ndcg, precision, recall, reciprocal_rank

LISTED = ["a", "x", "b", "y", "z"]  # hits at ranks 1 and 3
RELEVANT = {"a", "b", "c", "d"}


@pytest.mark.parametrize(
    ("k", "recalled", "precise", "first", "hit"),
    [
        (1, 1 / 4, 1 / 1, 1, 1),
        (2, 1 / 4, 1 / 2, 1, 1),
        (3, 2 / 4, 2 / 3, 1, 1),
        (5, 2 / 4, 2 / 5, 1, 1),
        (10, 2 / 4, 2 / 10, 1, 1),
    ],
)
def test_hand_worked(k: int, recalled: float, precise: float, first: float, hit: float) -> None:
    assert recall(LISTED, RELEVANT, k=k) == pytest.approx(recalled)
    assert precision(LISTED, RELEVANT, k=k) == pytest.approx(precise)
    assert reciprocal_rank(LISTED, RELEVANT, k=k) == pytest.approx(first)
    assert hit_rate(LISTED, RELEVANT, k=k) == hit


def test_ndcg_by_hand() -> None:
    gained = 1 / math.log2(2) + 1 / math.log2(4)
    possible = 1 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(LISTED, RELEVANT, k=3) == pytest.approx(gained / possible)


def test_first_hit_at_rank_three() -> None:
    assert reciprocal_rank(["x", "y", "a"], {"a"}, k=3) == pytest.approx(1 / 3)
    assert reciprocal_rank(["x", "y", "a"], {"a"}, k=2) == 0


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_edges(metric: object) -> None:
    assert callable(metric)
    assert metric([], {"a"}, k=5) == 0
    assert metric(["x"], {"a"}, k=5) == 0
    assert metric(["a"], set(), k=5) == 0
    assert metric(["a", "b"], {"a", "b"}, k=2) == 1


@given(
    st.lists(st.integers(0, 30), unique=True, max_size=20),
    st.sets(st.integers(0, 30), max_size=20),
    st.integers(1, 25),
)
def test_all_lie_between_zero_and_one(listed: list[int], relevant: set[int], k: int) -> None:
    for metric in METRICS.values():
        value = metric([str(i) for i in listed], {str(i) for i in relevant}, k=k)
        assert 0 <= value <= 1 + 1e-9
