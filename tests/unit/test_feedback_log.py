"""What stands of what was said, and which plays are left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.features.feedback_log import standing, without_not_me
from segue.features.from_marts import training_data
from tests.tiny import NOW, Word, days_ago, log, plays, tracks


def stands(words: Sequence[Word], until: datetime | None = None) -> dict[str, str]:
    rows = standing(log(words), "ann", until).to_pylist()
    return {row["track_id"] or row["artist_id"]: row["verb"] for row in rows}


def test_the_latest_word_stands() -> None:
    words: list[Word] = [
        ("ann", "like", "x", 5),
        ("ann", "less", "x", 4),
        ("ann", "hide", "y", 3),
        ("bob", "like", "y", 2),
        ("ann", "less", "a-z", 1),
    ]
    assert stands(words) == {"x": "less", "y": "hide", "a-z": "less"}
    assert stands(words, days_ago(4.5)) == {"x": "like"}


def test_undo_takes_back_the_word_on_the_same_thing_only() -> None:
    words: list[Word] = [
        ("ann", "hide", "x", 5),
        ("ann", "hide", "a-x", 5),
        ("ann", "undo", "x", 4),
    ]
    assert stands(words) == {"a-x": "hide"}
    assert stands([*words, ("ann", "like", "x", 3)]) == {"a-x": "hide", "x": "like"}


def test_not_me_is_no_opinion() -> None:
    assert stands([("ann", "like", "x", 5), ("ann", "not_me", "x", 4)]) == {"x": "like"}


PLAYED = plays(
    [
        ("ann", "x", days_ago(10)),
        ("ann", "y", days_ago(9)),
        ("ann", "x", days_ago(1)),
        ("bob", "x", days_ago(10)),
    ]
)


def left(words: pa.Table, until: datetime | None = None) -> list[tuple[str, str, datetime]]:
    rows = without_not_me(PLAYED, words, until).to_pylist()
    return [(row["user_id"], row["track_id"], row["played_at"]) for row in rows]


def test_plays_that_are_not_mine_are_left_out() -> None:
    of_track = log([("ann", "not_me", "x", 5)])
    assert left(of_track) == [
        ("ann", "y", days_ago(9)),
        ("ann", "x", days_ago(1)),  # later than the word
        ("bob", "x", days_ago(10)),
    ]
    assert len(left(of_track, days_ago(6))) == 4
    span = log([("ann", "not_me", None, 0)], since=days_ago(9.5), until=days_ago(0.5))
    assert left(span) == [("ann", "x", days_ago(10)), ("bob", "x", days_ago(10))]


def test_the_latest_word_on_a_play_decides() -> None:
    undone = log([("ann", "not_me", None, 3), ("ann", "undo", "x", 2)], since=days_ago(11))
    assert left(undone) == [
        ("ann", "x", days_ago(10)),
        ("ann", "x", days_ago(1)),
        ("bob", "x", days_ago(10)),
    ]
    artist = log([("ann", "not_me", "x", 3), ("ann", "undo", "a-x", 2)])
    assert len(left(artist)) == 3  # an artist is not plays


def test_not_me_is_not_learned_from() -> None:
    table = tracks({"track_id": t} for t in "xy")
    words = log([("ann", "not_me", "x", 0)])
    data = training_data(table, PLAYED, feedback=words, as_of=NOW)
    kept = PLAYED.filter(
        pa.compute.invert(
            pa.compute.and_(
                pa.compute.equal(PLAYED["user_id"], "ann"),
                pa.compute.equal(PLAYED["track_id"], "x"),
            )
        )
    )
    same = training_data(table, kept, as_of=NOW)
    assert (data.interactions.matrix != same.interactions.matrix).nnz == 0
    assert data.sessions.tracks.tolist() == same.sessions.tracks.tolist()
    assert data.trend.tolist() == same.trend.tolist()
    before = training_data(table, PLAYED, feedback=words, as_of=days_ago(0.5))
    assert before.interactions.matrix.sum() == 4


@given(
    st.lists(
        st.tuples(
            st.just("ann"),
            st.sampled_from(["like", "less", "known", "hide", "not_me"]),
            st.sampled_from(["x", "y", "a-x"]),
            st.floats(1, 9),
        ),
        max_size=6,
    ),
    st.sampled_from(["like", "less", "known", "hide", "not_me"]),
)
def test_undoing_all_is_as_if_nothing_had_been_said(words: list[Word], verb: str) -> None:
    said = sorted([*words, ("ann", verb, "x", 5.0)], key=lambda word: -word[3])
    undone: list[Word] = [("ann", "undo", about, 0.0) for about in ("x", "y", "a-x")]
    table = log([*said, *undone])
    assert standing(table, "ann").num_rows == 0
    assert without_not_me(PLAYED, table).equals(PLAYED)


@pytest.mark.parametrize("verb", ["not_me", "like"])
def test_nothing_played_and_nothing_said(verb: str) -> None:
    assert without_not_me(PLAYED.slice(0, 0), log([("ann", verb, "x", 0)])).num_rows == 0
    assert without_not_me(PLAYED, log([])).equals(PLAYED)
    assert standing(log([]), "ann").num_rows == 0
