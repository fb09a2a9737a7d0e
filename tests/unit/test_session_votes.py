"""Neighbour sessions' votes on tables whose answer is obvious by eye."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.features.training_data import Sessions
from segue.recommenders.incidence import Incidence
from segue.recommenders.ranked_rows import ranked_rows
from segue.recommenders.session_votes import SessionVotes, blocks, recency_weights


def _sessions(runs: Sequence[Sequence[int]]) -> Sessions:
    tracks = [track for run in runs for track in run]
    offsets = np.cumsum([0, *map(len, runs)])
    return Sessions(offsets, np.array(tracks, np.int32), np.zeros(len(runs), np.int64))


def _votes(
    remembered: Sequence[Sequence[int]], *, neighbours: int = 100, latest: int = 500
) -> SessionVotes:
    owner = np.repeat(np.arange(len(remembered)), [len(run) for run in remembered])
    track = np.array([track for run in remembered for track in run])
    n, m = len(remembered), 10
    return SessionVotes(
        Incidence.of_pairs(owner, track, n_rows=n, n_columns=m),
        Incidence.of_pairs(track, owner, n_rows=m, n_columns=n),
        neighbours=neighbours,
        latest=latest,
    )


def test_the_last_play_weighs_most() -> None:
    row, track, weight = recency_weights(_sessions([[3, 1, 2], [5]]), 10)
    assert row.tolist() == [0, 0, 0, 1]
    assert track.tolist() == [3, 1, 2, 5]
    assert np.allclose(weight, [0.8, 0.9, 1.0, 1.0])


def test_only_the_last_of_a_long_prefix_are_looked_at() -> None:
    _, track, _ = recency_weights(_sessions([[1, 2, 3, 4]]), 2)
    assert track.tolist() == [3, 4]


def test_what_goes_with_the_last_track_comes_first() -> None:
    voters = _votes([[0, 1], [2, 3]])
    assert ranked_rows(voters.votes(_sessions([[0, 2]])), 4).tracks.tolist() == [[2, 3, 0, 1]]


def test_of_equal_neighbours_the_latest_vote() -> None:
    voters = _votes([[0, 1], [0, 2], [0, 3]], neighbours=1)
    assert set(ranked_rows(voters.votes(_sessions([[0]])), 2).tracks[0].tolist()) == {0, 3}
    voters = _votes([[0, 1], [0, 2], [0, 3]], latest=2)
    assert set(ranked_rows(voters.votes(_sessions([[0]])), 4).tracks[0].tolist()) == {0, 2, 3, -1}


def test_a_long_session_is_less_like_a_prefix() -> None:
    voters = _votes([[0, 1], [0, 2, 3, 4, 5]])
    near = voters.near(_sessions([[0]])).toarray()[0]
    assert near[0] > near[1] > 0


def test_blocks_are_the_prefixes_again() -> None:
    prefixes = _sessions([[1, 2], [], [3], [4, 5, 6], [7]])
    parts = list(blocks(prefixes, 2))
    assert [len(part) for part in parts] == [2, 2, 1]
    assert np.concatenate([part.tracks for part in parts]).tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert all(part.offsets[0] == 0 for part in parts)
