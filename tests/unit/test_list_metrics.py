"""Metrics of many lists at once, against plain loops and numbers worked by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.evaluation.list_metrics import ACCURACY, accuracy
from segue.evaluation.track_sets import TrackSets

N_TRACKS = 12


def _sets(rows: Sequence[AbstractSet[int]]) -> TrackSets:
    pairs = [(i, track) for i, row in enumerate(rows) for track in row]
    owners, tracks = zip(*pairs, strict=True) if pairs else ((), ())
    return TrackSets.of_pairs(
        np.array(owners, np.int64), np.array(tracks, np.int64), n_rows=len(rows), n_tracks=N_TRACKS
    )


def _by_loops(listed: Sequence[int], right: AbstractSet[int], k: int) -> dict[str, float]:
    """The textbook definitions, one list at a time."""
    hit_ranks = [rank for rank, track in enumerate(listed[:k], start=1) if track in right]
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(right)) + 1))
    average = 0.0
    for rank in hit_ranks:
        average += len([r for r in hit_ranks if r <= rank]) / rank
    return {
        "recall": len(hit_ranks) / len(right),
        "precision": len(hit_ranks) / k,
        "ndcg": sum(1 / math.log2(rank + 1) for rank in hit_ranks) / ideal,
        "mrr": 1 / hit_ranks[0] if hit_ranks else 0.0,
        "hit_rate": 1.0 if hit_ranks else 0.0,
        "map": average / min(k, len(right)),
    }


def test_a_list_worked_by_hand() -> None:
    # right: 1, 2, 3, 4; listed: miss, 2, miss, 4, nothing
    found = accuracy(np.array([[9, 2, 8, 4, -1]], np.int32), _sets([{1, 2, 3, 4}]), k=5)
    assert found["recall"][0] == 0.5
    assert found["precision"][0] == pytest.approx(0.4)
    assert found["mrr"][0] == 0.5
    assert found["hit_rate"][0] == 1
    assert found["map"][0] == pytest.approx((1 / 2 + 2 / 4) / 4)
    gained = 0.6309297535714575 + 0.43067655807339306  # 1 / log2(3), 1 / log2(5)
    best = 1 + 0.6309297535714575 + 0.5 + 0.43067655807339306
    assert found["ndcg"][0] == pytest.approx(gained / best)


def test_a_case_without_anything_right_counts_for_nothing() -> None:
    found = accuracy(np.array([[1, 2]], np.int32), _sets([set()]), k=2)
    assert all(np.isnan(found[name][0]) for name in ACCURACY)


def test_a_list_shorter_than_k_has_empty_places() -> None:
    found = accuracy(np.array([[1]], np.int32), _sets([{1, 2}]), k=4)
    assert found["precision"][0] == 0.25
    assert found["map"][0] == 0.5


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, N_TRACKS - 1), unique=True, max_size=8),
            st.sets(st.integers(0, N_TRACKS - 1), min_size=1, max_size=9),
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 10),
)
def test_many_lists_at_once_are_each_as_by_loops(
    cases: list[tuple[list[int], set[int]]], k: int
) -> None:
    lists = np.full((len(cases), 8), -1, np.int32)
    for row, (listed, _) in enumerate(cases):
        lists[row, : len(listed)] = listed
    found = accuracy(lists, _sets([right for _, right in cases]), k=k)
    for row, (listed, right) in enumerate(cases):
        for name, value in _by_loops(listed, right, k).items():
            assert found[name][row] == pytest.approx(value), name


@given(
    st.lists(st.sets(st.integers(0, N_TRACKS - 1)), min_size=1, max_size=6),
    st.lists(st.sets(st.integers(0, N_TRACKS - 1)), min_size=6, max_size=6),
)
def test_sets_behave_as_sets(first: list[set[int]], others: list[set[int]]) -> None:
    ours, theirs = _sets(first), _sets(others[: len(first)])
    left = ours.without(theirs)
    for row, (mine, other) in enumerate(zip(first, others, strict=False)):
        got = left.tracks[left.offsets[row] : left.offsets[row + 1]].tolist()
        assert got == sorted(mine - other)
    turned = ours.take(np.arange(len(first))[::-1])
    assert turned.sizes.tolist() == [len(row) for row in reversed(first)]
    assert ours.rows(0, len(first)).tracks.tolist() == ours.tracks.tolist()
