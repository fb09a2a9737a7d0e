"""Few requests lead from one playlist to another, and to nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.playlists.difference import difference
from segue.playlists.edits import Add, Edit, Move, Put, Remove, after

keys = st.lists(st.sampled_from("abcdefghij"), max_size=14)


def sizes(edits: tuple[Edit, ...]) -> list[int]:
    return [len(edit.keys) for edit in edits if isinstance(edit, Add | Put | Remove)]


@settings(max_examples=400)
@given(keys, keys, st.integers(1, 5))
def test_the_plan_leads_there(have: list[str], want: list[str], at_once: int) -> None:
    plan = difference(have, want, at_once=at_once)
    assert after(have, plan) == want
    assert all(size <= at_once for size in sizes(plan))
    assert len(plan) <= max(1, -(-len(want) // at_once))
    assert bool(plan) == (have != want)


@settings(max_examples=200)
@given(st.permutations(range(12)), st.integers(0, 12), st.integers(1, 4))
def test_any_order(order: list[int], first: int, at_once: int) -> None:
    have, want = [str(n) for n in order[first:]], [str(n) for n in range(12)]
    assert after(have, difference(have, want, at_once=at_once)) == want


def test_what_cannot_be_taken_out_leaves_when_all_is_written() -> None:
    assert difference(["x", "local"], ["x"], stuck={"local"}) == (Put(("x",)),)


def test_small_changes_by_eye() -> None:
    have = [f"t{n}" for n in range(300)]
    assert difference(have, [*have, "new"]) == (Add(("new",), 300),)
    assert difference(have, have[1:]) == (Remove(("t0",)),)
    assert difference(have, [*have[1:], "t0"]) == (Move(0, 300, 1),)
    assert difference(have, [*have[200:], *have[:200]]) in (
        (Move(0, 300, 200),),
        (Move(200, 0, 100),),
    )
    assert difference(have, []) == (Put(()),)


@pytest.mark.parametrize(
    ("change", "fewest"),
    [("append 500", 5), ("swap halves", 1), ("scatter 300", 6), ("shuffle", 100), ("weed 500", 5)],
)
def test_ten_thousand_tracks_take_at_most_twice_the_fewest(change: str, fewest: int) -> None:
    chance = random.Random(7)
    have = [f"t{n:05d}" for n in range(10_000)]
    want = list(have)
    if change == "append 500":
        want = have[500:] + [f"n{n}" for n in range(500)]
        fewest += 5
    elif change == "swap halves":
        want = have[5_000:] + have[:5_000]
    elif change == "scatter 300":  # three thick places, a hundred replaced in each
        for start in (1_000, 4_000, 9_000):
            want[start : start + 100] = [f"n{start}-{n}" for n in range(100)]
    elif change == "shuffle":
        chance.shuffle(want)
    else:
        want = sorted(chance.sample(have, 9_500))
    plan = difference(have, want)
    assert after(have, plan) == want
    assert len(plan) <= 2 * fewest
