"""What listening and feedback say of a track, on histories judged by eye."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from segue.features.catalogue import Catalogue
from segue.features.listening import Listening, listening
from segue.features.spoken import Said
from segue.music.query import Query
from tests.tiny import NOW, days_ago, history, said, tracks

ROWS = tracks({"track_id": t, "artist_id": f"a-{a}"} for t, a in zip("ABCD", "xxyz", strict=True))


def _heard(plays: list[tuple[str, datetime]], words: list[tuple[str, str, datetime]]) -> Listening:
    asked = Query("me", NOW, history=history(plays), feedback=said(words))
    return listening(asked, Catalogue(ROWS))


def test_a_like_counts_as_five_finished_plays() -> None:
    heard = _heard([("A", NOW), ("B", NOW)], [("like", "A", NOW)])
    assert heard.affinity() == pytest.approx([6.0, 1.0])
    aged = _heard([("A", NOW), ("B", NOW)], [("like", "A", days_ago(180))])
    assert aged.affinity() == pytest.approx([3.5, 1.0])


def test_a_liked_track_that_was_never_played_is_known_and_liked() -> None:
    heard = _heard([("A", NOW)], [("like", "C", NOW)])
    assert heard.rows.tolist() == [0, 2]
    assert heard.plays.tolist() == [1, 0]
    assert heard.liked.tolist() == [False, True]
    assert heard.affinity() == pytest.approx([1.0, 5.0])
    assert heard.taken_up() == pytest.approx([1.0, 1.0])
    assert heard.last_at.tolist() == [NOW.timestamp()] * 2


def test_feedback_alone_is_enough() -> None:
    heard = _heard([], [("like", "C", days_ago(3)), ("less", "D", days_ago(3))])
    assert heard.affinity() == pytest.approx([5.0, -2.0])
    assert heard.taken_up() == pytest.approx([1.0, -1.0])


def test_less_makes_liking_negative_and_lowers_the_artist() -> None:
    plays = [(track, NOW) for track in "AAABCC"]
    heard = _heard(plays, [("less", "A", NOW)])
    assert heard.affinity() == pytest.approx([-2.0, 0.7, 2.0])  # B is by A's artist
    assert heard.taken_up() == pytest.approx([-1.0, 0.7, 1.0])


def test_less_of_an_artist_leaves_a_quarter() -> None:
    heard = _heard([("A", NOW), ("C", NOW)], [("less", "a-x", NOW)])
    assert heard.affinity() == pytest.approx([0.25, 1.0])


def test_known_changes_no_liking() -> None:
    heard = _heard([("A", NOW)], [("known", "B", NOW)])
    assert heard.rows.tolist() == [0, 1]
    assert heard.affinity() == pytest.approx([1.0, 0.0])
    assert heard.taken_up() == pytest.approx([1.0, 0.0])


def test_hidden_tracks_and_resting_ones_are_barred() -> None:
    words = [("hide", "A", days_ago(900)), ("less", "B", days_ago(89)), ("less", "C", days_ago(90))]
    heard = _heard([], words)
    assert heard.barred(NOW.timestamp()).tolist() == [True, True, False]


def test_the_latest_word_stands_and_what_is_said_later_does_not_count() -> None:
    words = [("like", "A", days_ago(9)), ("less", "A", days_ago(2)), ("like", "A", days_ago(5))]
    later = ("hide", "A", NOW + timedelta(seconds=1))
    assert _heard([], [*words, later]).said.tolist() == [Said.LESS]


def test_words_of_unknown_tracks_and_unknown_words_are_passed_over() -> None:
    heard = _heard([("A", NOW)], [("like", "Z", NOW), ("adore", "B", NOW)])
    assert heard.rows.tolist() == [0]
    assert heard.said.tolist() == [Said.NOTHING]


def test_the_same_history_with_other_feedback_is_counted_anew() -> None:
    catalogue, plays = Catalogue(ROWS), history([("A", NOW)])
    first = listening(Query("me", NOW, history=plays), catalogue)
    second = listening(
        Query("me", NOW, history=plays, feedback=said([("like", "A", NOW)])), catalogue
    )
    assert not first.liked.any()
    assert np.flatnonzero(second.liked).tolist() == [0]


def test_a_listening_that_is_kept_is_found_at_other_moments_too() -> None:
    catalogue = Catalogue(ROWS)
    plays, words = history([("A", days_ago(9)), ("B", days_ago(2))]), said([("like", "A", NOW)])
    asked = Query("me", NOW, history=plays, feedback=words)
    kept = listening(asked, catalogue)
    listening(Query("you", NOW, history=history([("C", NOW)])), catalogue)
    assert listening(replace(asked, now=NOW + timedelta(days=1)), catalogue) is kept
    assert listening(asked, catalogue) is kept
    earlier = listening(replace(asked, now=days_ago(3)), catalogue)
    assert earlier.rows.tolist() == [0]
    assert not earlier.liked.any()
    assert listening(replace(asked, now=days_ago(2)), catalogue).rows.tolist() == [0, 1]
    assert listening(asked, catalogue).liked.tolist() == [True, False]


def test_what_was_made_of_a_listener_goes_with_the_listening() -> None:
    catalogue = Catalogue(ROWS)
    asked = Query("me", NOW, history=history([("A", NOW)]))
    heard = listening(asked, catalogue)
    model, other = object(), object()
    assert heard.remembered("taste", "discover", of=model, make=lambda: 1) == 1
    assert heard.remembered("taste", "discover", of=model, make=lambda: 2) == 1
    assert heard.remembered("taste", "daily", of=model, make=lambda: 3) == 3
    assert heard.remembered("taste", "discover", of=other, make=lambda: 4) == 4
    del heard
    listening(Query("you", NOW, history=history([("C", NOW)])), catalogue)
    again = listening(asked, catalogue)
    assert again.remembered("taste", "daily", of=model, make=lambda: 5) == 5


def test_strangers_are_all_alike() -> None:
    catalogue = Catalogue(ROWS)
    first = listening(Query(None, NOW, history=history([])), catalogue)
    listening(Query("me", NOW, history=history([("A", NOW)])), catalogue)
    assert listening(Query("you", days_ago(9), history=history([])), catalogue) is first
    assert not len(first)


def test_plays_without_a_time_and_later_ones_do_not_count() -> None:
    plays = history([("A", days_ago(2)), ("B", NOW + timedelta(seconds=1)), ("C", NOW)])
    column = plays.schema.get_field_index("played_at")
    at = pa.array([None, *plays["played_at"].to_pylist()[1:]], plays.schema.field(column).type)
    plays = plays.set_column(column, plays.schema.field(column), at)
    heard = listening(Query("me", NOW, history=plays), Catalogue(ROWS))
    assert heard.rows.tolist() == [2]
    assert heard.plays.tolist() == [1]
