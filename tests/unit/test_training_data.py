"""From marts to matrices: who counts, what counts, and until when."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa

from segue.features.from_marts import training_data
from tests.tiny import NOW, crowd, crowd_sessions, days_ago, mart, plays, tracks

TRACKS = tracks({"track_id": t} for t in ("t0", "t1", "t2"))


def test_counted_plays_by_user_and_track() -> None:
    heard = plays([("b", "t1", days_ago(1)), ("a", "t0", days_ago(2)), ("a", "t0", days_ago(3))])
    data = training_data(TRACKS, heard, crowd([("x", "t2", "a", 4.0)]), as_of=NOW)
    assert data.interactions.user_ids.tolist() == ["a", "b", "crowd:c:x"]
    assert data.interactions.matrix.toarray().tolist() == [[2, 0, 0], [0, 1, 0], [0, 0, 4]]
    assert data.local_users == ("a", "b")


def test_only_training_sources_are_learned_from() -> None:
    export = plays([("a", "t0", days_ago(1))])
    live = plays([("a", "t1", days_ago(1)), ("z", "t1", days_ago(1))], source="spotify_api")
    both = pa.concat_tables([export, live])
    data = training_data(TRACKS, both, training_sources=["spotify_export"], as_of=NOW)
    assert data.interactions.matrix.toarray().tolist() == [[1, 0, 0]]
    assert len(data.sessions) == 1
    assert data.trend.tolist() == [1, 0, 0]
    assert data.local_users == ("a",)


def test_nothing_later_than_as_of() -> None:
    later = NOW + timedelta(seconds=1)
    heard = plays([("a", "t0", NOW), ("a", "t1", later)])
    counts = mart(
        "crowd_counts",
        [
            {"crowd": "c", "listener_id": "x", "track_id": t, "plays": 1.0, "last_played_at": at}
            for t, at in (("t0", NOW), ("t1", later), ("t2", None))
        ],
    )
    data = training_data(TRACKS, heard, counts, as_of=NOW)
    assert data.interactions.matrix.toarray().tolist() == [[1, 0, 0], [1, 0, 1]]
    assert data.trend[1] == 0


def test_crowd_counts_that_went_on_growing_are_counted_again() -> None:
    later = NOW + timedelta(days=1)
    early = crowd_sessions([["t0", "t0", "t1"]], played_at=days_ago(3))
    late = crowd_sessions([["t0", "t2"]], played_at=later)
    counts = mart(
        "crowd_counts",
        [
            {"crowd": "c", "listener_id": "l0", "track_id": t, "plays": n, "last_played_at": at}
            for t, n, at in (("t0", 3.0, later), ("t1", 1.0, days_ago(3)), ("t2", 1.0, later))
        ],
    )
    sessions = pa.concat_tables([early, late])
    data = training_data(TRACKS, None, counts, crowd_sessions=sessions, as_of=NOW)
    assert data.interactions.matrix.toarray().tolist() == [[2, 1, 0]]
    assert data.sessions.tracks.tolist() == [0, 0, 1]


def test_skips_and_short_plays_are_not_learned() -> None:
    skipped = plays([("a", "t0", days_ago(1))], counted=False)
    data = training_data(TRACKS, skipped, as_of=NOW)
    assert data.interactions.matrix.nnz == len(data.sessions) == 0


def test_tracks_are_sorted_and_unknown_ones_left_out() -> None:
    shuffled = TRACKS.take([2, 0, 1])
    heard = plays([("a", "t0", days_ago(1)), ("a", "gone", days_ago(1))])
    data = training_data(shuffled, heard, as_of=NOW)
    assert data.catalogue.track_ids.tolist() == ["t0", "t1", "t2"]
    assert data.interactions.matrix.toarray().tolist() == [[1, 0, 0]]


def test_sessions_of_users_and_crowds_in_order() -> None:
    heard = plays([("a", "t1", days_ago(2)), ("a", "t0", days_ago(2) + timedelta(minutes=3))])
    data = training_data(
        TRACKS, heard, crowd_sessions=crowd_sessions([["t2", "t0"], ["t1"]]), as_of=NOW
    )
    runs = [
        data.sessions.tracks[a:b].tolist()
        for a, b in zip(data.sessions.offsets, data.sessions.offsets[1:], strict=False)
    ]
    assert runs == [[1, 0], [2, 0], [1]]
    assert data.sessions.ended_at[0] == int((days_ago(2) + timedelta(minutes=3)).timestamp())


def test_the_same_session_name_of_two_users_is_two_sessions() -> None:
    heard = plays([("a", "t0", NOW), ("b", "t1", NOW)], session_id="s")
    assert len(training_data(TRACKS, heard, as_of=NOW).sessions) == 2


def test_artists_only_where_a_crowd_knows_no_more() -> None:
    tracks_only = training_data(TRACKS, None, crowd([("x", "t0", "a0", 1.0)]), as_of=NOW)
    assert tracks_only.artist_interactions.n_users == 0
    mixed = crowd([("x", "t0", "a0", 1.0), ("y", None, "a1", 7.0), ("y", None, "a0", 2.0)])
    data = training_data(TRACKS, None, mixed, as_of=NOW)
    assert data.artist_interactions.track_ids.tolist() == ["a0", "a1"]
    assert data.artist_interactions.matrix.toarray().tolist() == [[1, 0], [2, 7]]
    assert data.interactions.user_ids.tolist() == ["crowd:c:x"]


def test_chunked_tables_are_the_same_as_whole_ones() -> None:
    parts = [plays([(u, t, days_ago(d))]) for u in "ab" for d, t in ((1, "t0"), (2, "t1"))]
    crowds = [crowd([(x, "t2", "a", 1.0)]) for x in "xyz"]
    chunked = training_data(TRACKS, pa.concat_tables(parts), pa.concat_tables(crowds), as_of=NOW)
    whole = training_data(
        TRACKS,
        pa.concat_tables(parts).combine_chunks(),
        pa.concat_tables(crowds).combine_chunks(),
        as_of=NOW,
    )
    assert chunked.interactions.user_ids.tolist() == whole.interactions.user_ids.tolist()
    assert np.array_equal(
        chunked.interactions.matrix.toarray(), whole.interactions.matrix.toarray()
    )
    assert len(chunked.sessions) == len(whole.sessions) == 4
