"""What every recommender that names the next track of a session keeps to; one line each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from segue.errors import NotFittedError
from segue.features.from_marts import training_data
from segue.features.training_data import Sessions, TrainingData
from segue.recommenders.base import NextTrack, StoredRecommender
from segue.recommenders.next_track import NextTrackRanker
from segue.recommenders.sequential_rules import SequentialRules
from segue.recommenders.session_knn import SessionKnn
from segue.recommenders.track2vec import Track2Vec
from tests.tiny import NOW, crowd_sessions, tracks

Maker = Callable[[], StoredRecommender]


def next_track() -> NextTrackRanker:
    """The first stage alone: so few sessions teach no second."""
    return NextTrackRanker(fewest_sessions=20)


def two_stages() -> NextTrackRanker:
    """Both, the second made of what little there is."""
    return NextTrackRanker(fewest_sessions=20, fewest_lessons=1, later=0.5, rounds=5)


def track2vec() -> Track2Vec:
    """With few sessions, gone through often."""
    return Track2Vec(fewest_sessions=20, size=8, epochs=60)


MAKERS: list[Maker] = [SessionKnn, SequentialRules, track2vec, next_track, two_stages]

pytestmark = pytest.mark.parametrize("make", MAKERS, ids=lambda make: str(make.__name__))

ROCK = [f"t0{i}" for i in range(10)]
JAZZ = [f"t1{i}" for i in range(10)]


def _data() -> TrainingData:
    """Forty sessions of rock and forty of jazz, each a run of six from some place on."""
    table = tracks({"track_id": track} for track in ROCK + JAZZ)
    runs = [[(camp * 2)[i % 10 + j] for j in range(6)] for i in range(40) for camp in (ROCK, JAZZ)]
    return training_data(table, crowd_sessions=crowd_sessions(runs), as_of=NOW)


def _prefixes(data: TrainingData, *runs: Sequence[str]) -> Sessions:
    rows = [data.catalogue.rows(run) for run in runs]
    return Sessions(
        offsets=np.cumsum([0, *map(len, rows)]),
        tracks=np.concatenate([np.empty(0), *rows]).astype(np.int32),
        ended_at=np.zeros(len(rows), np.int64),
    )


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return _data()


@pytest.fixture
def model(make: Maker, data: TrainingData) -> NextTrack:
    fit = make().fit(data)
    assert isinstance(fit, NextTrack)
    return fit


@pytest.mark.parametrize("k", [0, 1, 4, 50])
def test_answers_are_in_good_order(model: NextTrack, data: TrainingData, k: int) -> None:
    answer = model.next_tracks(_prefixes(data, ROCK[:3], JAZZ[4:5], ROCK[2:3] + JAZZ[2:3]), k)
    assert answer.tracks.shape == answer.scores.shape == (3, k)
    assert answer.tracks.dtype == np.int32 and answer.scores.dtype == np.float32
    for row, scores in zip(answer.tracks, answer.scores, strict=True):
        said = row[row >= 0]
        assert len(set(said.tolist())) == len(said)
        assert np.isfinite(scores[row >= 0]).all() and (scores[row < 0] == -np.inf).all()
        assert (np.diff(scores[: len(said)]) <= 0).all()
        assert (row[len(said) :] == -1).all()


def test_the_camp_of_the_prefix_comes_next(model: NextTrack, data: TrainingData) -> None:
    answer = model.next_tracks(_prefixes(data, ROCK[1:3], JAZZ[1:3]), 4)
    rock, jazz = (set(data.catalogue.ids(row)) for row in answer.tracks)
    assert rock <= set(ROCK)
    assert jazz <= set(JAZZ)


def test_one_prefix_is_answered_as_among_many(model: NextTrack, data: TrainingData) -> None:
    runs = [ROCK[:i] for i in range(1, 6)] + [JAZZ[3:7], ROCK[:1] + JAZZ[:1]]
    together = model.next_tracks(_prefixes(data, *runs), 5)
    for i, run in enumerate(runs):
        alone = model.next_tracks(_prefixes(data, run), 5)
        assert alone.tracks[0].tolist() == together.tracks[i].tolist()
        assert np.allclose(alone.scores[0], together.scores[i], rtol=1e-5)


def test_a_prefix_without_tracks_is_never_an_error(model: NextTrack, data: TrainingData) -> None:
    assert len(model.next_tracks(_prefixes(data), 3)) == 0
    answer = model.next_tracks(_prefixes(data, [], ROCK[:2], []), 3)
    assert len(answer) == 3
    assert answer.tracks[1, 0] >= 0


def test_same_data_same_answer(make: Maker, model: NextTrack, data: TrainingData) -> None:
    again = make().fit(_data())
    assert isinstance(again, NextTrack)
    prefixes = _prefixes(data, ROCK[:3], JAZZ[5:6])
    first, second = model.next_tracks(prefixes, 8), again.next_tracks(prefixes, 8)
    assert (first.tracks == second.tracks).all()
    assert (first.scores == second.scores).all()


def test_saved_and_loaded_it_answers_the_same(
    make: Maker, data: TrainingData, tmp_path: Path
) -> None:
    model = make().fit(data)
    model.save(tmp_path)
    again = type(model).load(tmp_path, data.catalogue)
    assert isinstance(model, NextTrack) and isinstance(again, NextTrack)
    prefixes = _prefixes(data, ROCK[:3], JAZZ[5:6])
    assert (again.next_tracks(prefixes, 8).tracks == model.next_tracks(prefixes, 8).tracks).all()


def test_without_sessions_it_says_nothing(make: Maker, data: TrainingData) -> None:
    empty = training_data(data.catalogue.tracks, as_of=NOW)
    model = make().fit(empty)
    assert isinstance(model, NextTrack)
    assert (model.next_tracks(_prefixes(data, ROCK[:2]), 3).tracks == -1).all()


def test_asked_before_fit_it_says_so(make: Maker, data: TrainingData) -> None:
    model = make()
    assert isinstance(model, NextTrack)
    with pytest.raises(NotFittedError):
        model.next_tracks(_prefixes(data, ROCK[:2]), 3)
