"""Interleaving is fair, and a winner is named only where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from bench.compare_power import first_verdict
from hypothesis import given
from hypothesis import strategies as st

from segue.evaluation.preference import Impression, preference
from segue.evaluation.team_draft import Team, team_draft

NAMES: dict[Team, str] = {"a": "als", "b": "popular"}


def test_two_captains_pick_in_turn() -> None:
    picks = team_draft("pqrs", "wxyz", 6, rng=Random(1))
    assert [pick.round for pick in picks] == [0, 0, 1, 1, 2, 2]
    assert [p.track_id for p in picks if p.team == "a"] == ["p", "q", "r"]
    assert [p.track_id for p in picks if p.team == "b"] == ["w", "x", "y"]


def test_a_shared_track_is_taken_once() -> None:
    picks = team_draft("pq", "pr", 4, rng=Random(3))
    taken = [pick.track_id for pick in picks]
    assert taken[0] == "p"
    # whoever came second in the first round had to take its second best
    assert len(taken) == len(set(taken)) == (2 if len(taken) < 4 else 4)
    assert all(pick.track_id == ("pq" if pick.team == "a" else "pr")[pick.row] for pick in picks)


@given(
    st.lists(st.integers(0, 30), unique=True, max_size=20),
    st.lists(st.integers(0, 30), unique=True, max_size=20),
    st.integers(0, 25),
    st.integers(),
)
def test_teams_are_equal_in_number_and_each_pick_was_the_best_left(
    first: list[int], second: list[int], size: int, seed: int
) -> None:
    a, b = [str(n) for n in first], [str(n) for n in second]
    picks = team_draft(a, b, size, rng=Random(seed))
    assert len(picks) <= size
    assert len({pick.track_id for pick in picks}) == len(picks)
    number = {team: sum(pick.team == team for pick in picks) for team in "ab"}
    assert abs(number["a"] - number["b"]) <= (len(picks) == size and size % 2)
    taken: set[str] = set()
    for pick in picks:
        own = a if pick.team == "a" else b
        assert set(own[: pick.row]) <= taken
        taken.add(pick.track_id)


def test_neither_team_has_the_better_places() -> None:
    first = sum(team_draft("pq", "wx", 2, rng=Random(s))[0].team == "a" for s in range(2000))
    assert 900 < first < 1100


def test_what_does_not_fit_is_passed_over() -> None:
    def one_of_each_letter(track: str, taken: Sequence[str]) -> bool:
        return track[0] not in {other[0] for other in taken}

    a, b = ["p1", "p2", "q1", "t1"], ["p3", "r1", "q2", "s1"]
    picks = team_draft(a, b, 4, rng=Random(0), fits=one_of_each_letter)
    letters = [pick.track_id[0] for pick in picks]
    assert len(letters) == len(set(letters)) == 4


def _heard(outcomes: Sequence[tuple[str, str]]) -> list[Impression]:
    """A playlist each; finished, played, skipped, liked, disliked, or not touched."""
    teams: tuple[Team, Team] = ("a", "b")
    facts: dict[str, dict[str, Any]] = {
        "f": {"plays": 1, "finishes": 1},
        "p": {"plays": 1},
        "s": {"skips": 1},
        "l": {"likes": 1},
        "d": {"dislikes": 1, "plays": 2, "finishes": 2},
        "-": {},
    }
    return [
        Impression(f"p{n}", n, team, **facts[what])
        for n, both in enumerate(outcomes)
        for team, what in zip(teams, both, strict=True)
    ]


@pytest.mark.parametrize(
    ("better", "worse"), [("l", "f"), ("f", "p"), ("p", "-"), ("-", "s"), ("s", "d")]
)
def test_a_pair_goes_to_what_was_received_better(better: str, worse: str) -> None:
    found = preference(_heard([(better, worse)] * 3 + [(worse, better)]), NAMES)
    assert found.wins == {"a": 3, "b": 1}


def test_tallies_and_odds_by_hand() -> None:
    found = preference(_heard([("f", "-"), ("l", "s"), ("s", "f"), ("-", "-")]), NAMES)
    assert (found.playlists, found.heard, found.ties) == (4, 3, 1)
    assert found.wins == {"a": 2, "b": 1}
    a = found.teams["a"]
    assert (a.impressions, a.plays, a.finishes, a.skips, a.likes) == (4, 1, 1, 1, 1)
    assert a.rate.value == 0.5
    assert found.difference.value == 0.25
    assert found.share.value == pytest.approx(3 / 5)
    assert found.odds == pytest.approx(2 / 24 * 8)  # B(3, 2) · 2³ = 2! · 1! / 4! · 8
    assert found.winner is None
    assert found.verdict.startswith("not enough yet: als won 2 of 3")


def test_nothing_heard_is_not_enough() -> None:
    for impressions in ([], _heard([("-", "-")] * 9), _heard([("f", "-")] * 2)):
        found = preference(impressions, NAMES)
        assert found.winner is None
        assert found.verdict.startswith("not enough yet:")
        assert found.difference.low <= found.difference.value <= found.difference.high


def test_eight_clear_pairs_are_enough_and_seven_are_not() -> None:
    assert preference(_heard([("f", "-")] * 7), NAMES).winner is None
    found = preference(_heard([("f", "-")] * 8), NAMES)
    assert found.winner == "a"
    assert found.verdict.startswith("als is better")
    assert preference(_heard([("-", "f")] * 8), NAMES).winner == "b"
    assert preference(_heard([("f", "-")] * 5000), NAMES).winner == "a"


# --- simulated listeners -------------------------------------------------------------------------


def test_the_better_one_is_found() -> None:
    named = [first_verdict(Random(seed), {"a": 0.8, "b": 0.2}, 26) for seed in range(40)]
    assert sum(one is not None and one[0] == "a" for one in named) >= 38
    assert not [one for one in named if one is not None and one[0] == "b"]


def test_equals_have_no_winner_however_often_one_looks() -> None:
    named = [first_verdict(Random(seed), {"a": 0.5, "b": 0.5}, 26) for seed in range(100)]
    assert sum(one is not None for one in named) <= 5  # one in 20, by Ville's inequality
