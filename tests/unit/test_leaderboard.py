"""Leaderboards: right means, honest intervals, best first."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from segue.evaluation.leaderboard import Answers, Leaderboard, answers, leaderboard
from segue.evaluation.splits import Case
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from tests.tiny import NOW, days_ago, history


class _Fixed:
    """Always the same list."""

    def __init__(self, *track_ids: str) -> None:
        self.track_ids = track_ids

    def __call__(self, query: Query, k: int, /) -> Candidates:
        n = min(k, len(self.track_ids))
        return Candidates(
            self.track_ids[:n],
            tuple(float(-i) for i in range(n)),
            (("fixed",),) * n,
            ((Evidence("popular"),),) * n,
        )


def _case(relevant: set[str], user: str = "me", week: int = 0) -> Case:
    return Case(
        user,
        cut=NOW,
        start=NOW + timedelta(weeks=week),
        end=NOW + timedelta(weeks=week + 1),
        history=history([("old", days_ago(2))]),
        known=frozenset({"old"}),
        relevant=frozenset(relevant),
    )


def test_parts_see_only_their_tracks() -> None:
    players = {"good": _Fixed("old", "new", "x"), "bad": _Fixed("x", "y")}
    found = [answers(_case({"old", "new"}), players, k=2)]
    rows = leaderboard(found, ks=[2], n_tracks=10, seed=1)
    board = Leaderboard("s", ("me",), {}, 4, rows)
    assert board.row("good", "all", 2).metrics["recall"].value == 1
    assert board.row("good", "repeats", 2).metrics["precision"].value == 0.5
    assert board.row("good", "discoveries", 2).metrics["mrr"].value == 1
    assert board.row("bad", "all", 2).metrics["hit_rate"].value == 0
    assert [row.model for row in rows if row.part == "all"] == ["good", "bad"]
    assert board.row("good", "all", 2).coverage == 0.2
    json.dumps(board.as_dict(), allow_nan=False)


def test_a_part_with_nothing_relevant_has_no_cases() -> None:
    rows = leaderboard(
        [answers(_case({"new"}), {"m": _Fixed("old")}, k=1)], ks=[1], n_tracks=2, seed=1
    )
    assert {row.part: row.cases for row in rows} == {"all": 1, "repeats": 0, "discoveries": 1}


def test_intervals_hold_the_mean_and_shrink_to_a_point_when_all_agree() -> None:
    cases = [_case({"a"} if week % 2 else {"b"}, week=week) for week in range(12)]
    found = [answers(case, {"m": _Fixed("a"), "sure": _Fixed("a", "b")}, k=2) for case in cases]
    rows = {r.model: r for r in leaderboard(found, ks=[2], n_tracks=2, seed=1) if r.part == "all"}
    unsure = rows["m"].metrics["recall"]
    assert unsure.low < unsure.value == 0.5 < unsure.high
    sure = rows["sure"].metrics["recall"]
    assert sure.low == sure.value == sure.high == 1
    assert leaderboard(found, ks=[2], n_tracks=2, seed=1) == tuple(
        leaderboard(found, ks=[2], n_tracks=2, seed=1)
    )


def test_many_users_are_drawn_whole() -> None:
    found: list[Answers] = []
    for u in range(6):
        for week in range(10):
            case = _case({"a"} if u < 3 else {"z"}, user=f"u{u}", week=week)
            found.append(answers(case, {"m": _Fixed("a")}, k=1))
    (row,) = (r for r in leaderboard(found, ks=[1], n_tracks=2, seed=1) if r.part == "all")
    # sixty weeks would give a narrow interval; six users cannot
    assert row.metrics["recall"].high - row.metrics["recall"].low > 0.5


def test_asking_for_a_row_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        Leaderboard("s", (), {}, 4, ()).row("m", "all", 10)
