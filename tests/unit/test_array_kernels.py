"""Small functions on arrays, each beside a loop that says the same in plain Python."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segue.features.best_allowed import best_allowed
from segue.features.name_lists import GenreLists
from segue.recommenders.incidence import Incidence, places_of
from segue.recommenders.ranking import few_of_each

small = st.lists(st.integers(0, 9), max_size=60)


@given(small, st.integers(0, 4))
def test_few_of_each(keys: list[int], most: int) -> None:
    count: Counter[int] = Counter()
    expected = []
    for key in keys:
        expected.append(count[key] < most)
        count[key] += 1
    assert few_of_each(np.array(keys, np.int64), most).tolist() == expected


@given(
    st.lists(st.integers(0, 1 << 20), max_size=80), st.lists(st.integers(0, 1 << 20), max_size=9)
)
def test_places_of(values: list[int], wanted: list[int]) -> None:
    wanted += values[::7] + [value ^ (1 << 18) for value in values[::5]]  # same low bits, too
    expected = [place for place, value in enumerate(values) if value in wanted]
    found = places_of(np.array(values, np.int32), np.array(wanted, np.int64))
    assert found.tolist() == expected


@given(
    st.lists(st.tuples(st.integers(-3, 9), st.booleans()), max_size=80),
    st.integers(0, 12),
    st.sampled_from([-np.inf, -1.0, 0.0, 4.0]),
)
def test_best_allowed(pairs: list[tuple[int, bool]], count: int, above: float) -> None:
    values = np.array([float(value) for value, _ in pairs])
    free = np.array([flag for _, flag in pairs], bool)
    found = best_allowed(values, count, above=above, allowed=lambda at: free[at]).tolist()
    fitting = [i for i in range(len(pairs)) if free[i] and values[i] > above]
    assert set(found) <= set(fitting)
    assert found == sorted(found)
    bar = sorted((values[i] for i in fitting), reverse=True)[:count]
    if count:  # the best, and all that are tied with the last of them
        assert {i for i in fitting if not bar or values[i] >= bar[-1]} <= set(found)


@given(st.lists(st.lists(st.integers(0, 4), max_size=3), max_size=12))
def test_the_highest_of_every_track(genres: list[list[int]]) -> None:
    values = np.array([0.3, -1.0, 0.0, 0.9, 0.5])
    offsets = np.cumsum([0, *map(len, genres)])
    codes = np.array([code for some in genres for code in some], np.int32)
    lists = GenreLists(("a", "b", "c", "d", "e"), offsets, codes)
    expected = [max([0.0, *(values[code] for code in some)]) for some in genres]
    assert lists.highest(values).tolist() == expected
    assert lists.highest_at(np.arange(len(lists)), values).tolist() == expected


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 5)), max_size=30))
def test_how_many_rows_hold_two_columns(pairs: set[tuple[int, int]]) -> None:
    rows, columns = (np.array([pair[side] for pair in sorted(pairs)], np.int64) for side in (0, 1))
    held = Incidence.of_pairs(rows, columns, n_rows=8, n_columns=6)
    one, other = (each.ravel() for each in np.meshgrid(np.arange(6), np.arange(6)))
    by_column = [{row for row, column in pairs if column == wanted} for wanted in range(6)]
    expected = [len(by_column[a] & by_column[b]) for a, b in zip(one, other, strict=True)]
    assert held.both(one, other).tolist() == expected
