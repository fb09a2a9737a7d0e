"""Splits of data sets: every rule on tables whose answer is plain, and no rule looks ahead."""

from __future__ import annotations

import numpy as np
import pytest

from segue.errors import ConfigError
from segue.evaluation.data_splits import GAP, TEST, TRAIN, VALID, SplitRule, parts_of
from segue.evaluation.folds import session_fold, user_fold
from segue.features.listens import training_part
from tests.data_sets import listens

DAY = 86_400.0


@pytest.mark.parametrize(
    ("n", "expected"),
    [  # of n tracks: learned from, validated, tested, as RecBole rounds
        (1, (1, 0, 0)),
        (2, (1, 0, 1)),
        (3, (1, 1, 1)),
        (9, (7, 1, 1)),
        (10, (8, 1, 1)),
        (19, (17, 1, 1)),
        (20, (16, 2, 2)),
        (50, (40, 5, 5)),
    ],
)
def test_random_parts_are_rounded_as_published(n: int, expected: tuple[int, int, int]) -> None:
    data = listens([("u", f"t{i:02}") for i in range(n)] + [("v", f"t{i:02}") for i in range(50)])
    parts = parts_of(data, SplitRule("random"), 3)[:n]
    assert tuple(int((parts == part).sum()) for part in (TRAIN, VALID, TEST)) == expected


def test_all_plays_of_a_track_go_together() -> None:
    data = listens([("u", f"t{i % 10}") for i in range(40)] + [("v", f"t{i}") for i in range(10)])
    parts = parts_of(data, SplitRule("random"), 1)
    for track in range(10):
        assert len(set(parts[:40][data.tracks[:40] == track])) == 1
    assert not np.array_equal(parts, parts_of(data, SplitRule("random"), 2))
    assert np.array_equal(parts, parts_of(data, SplitRule("random"), 1))


def test_the_last_of_each_listener() -> None:
    rows = [("u", f"t{i}", DAY * i) for i in (3, 0, 2, 1)] + [("v", "t0", 0.0), ("v", "t1", DAY)]
    parts = parts_of(listens(rows), SplitRule("leave-last", last=1), 0)
    assert parts.tolist() == [TEST, TRAIN, VALID, TRAIN, TRAIN, TRAIN]  # v has too few


def test_one_moment_for_everybody_and_a_gap_before_it() -> None:
    data = listens([("u", f"t{i}", DAY * i) for i in range(20)])
    parts = parts_of(data, SplitRule("time", hold_out=0.2), 0)
    assert parts.tolist() == [TRAIN] * 12 + [VALID] * 4 + [TEST] * 4
    apart = parts_of(data, SplitRule("time", hold_out=0.2, gap_days=2), 0)
    assert (apart == GAP).sum() == 4
    assert (data.at[apart == TEST].min() - data.at[apart == VALID].max()) / DAY > 2


def test_whole_sessions_in_order_or_drawn() -> None:
    data = listens([(f"s{i}", f"t{j}") for i in range(20) for j in range(3)], sessions=True)
    last = parts_of(data, SplitRule("sessions", hold_out=0.1), 0)
    assert last.tolist() == [TRAIN] * 48 + [VALID] * 6 + [TEST] * 6
    drawn = parts_of(data, SplitRule("sessions", hold_out=0.1, by="random"), 0)
    assert (drawn == TEST).sum() == 6
    assert all(len(set(drawn[data.runs == run])) == 1 for run in range(20))


def test_given_parts_are_taken_as_they_are() -> None:
    data = listens([("u", "a"), ("u", "b"), ("u", "c")], part=[0, 1, 2])
    assert parts_of(data, SplitRule("files"), 0).tolist() == [TRAIN, VALID, TEST]


@pytest.mark.parametrize("name", ["leave-last", "time", "files", "sessions"])
def test_data_that_cannot_be_split_so_are_refused(name: str) -> None:
    data = listens([("u", f"t{i}") for i in range(10)])
    with pytest.raises(ConfigError) as refused:
        parts_of(data, SplitRule(name), 0)  # type: ignore[arg-type]  # one of the names
    assert refused.value.cure


def test_a_share_that_cannot_be_held_out() -> None:
    with pytest.raises(ConfigError, match="hold-out"):
        SplitRule("random", hold_out=0.7)


def test_at_test_validation_is_no_answer_and_not_known() -> None:
    data = listens([("u", "a"), ("u", "b"), ("u", "c"), ("v", "c")], part=[0, 1, 2, 0])
    fold = user_fold(data, SplitRule("files"), seed=0, stage="test")
    assert fold.histories.matrix.toarray().tolist() == [[1, 0, 0]]
    assert fold.masked.tracks.tolist() == [1]
    assert fold.relevant.tracks.tolist() == [2]
    valid = user_fold(data, SplitRule("files"), seed=0, stage="valid")
    assert valid.relevant.tracks.tolist() == [1]
    assert len(valid.masked.tracks) == 0


def test_what_was_known_before_is_right_only_where_repeats_count() -> None:
    rows = [("u", "a", 0.0), ("u", "b", DAY), ("u", "a", 2 * DAY), ("u", "c", 3 * DAY)]
    data = listens([*rows, ("v", "c", 0.0)], part=[0, 0, 2, 2, 0])
    rule = SplitRule("files")
    assert user_fold(data, rule, seed=0, stage="test").relevant.tracks.tolist() == [2]
    both = user_fold(data, rule, seed=0, stage="test", repeats=True)
    assert both.relevant.tracks.tolist() == [0, 2]


def test_every_beginning_of_a_session_is_a_case() -> None:
    sessions = [["a", "b", "c"], ["b", "c"], ["c", "a", "new", "b"], ["a"]]
    rows = [(f"s{i}", track) for i, tracks in enumerate(sessions) for track in tracks]
    data = listens(rows, sessions=True, part=[0] * 5 + [2] * 5)
    fold = session_fold(data, SplitRule("sessions", hold_out=0.1), seed=0, stage="test")
    (block,) = fold.blocks()
    assert len(fold) == 2  # c -> a, c a -> b; “new” is taken out, and one track has no next
    assert [
        block.sessions.tracks[a:b].tolist()
        for a, b in zip(block.sessions.offsets[:-1], block.sessions.offsets[1:], strict=True)
    ] == [[2], [2, 0]]
    assert block.targets.tolist() == [0, 1]
    assert (fold.n_plays, fold.n_unseen, fold.n_held_out) == (5, 1, 2)
    kept = session_fold(
        data, SplitRule("sessions", hold_out=0.1), seed=0, stage="test", unseen="keep"
    )
    assert len(kept) == 3


def test_blocks_of_any_size_hold_the_same_cases() -> None:
    data = listens([(f"s{i}", f"t{j}") for i in range(9) for j in range(i + 1)], sessions=True)
    rule = SplitRule("sessions", hold_out=0.4)
    fold = session_fold(data, rule, seed=0, stage="test", unseen="keep")
    whole = [block.targets for block in fold.blocks()]
    for size in (1, 2, 7):
        parts = [block.targets for block in fold.blocks(size)]
        assert np.array_equal(np.concatenate(parts), np.concatenate(whole))


def test_a_held_out_play_does_not_join_two_sessions_of_training() -> None:
    minutes = [0, 20, 40, 60, 200]
    data = listens([("u", f"t{i}", 60.0 * at) for i, at in enumerate(minutes)])
    assert data.runs.tolist() == [0, 0, 0, 0, 1]
    known = np.array([True, True, False, True, True])
    assert data.runs_among(known).tolist() == [0, 0, -1, 1, 2]
    sessions = training_part(data, known).sessions
    assert [int(n) for n in np.diff(sessions.offsets)] == [2, 1, 1]
    assert sessions.ended_at.tolist() == [1200, 3600, 12_000]


def test_a_beginning_ends_with_its_last_play() -> None:
    rows = [(name, f"t{i}", 1e5 * n + 60.0 * i) for n, name in enumerate("uvw") for i in range(3)]
    rule = SplitRule("sessions", hold_out=0.3)
    (block,) = session_fold(listens(rows), rule, seed=0, stage="test").blocks()
    assert block.sessions.ended_at.tolist() == [200_000, 200_060]


def test_histories_keep_their_times() -> None:
    rows = [("u", "b", DAY), ("u", "a", 0.0), ("u", "c", 3 * DAY), ("v", "c", 0.0)]
    data = listens(rows, part=[0, 0, 2, 0])
    fold = user_fold(data, SplitRule("files"), seed=0, stage="test")
    assert fold.plays is not None
    assert fold.plays.tracks.tolist() == [0, 1]
    assert fold.plays.at.tolist() == [0.0, DAY]


def test_files_without_validation_have_it_drawn_from_training() -> None:
    rows = [("u", f"t{i:02}") for i in range(30)] + [("v", "t00")]
    data = listens(rows, part=[0] * 20 + [2] * 10 + [0])
    fold = user_fold(data, SplitRule("files"), seed=3, stage="valid")
    assert len(fold.relevant.tracks) == 2
    assert set(fold.relevant.tracks.tolist()) < set(range(20))
    assert fold.histories.matrix.nnz == 18
    assert len(fold.masked.tracks) == 0
    tested = user_fold(data, SplitRule("files"), seed=3, stage="test")
    assert tested.relevant.tracks.tolist() == list(range(20, 30))
    assert tested.histories.matrix.nnz == 20
