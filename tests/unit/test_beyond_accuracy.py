"""What lists are like, on catalogues of six tracks and numbers worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segue.evaluation.beyond_accuracy import Yardsticks, same_history
from segue.evaluation.bootstrap import means
from segue.evaluation.track_sets import TrackSets
from segue.features.catalogue import Catalogue
from segue.features.interactions import Interactions
from segue.features.listens import training_part
from tests.data_sets import listens
from tests.tiny import tracks

GENRES = {"a": ["rock"], "b": ["rock"], "c": ["jazz"], "d": ["jazz", "rock"], "e": []}
ROWS = [("u", "a"), ("u", "c"), ("v", "a"), ("v", "d"), ("w", "a"), ("w", "b"), ("x", "e")]
A, B, C, D, E = range(5)


@pytest.fixture(scope="module")
def yardsticks() -> Yardsticks:
    data = listens(ROWS, genres=GENRES)
    return Yardsticks.of(training_part(data, np.ones(len(data), bool)))


def _plays(*counts: list[int]) -> Interactions:
    matrix = np.array(counts, np.float32)
    import scipy.sparse as sp

    ids = np.array(["a", "b", "c", "d", "e"], dtype=object)
    names = np.array([str(i) for i in range(len(counts))], dtype=object)
    return Interactions(sp.csr_array(matrix), names, ids)


def _measure(
    yardsticks: Yardsticks, listed: list[int], heard: list[int], plays: Interactions | None = None
) -> dict[str, float]:
    history = TrackSets.of_pairs(
        np.zeros(len(heard), np.int64), np.array(heard, np.int64), n_rows=1, n_tracks=5
    )
    found = yardsticks.measure(np.array([listed], np.int32), history, plays, k=len(listed))
    return {name: float(values[0]) for name, values in found.items()}


def test_novelty_is_the_mean_surprise_of_a_list(yardsticks: Yardsticks) -> None:
    # of four listeners three play a, one plays c
    found = _measure(yardsticks, [A, C, -1], [])
    assert found["novelty"] == pytest.approx((math.log2(4 / 3) + math.log2(4)) / 2)


def test_diversity_is_the_mean_distance_of_pairs(yardsticks: Yardsticks) -> None:
    assert _measure(yardsticks, [A, B], [])["diversity"] == pytest.approx(0)
    assert _measure(yardsticks, [A, C], [])["diversity"] == pytest.approx(1)
    half = 1 - 1 / math.sqrt(2)  # d is jazz and rock
    assert _measure(yardsticks, [A, D], [])["diversity"] == pytest.approx(half)
    assert _measure(yardsticks, [A, C, D], [])["diversity"] == pytest.approx((1 + 2 * half) / 3)


def test_a_list_with_one_known_track_has_no_diversity(yardsticks: Yardsticks) -> None:
    assert math.isnan(_measure(yardsticks, [A, E, -1], [])["diversity"])


def test_repeat_share_counts_filled_places(yardsticks: Yardsticks) -> None:
    assert _measure(yardsticks, [A, C, D, -1], [A, B])["repeat_share"] == pytest.approx(1 / 3)


def test_miscalibration_is_stecks_divergence(yardsticks: Yardsticks) -> None:
    plays = _plays([1, 0, 1, 0, 0])  # half rock, half jazz
    assert _measure(yardsticks, [B, C], [A, C], plays)["miscalibration"] == pytest.approx(0)
    # only rock is listed: q = (1, 0), q~ = (0.995, 0.005)
    expected = 0.5 * math.log(0.5 / 0.995) + 0.5 * math.log(0.5 / 0.005)
    assert _measure(yardsticks, [A, B], [A, C], plays)["miscalibration"] == pytest.approx(expected)
    assert math.isnan(_measure(yardsticks, [E], [A], plays)["miscalibration"])


def test_an_empty_list_has_nothing_to_measure(yardsticks: Yardsticks) -> None:
    found = _measure(yardsticks, [-1, -1], [A], _plays([1, 0, 0, 0, 0]))
    assert all(math.isnan(value) for value in found.values())


def test_audio_counts_where_a_catalogue_has_it() -> None:
    features = ("danceability", "energy", "valence", "tempo")
    rows = {"a": (0.1, 0.9, 0.2, 90.0), "b": (0.1, 0.9, 0.2, 90.0), "c": (0.9, 0.1, 0.8, 160.0)}
    table = tracks(
        {"track_id": name, "genres": [], **dict(zip(features, values, strict=True))}
        for name, values in rows.items()
    )
    data = listens([("u", "a"), ("u", "b"), ("u", "c")])
    training = training_part(data, np.ones(3, bool))
    alike = Yardsticks.of(type(training)(**{**vars(training), "catalogue": Catalogue(table)}))
    history = TrackSets.empty(2, 3)
    found = alike.measure(np.array([[0, 1], [0, 2]], np.int32), history, None, k=2)["diversity"]
    assert found[0] == pytest.approx(0, abs=1e-6)
    assert found[1] > 1


def test_one_history_stands_beside_every_list() -> None:
    catalogue = listens(ROWS).catalogue
    same = same_history(np.array([A, A, C]), 2, catalogue)
    assert same.matrix.toarray().tolist() == [[2, 0, 1, 0, 0]] * 2


def test_means_ignore_what_is_no_value_and_hold_the_truth() -> None:
    values = np.array([[1.0, np.nan], [0.0, 0.5], [1.0, 0.5], [0.0, 0.5]])
    found = means(values, np.arange(4), seed=1)
    assert found.estimate(0).value == 0.5
    assert found.estimate(1).value == found.estimate(1).low == found.estimate(1).high == 0.5
    assert found.estimate(0).low < 0.5 < found.estimate(0).high


def test_paired_differences_are_surer_than_two_intervals() -> None:
    rng = np.random.default_rng(3)
    hard = rng.random(200)  # some listeners are hard to guess for everybody
    values = np.stack([hard, hard + 0.05 + 0.01 * rng.random(200)], axis=1)
    found = means(values, np.arange(200), seed=1)
    less = found.difference(1, 0)
    assert less.low > 0.049
    assert found.estimate(0).high > found.estimate(1).low  # alone, they overlap


def test_units_are_drawn_whole() -> None:
    values = np.repeat(np.array([[0.0], [1.0]]), 100, axis=0)
    units = np.repeat([7, 9], 100)
    assert means(values, units, seed=1).estimate(0).low == 0
    apart = means(values, np.arange(200), seed=1).estimate(0)
    assert apart.low > 0.4


def test_a_column_without_any_value_is_no_number() -> None:
    found = means(np.array([[np.nan], [np.nan]]), np.arange(2), seed=1).estimate(0)
    assert math.isnan(found.value)
