"""Time splits: what is known, what is held out, and that the two never touch."""

from __future__ import annotations

from datetime import timedelta

import pytest

from segue.evaluation.splits import split
from tests.tiny import NOW, days_ago, log, plays


def test_the_last_four_weeks_are_four_cases() -> None:
    table = plays(("me", f"t{day % 40:02}", days_ago(day)) for day in range(200))
    found = split(table, ["me"], weeks=4)
    assert [case.end - case.start for case in found.cases] == [timedelta(days=7)] * 4
    assert found.cases[0].cut == found.cases[0].start == NOW - timedelta(days=28)
    assert found.cases[-1].end == NOW
    assert found.cuts == (NOW - timedelta(days=28),)
    for case in found.cases:
        assert case.history["played_at"].to_pylist()[-1] <= case.start
        assert len(case.relevant) == 7


def test_a_short_history_holds_out_its_last_fifth() -> None:
    table = plays(("me", "t0", days_ago(day)) for day in range(11))
    (case,) = split(table, ["me"], weeks=4).cases
    assert case.cut == NOW - timedelta(days=2)
    assert case.relevant == case.repeats == {"t0"}
    assert not case.discoveries


def test_repeats_and_discoveries_part_what_was_played() -> None:
    old = [("me", "old", days_ago(100 + day)) for day in range(20)]
    new = [("me", "old", days_ago(3)), ("me", "new", days_ago(2)), ("me", "new", days_ago(0))]
    cases = split(plays([*old, *new]), ["me"], weeks=1).cases
    assert [(set(c.repeats), set(c.discoveries)) for c in cases] == [({"old"}, {"new"})]


def test_what_was_skipped_is_not_relevant() -> None:
    table = plays((("me", "t0", days_ago(day)) for day in range(60)), counted=False)
    found = split(table, ["me"])
    assert not found.cases
    assert "me" in found.left_out


def test_too_few_plays_are_left_out_with_the_reason() -> None:
    found = split(plays([("me", "t0", NOW)]), ["me"])
    assert found.left_out == {"me": "1 plays are too few"}


def test_many_users_share_one_cut() -> None:
    rows = [
        (f"u{u}", f"t{day}", days_ago(day + 40 * (u == 4)))
        for u in range(5)
        for day in range(0, 90, 3)
    ]
    found = split(plays(rows), [f"u{u}" for u in range(5)], weeks=4)
    assert found.cuts == (NOW - timedelta(days=28),)
    assert set(found.left_out) == {"u4"}  # stopped before the cut


@pytest.mark.parametrize("weeks", [0.5, 1, 6])
def test_any_number_of_weeks(weeks: float) -> None:
    table = plays(("me", "t0", days_ago(day / 4)) for day in range(1200))
    cases = split(table, ["me"], weeks=weeks).cases
    assert cases[0].start == NOW - timedelta(weeks=weeks)
    assert len(cases) == max(1, round(weeks))


def test_a_question_knows_what_was_said_by_its_moment() -> None:
    table = plays(("me", f"t{day % 3}", days_ago(day)) for day in range(200))
    said = log([("me", "like", "t0", 20), ("me", "not_me", "t1", 10), ("me", "hide", "t2", 0)])
    cases = split(table, ["me"], weeks=4, feedback=said).cases
    verbs = [case.feedback["verb"].to_pylist() for case in cases]
    assert verbs == [[], [], ["like"], ["like"]]  # asked 28, 21, 14 and 7 days ago
    before = ["t1" in case.known for case in cases]
    assert before == [True, True, True, True]
    plays_of_t1 = [case.history["track_id"].to_pylist().count("t1") for case in cases]
    assert plays_of_t1[2] > 20 > plays_of_t1[3]  # left out once it was said
    assert ["t1" in case.relevant for case in cases] == [False, False, True, True]


def test_what_is_said_after_a_question_does_not_change_it() -> None:
    table = plays(("me", f"t{day % 3}", days_ago(day)) for day in range(90))
    later = log([("me", verb, "t0", -1) for verb in ("like", "hide", "less", "known")])
    for with_it, without in zip(
        split(table, ["me"], feedback=later).cases, split(table, ["me"]).cases, strict=True
    ):
        assert with_it == without
