"""The two stages that name the next track, on sessions whose habits are plain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from segue.features.from_marts import training_data
from segue.features.training_data import Sessions, TrainingData
from segue.music.query import Query
from segue.recommenders.next_track import NextTrackRanker
from segue.recommenders.next_track.features import features
from segue.recommenders.next_track.memory import Count, Memory, latest_sessions
from segue.recommenders.next_track.pairs import Near, TrackPairs, recency
from segue.recommenders.next_track.prefixes import Plays, prefixes_of
from segue.recommenders.next_track.proposals import proposals
from segue.recommenders.next_track.ranker import lessons
from segue.recommenders.sequential_rules import SequentialRules
from segue.recommenders.track2vec import Track2Vec
from tests.tiny import NOW, crowd_sessions, history, tracks

IDS = [f"t{i:03}" for i in range(60)]


def _sessions(runs: Sequence[Sequence[int]], ended_at: Sequence[int] | None = None) -> Sessions:
    played = [track for run in runs for track in run]
    return Sessions(
        np.cumsum([0, *map(len, runs)]),
        np.array(played, np.int32),
        np.array(ended_at if ended_at is not None else [0] * len(runs), np.int64),
    )


def _count(pairs: TrackPairs, first: int, second: int) -> npt.NDArray[np.float32]:
    run = slice(pairs.offsets[first], pairs.offsets[first + 1])
    return np.asarray(pairs.counts[run][pairs.columns[run] == second].ravel())


def test_pairs_know_order_and_distance() -> None:
    pairs = TrackPairs.of_sessions(_sessions([[0, 1, 2]]), 4, half_life=1e9)
    after = _count(pairs, 0, 2)
    assert after[Near.AFTER] == pytest.approx(0.5)
    assert after[Near.SECOND] == pytest.approx(1)
    assert after[[Near.BEFORE, Near.NEXT, Near.PREVIOUS]].tolist() == [0, 0, 0]
    before = _count(pairs, 2, 1)
    assert before[Near.PREVIOUS] == before[Near.BEFORE] == pytest.approx(1)
    assert before[Near.AFTER] == 0
    assert _count(pairs, 0, 2)[Near.TOGETHER] == _count(pairs, 2, 0)[Near.TOGETHER] == 1
    assert not len(_count(pairs, 0, 3))
    assert pairs.offsets[3] == pairs.offsets[4]


def test_a_track_played_again_at_once_is_a_pair_with_itself() -> None:
    pairs = TrackPairs.of_sessions(_sessions([[0, 0, 1]]), 2, half_life=1e9)
    assert _count(pairs, 0, 0)[Near.NEXT] == pytest.approx(1)


def test_recent_sessions_count_more() -> None:
    weights = recency(10, 0.5)
    assert weights[-1] == 1
    assert weights[4] == pytest.approx(0.5)
    pairs = TrackPairs.of_sessions(_sessions([[0, 1], [0, 2]]), 3, half_life=0.5)
    assert _count(pairs, 0, 2)[Near.NEXT] > _count(pairs, 0, 1)[Near.NEXT]


def test_the_latest_sessions_are_kept_and_single_plays_are_not() -> None:
    sessions = _sessions([[0, 1], [2], [3, 4, 5], [6, 7]], ended_at=[30, 40, 10, 20])
    kept = latest_sessions(sessions, most_plays=100)
    assert kept.tracks.tolist() == [3, 4, 5, 6, 7, 0, 1]
    assert latest_sessions(sessions, most_plays=4).tracks.tolist() == [6, 7, 0, 1]
    assert len(latest_sessions(sessions, most_plays=1)) == 0


def test_every_beginning_has_its_next_track() -> None:
    prefixes, targets = prefixes_of(_sessions([[5, 6, 7], [8], [1, 2]]))
    runs = [
        prefixes.tracks[a:b].tolist()
        for a, b in zip(prefixes.offsets[:-1], prefixes.offsets[1:], strict=True)
    ]
    assert runs == [[5], [5, 6], [1]]
    assert targets.tolist() == [6, 7, 2]


def test_plays_are_counted_from_the_last() -> None:
    plays = Plays.of(_sessions([[5, 6, 7], [], [1]]))
    assert plays.age.tolist() == [2, 1, 0, 0]
    assert plays.ago(0).tolist() == [7, -1, 1]
    assert plays.ago(2).tolist() == [5, -1, -1]


def _memory(runs: Sequence[Sequence[int]], n_tracks: int = 10) -> Memory:
    return Memory.of_sessions(_sessions(runs), n_tracks)


def test_features_tell_a_loop() -> None:
    memory = _memory([[0, 1, 2, 3], [4, 5]])
    found = proposals(memory, _sessions([[0, 1, 0]]))
    values = {
        name: dict(zip(found.track.tolist(), v, strict=True))
        for name, v in features(memory, found).items()
    }
    assert values["played_ago"][0] == 0 and values["played_ago"][1] == 1
    assert values["first_ago"][0] == 2
    assert values["times"][0] == 2 and values["times"][1] == 1 and values["times"][2] == 0
    assert values["followed"][1] == 1 and values["followed"][2] == 0
    assert values["different"][1] == pytest.approx(2 / 3)
    assert values["next_0"][1] > 0
    assert values["next_0"][3] == 0


def test_features_are_the_same_alone_and_among_others() -> None:
    rng = np.random.default_rng(1)
    memory = _memory(rng.integers(0, 30, (200, 6)).tolist(), 30)
    runs = rng.integers(0, 30, (8, 4)).tolist()
    together = proposals(memory, _sessions(runs))
    values = features(memory, together)
    for row, run in enumerate(runs):
        alone = proposals(memory, _sessions([run]))
        mine = together.row == row
        assert alone.track.tolist() == together.track[mine].tolist()
        for name, value in features(memory, alone).items():
            assert np.allclose(value, values[name][mine], rtol=1e-4, atol=1e-6), name


def test_where_little_is_known_favourites_are_proposed() -> None:
    memory = _memory([[0, 1], [0, 1], [0, 2], [3, 4]])
    assert set(memory.favourites.tolist()) == {0, 1, 2, 3, 4}
    found = proposals(memory, _sessions([[9], []]))
    for row in (0, 1):
        assert {0, 1, 2, 3, 4} <= set(found.track[found.row == row].tolist())


def test_only_usable_tracks_are_proposed() -> None:
    memory = _memory([[0, 1, 2, 3], [0, 4, 5]])
    usable = np.isin(np.arange(10), [2, 4, 9])
    found = proposals(memory, _sessions([[0, 1]]), usable)
    assert set(found.track.tolist()) == {2, 4}


def _habits(n: int, seed: int = 3) -> list[list[int]]:
    """Six circles of ten tracks; a third of the sessions play two tracks in turn."""
    rng = np.random.default_rng(seed)
    runs = []
    for _ in range(n):
        circle, at = int(rng.integers(6)) * 10, int(rng.integers(10))
        run = [circle + (at + step) % 10 for step in range(6)]
        runs.append([run[0], run[3]] * 3 if rng.random() < 1 / 3 else run)
    return runs


def _data(runs: Sequence[Sequence[int]]) -> TrainingData:
    named = [[IDS[track] for track in run] for run in runs]
    table = tracks({"track_id": track} for track in IDS)
    return training_data(table, crowd_sessions=crowd_sessions(named), as_of=NOW)


def _model(threads: int = 1) -> NextTrackRanker:
    return NextTrackRanker(fewest_sessions=100, fewest_lessons=100, rounds=30, threads=threads)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return _data(_habits(1500))


@pytest.fixture(scope="module")
def model(data: TrainingData) -> NextTrackRanker:
    return _model().fit(data)


def test_the_trees_learn_who_repeats(model: NextTrackRanker, data: TrainingData) -> None:
    assert model.ranker_ is not None
    answer = model.next_tracks(_sessions([[20, 23, 20], [20, 21, 22]]), 3).tracks
    assert answer[0, 0] == 23
    assert answer[1, 0] == 23
    first_stage = NextTrackRanker(fewest_sessions=100).fit(data)
    assert first_stage.ranker_ is None
    looping = [[c, c + 3] * 2 + [c] for c in range(0, 60, 10)]
    right = [c + 3 for c in range(0, 60, 10)]
    ranked = model.next_tracks(_sessions(looping), 1).tracks[:, 0]
    plain = first_stage.next_tracks(_sessions(looping), 1).tracks[:, 0]
    assert (ranked == right).mean() > (plain == right).mean()


def test_the_number_of_threads_changes_nothing(data: TrainingData, model: NextTrackRanker) -> None:
    other = _model(threads=2).fit(data)
    assert other.ranker_ == model.ranker_
    prefixes = _sessions([[i, (i + 1) % 60] for i in range(60)])
    first, second = model.next_tracks(prefixes, 10), other.next_tracks(prefixes, 10)
    assert (first.tracks == second.tracks).all()
    assert (first.scores == second.scores).all()


def test_trees_survive_the_disk(data: TrainingData, model: NextTrackRanker, tmp_path: Path) -> None:
    model.save(tmp_path)
    again = NextTrackRanker.load(tmp_path, data.catalogue)
    prefixes = _sessions([[i, (i + 1) % 60] for i in range(60)])
    assert (again.next_tracks(prefixes, 10).tracks == model.next_tracks(prefixes, 10).tracks).all()


def test_lessons_come_from_what_the_first_stage_did_not_know() -> None:
    """Of two tracks that only later sessions hold, an honest first stage proposes neither."""
    memory = _memory([[0, 1], [1, 0]] * 5)
    taught = lessons(memory, _sessions([[0, 8], [0, 1]] * 3), most=100, seed=1)
    assert len(taught) == 3
    assert taught.right.sum() == 3


def test_too_few_sessions_are_said(data: TrainingData) -> None:
    model = NextTrackRanker().fit(data)
    assert model.silent_because() == "there are no 20,000 sessions of two plays or more"
    assert (model.next_tracks(_sessions([[1]]), 3).tracks == -1).all()


def test_what_follows_the_latest_session(model: NextTrackRanker) -> None:
    """Yesterday's session is over; its tracks ask for nothing now."""
    yesterday = [(IDS[40 + i], NOW - timedelta(days=1, minutes=4 * (6 - i))) for i in range(4)]
    today = [(IDS[20 + i], NOW - timedelta(minutes=4 * (4 - i))) for i in range(3)]
    query = Query("me", NOW, mix="daily", history=history(yesterday + today))
    answer = model.recommend(query, 5)
    assert answer.track_ids[0] == IDS[23]
    (fact,) = answer.evidence[0]
    assert fact.kind == "after"
    assert fact.other_id in {IDS[20], IDS[21], IDS[22]}
    assert fact.listeners is not None and fact.listeners > 0
    again = model.recommend(replace(query, mix="discover"), 50)
    assert not set(again.track_ids) & {track for track, _ in yesterday + today}


def test_a_seed_is_gone_on_from(model: NextTrackRanker) -> None:
    answer = model.recommend(Query(None, NOW, mix="similar", seeds=(IDS[31],)), 3)
    assert set(answer.track_ids) <= set(IDS[30:40]) - {IDS[31]}
    assert {facts[0].other_id for facts in answer.evidence} == {IDS[31]}


def test_counts_tell_lately_from_ever() -> None:
    memory = _memory([[0, 1]] * 99 + [[2, 3]])
    assert memory.counts[0, Count.PLAYS] == 99
    assert memory.counts[0, Count.JUST_NOW] == 0
    assert memory.counts[2, Count.JUST_NOW] == memory.counts[2, Count.FIRST] == 1
    assert memory.counts[3, Count.LAST] == 1


def test_rules_count_soon_for_more_and_sessions_once() -> None:
    named = [[IDS[track] for track in run] for run in ([0, 1, 2], [0, 1, 0, 1], [3, 0])]
    table = tracks({"track_id": track} for track in IDS)
    data = training_data(table, crowd_sessions=crowd_sessions(named), as_of=NOW)
    model = SequentialRules().fit(data)
    answer = model.next_tracks(_sessions([[5, 0], [2], []]), 3)
    assert answer.tracks.tolist() == [[1, 0, 2], [-1, -1, -1], [-1, -1, -1]]
    assert answer.scores[0].tolist() == pytest.approx([1 + 1 + 1 + 1 / 3, 1 / 2, 1 / 2])
    followed = model.recommend(Query(None, NOW, mix="similar", seeds=(IDS[0],)), 3)
    assert followed.track_ids == (IDS[1], IDS[2])
    assert [facts[0].listeners for facts in followed.evidence] == [2, 1]


def test_vectors_put_circles_together(data: TrainingData) -> None:
    model = Track2Vec(fewest_sessions=100, size=16).fit(data)
    answer = model.similar([IDS[31]], 5)
    assert set(answer.track_ids) <= set(IDS[30:40])
    assert {facts[0].other_id for facts in answer.evidence} == {IDS[31]}
    again = Track2Vec(fewest_sessions=100, size=16).fit(data)
    assert model.vectors_ is not None and again.vectors_ is not None
    assert (model.vectors_ == again.vectors_).all()
    assert Track2Vec().fit(data).silent_because() is not None
