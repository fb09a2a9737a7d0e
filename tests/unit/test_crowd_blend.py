"""The blend of collaborative models: its weights, its sums, and that nothing held out leaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp

from segue.features.from_marts import training_data
from segue.features.interactions import Interactions
from segue.features.training_data import TrainingData
from segue.recommenders.als import Als
from segue.recommenders.base import Batch, Scoring
from segue.recommenders.blend_weights import Trial, best_weights, held_out, trial
from segue.recommenders.blended import Blended, units
from segue.recommenders.crowd_blend import CrowdBlend
from segue.recommenders.ease import Ease
from segue.recommenders.opinion import Learned
from tests.tiny import NOW, crowd, tracks

N_TRACKS = 40


def _counts(n_listeners: int = 60, seed: int = 5) -> npt.NDArray[np.float32]:
    """Two camps that share nothing; a listener plays about half of their camp's twenty tracks."""
    rng = np.random.default_rng(seed)
    counts = np.zeros((n_listeners, N_TRACKS), np.float32)
    for listener in range(n_listeners):
        camp = 20 * (listener % 2)
        chosen = camp + rng.permutation(20)[:10]
        counts[listener, chosen] = rng.integers(1, 50, 10)
    return counts


def _interactions(counts: npt.NDArray[np.float32]) -> Interactions:
    users = np.array([f"crowd:c:{i}" for i in range(len(counts))], dtype=object)
    ids = np.array([f"t{i:02}" for i in range(counts.shape[1])], dtype=object)
    return Interactions(sp.csr_array(counts), users, ids)


def _data() -> TrainingData:
    counts = _counts()
    rows = [
        (f"{user:03}", f"t{track:02}", f"a{track}", float(counts[user, track]))
        for user, track in zip(*np.nonzero(counts), strict=True)
    ]
    table = tracks({"track_id": f"t{i:02}"} for i in range(N_TRACKS))
    return training_data(table, None, crowd(rows), as_of=NOW)


def _parts(interactions: Interactions) -> list[Learned]:
    models = (Ease(threads=1), Als(n_factors=4, threads=1))
    found = [model.learned_from(interactions) for model in models]
    return [part for part in found if part is not None]


def test_the_unit_is_the_spread_of_the_best() -> None:
    scores = np.array([[2.0, 4.0, -np.inf, -3.0], [1.0, 1.0, 1.0, 1.0]])
    padded = np.zeros(100)
    padded[:2] = 2, 4
    assert units(scores)[0] == pytest.approx(padded.std(), rel=1e-5)
    assert np.isinf(units(np.zeros((1, 200))))[0]


def test_scores_are_sums_in_units_and_all_ways_to_ask_agree() -> None:
    interactions = _interactions(_counts())
    parts = _parts(interactions)
    blend = Blended(tuple(parts), np.array([0.7, 0.3]), 1000)
    histories = interactions.matrix[:3].tocsr()
    scores = blend.all_scores(histories)
    expected = np.zeros(scores.shape)
    for part, weight in zip(parts, (0.7, 0.3), strict=True):
        mine = part.all_scores(histories).astype(np.float64)
        unknown = np.where(histories.toarray() > 0, -np.inf, mine)
        expected += weight * mine / units(unknown)[:, None]
    assert scores == pytest.approx(expected, rel=1e-4, abs=1e-4)
    for row in range(3):
        positions = np.flatnonzero(histories[[row]].toarray()[0])
        opinion = blend.opinion(positions, histories[[row]].toarray()[0, positions].astype(float))
        assert opinion.scores == pytest.approx(expected[row], rel=1e-4, abs=1e-4)
        explained = opinion.contributions(np.arange(N_TRACKS)).sum(axis=1)
        assert explained == pytest.approx(opinion.scores, rel=1e-4, abs=1e-4)
    best = blend.top(histories, 5, known=False, threads=1)
    hidden = np.where(histories.toarray() > 0, -np.inf, scores)
    assert (best.tracks == np.argsort(-hidden, axis=1, kind="stable")[:, :5]).all()


def test_of_too_many_tracks_only_the_best_of_each_model_are_looked_at() -> None:
    interactions = _interactions(_counts())
    blend = Blended(tuple(_parts(interactions)), np.array([0.7, 0.3]), 1000)
    histories = interactions.matrix[:4].tocsr()
    whole = blend.top(histories, 3, known=False, threads=1)
    blend = replace(blend, dense_tracks=10)
    listed = blend.top(histories, 3, known=False, threads=1)
    assert (listed.tracks == whole.tracks).all()
    positions = np.flatnonzero(histories[[0]].toarray()[0])
    opinion = blend.opinion(positions, np.ones(len(positions)))
    found, scores = opinion.best(np.ones(N_TRACKS, dtype=bool), 3)
    assert len(found) >= 3
    assert scores == pytest.approx(opinion.scores[found], rel=1e-4)


def test_weights_go_to_the_model_that_finds_what_was_held_out() -> None:
    rng = np.random.default_rng(3)
    right = np.zeros((50, 30), dtype=bool)
    right[np.arange(50), rng.integers(0, 30, 50)] = True
    noise = rng.random((50, 30), dtype=np.float32)
    asked = Trial(
        scores=np.stack([noise, right.astype(np.float32)]),
        empty=np.zeros(right.shape, dtype=bool),
        right=right,
        n_right=np.ones(50, np.int64),
    )
    assert best_weights(asked, seed_weights=np.array([1.0, 0.0])) == pytest.approx([0, 1])
    assert asked.quality(np.array([0.0, 1.0])) == pytest.approx(2)  # recall 1 and NDCG 1


def test_quality_is_recall_and_ndcg_of_ten_by_hand() -> None:
    scores = np.array([[[3, 2, 1, 0.5]]], np.float32)
    asked = Trial(
        scores=scores,
        empty=np.array([[False, False, False, True]]),
        right=np.array([[False, True, False, False]]),
        n_right=np.array([2]),
    )
    ndcg = (1 / np.log2(3)) / (1 + 1 / np.log2(3))
    assert asked.quality(np.ones(1)) == pytest.approx(0.5 + ndcg)


def test_what_is_held_out_is_gone_from_what_is_known() -> None:
    interactions = _interactions(_counts())
    held = held_out(interactions, np.random.default_rng(1), share=0.2, most_listeners=7)
    assert len(held.listeners) == 7
    assert np.bincount(held.owners).tolist() == [2] * 7
    known = held.known.matrix.toarray()
    whole = interactions.matrix.toarray()
    taken = whole != known
    assert set(zip(*np.nonzero(taken), strict=True)) == {
        (held.listeners[owner], column)
        for owner, column in zip(held.owners, held.columns, strict=True)
    }


def test_candidates_never_hold_what_a_listener_knows() -> None:
    interactions = _interactions(_counts())
    held = held_out(interactions, np.random.default_rng(1), share=0.2, most_listeners=50)
    asked = trial(_parts(held.known), held)
    # in forty tracks everything unknown is a candidate, with all that was held out
    assert (~asked.empty).sum(axis=1).tolist() == [N_TRACKS - 8] * 50
    assert (asked.right.sum(axis=1) == asked.n_right).all()


def test_it_learns_its_weights_and_names_them() -> None:
    model = CrowdBlend(n_factors=8, threads=1).fit(_data())
    assert sum(model.weights_.values()) == pytest.approx(1)
    assert model.tracks_ is not None
    assert len(model.tracks_.parts) == sum(weight > 0 for weight in model.weights_.values())
    usual = CrowdBlend(n_factors=8, threads=1, share=0.0).fit(_data())
    assert usual.weights_ == {
        "ease": 0.5,
        "als_firm": 0.25,
        "als_soft": 0.25,
        "als": 0.0,
        "rp3beta": 0.0,
    }
    with pytest.raises(ValueError, match="share"):
        CrowdBlend(share=0.9)


def test_bulk_answers_stay_in_the_camp_and_survive_saving(tmp_path: Path) -> None:
    data = _data()
    model = CrowdBlend(n_factors=8, threads=1).fit(data)
    assert isinstance(model, Batch) and isinstance(model, Scoring)
    histories = data.interactions
    best = model.top(histories, 5)
    camp = histories.matrix[:, :20].sum(axis=1) > 0
    assert ((best.tracks < 20) == camp[:, None]).all()
    model.save(tmp_path)
    again = CrowdBlend.load(tmp_path, data.catalogue)
    assert (again.top(histories, 5).tracks == best.tracks).all()
    assert (again.scores(histories) == model.scores(histories)).all()


def test_an_empty_history_has_no_answer() -> None:
    data = _data()
    model = CrowdBlend(n_factors=8, threads=1).fit(data)
    nobody = Interactions(
        sp.csr_array((1, N_TRACKS), dtype=np.float32),
        np.array(["me"], dtype=object),
        data.interactions.track_ids,
    )
    scores = model.scores(nobody)
    assert (scores == 0).all()


def test_with_genres_a_track_that_nobody_plays_is_reached() -> None:
    counts = _counts()
    counts[:, [19, 39]] = 0
    rows = [
        (f"{user:03}", f"t{track:02}", f"a{track}", float(counts[user, track]))
        for user, track in zip(*np.nonzero(counts), strict=True)
    ]
    table = tracks(
        {"track_id": f"t{i:02}", "genres": ["rock" if i < 20 else "jazz"]} for i in range(N_TRACKS)
    )
    data = training_data(table, None, crowd(rows), as_of=NOW)
    model = CrowdBlend(n_factors=8, share=0.0, genres=True, threads=1).fit(data)
    scores = model.scores(data.interactions)
    rock = data.interactions.matrix[:, :20].sum(axis=1) > 0
    assert (scores[rock, 19] > scores[rock, 39]).all()
    assert (scores[~rock, 19] < scores[~rock, 39]).all()
    without = CrowdBlend(n_factors=8, share=0.0, threads=1).fit(data)
    assert not without.scores(data.interactions)[:, [19, 39]].any()


def test_genres_that_say_nothing_are_done_without() -> None:
    data = _data()
    with_them = CrowdBlend(n_factors=8, share=0.0, genres=True, threads=1).fit(data)
    without = CrowdBlend(n_factors=8, share=0.0, threads=1).fit(data)
    assert (with_them.scores(data.interactions) == without.scores(data.interactions)).all()
