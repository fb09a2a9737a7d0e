"""Item-item models against the formulas they claim, computed the slow way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from implicit import nearest_neighbours

from segue.features.from_marts import training_data
from segue.features.interactions import Interactions
from segue.features.training_data import TrainingData
from segue.music.query import Query
from segue.recommenders.als import Als
from segue.recommenders.base import Batch, Scoring
from segue.recommenders.crowd import crowd_of
from segue.recommenders.ease import Ease
from segue.recommenders.from_crowd import FromCrowd
from segue.recommenders.item_item import Links
from segue.recommenders.item_knn import ItemKnn, Kind
from segue.recommenders.ridge import others_regression
from segue.recommenders.rp3beta import Rp3Beta
from segue.recommenders.top_rows import top_of_dense, top_of_sparse
from tests.tiny import NOW, crowd, days_ago, history, plays, tracks

Reals = npt.NDArray[np.float64]
MODELS: list[Callable[[], FromCrowd[Links]]] = [ItemKnn, Ease, Rp3Beta]

# six listeners, five tracks; the last track is played by one of them
PLAYS = np.array(
    [
        [9, 3, 0, 0, 0],
        [4, 5, 1, 0, 0],
        [1, 7, 0, 2, 0],
        [0, 0, 6, 5, 0],
        [0, 2, 8, 9, 0],
        [0, 0, 3, 4, 1],
    ],
    np.float32,
)
IDS = [f"t{i}" for i in range(7)]  # two more that nobody plays


def _interactions(counts: npt.NDArray[np.float32]) -> Interactions:
    users = np.array([f"crowd:c:{i}" for i in range(len(counts))], dtype=object)
    ids = np.array([f"t{i}" for i in range(counts.shape[1])], dtype=object)
    return Interactions(sp.csr_array(counts), users, ids)


def _data(counts: npt.NDArray[np.float32] = PLAYS) -> TrainingData:
    rows = [
        (f"{user:03}", f"t{track}", f"a-t{track}", float(counts[user, track]))
        for user, track in zip(*np.nonzero(counts), strict=True)
    ]
    local = plays([("me", "t0", days_ago(3)), ("me", "t5", days_ago(2))])
    return training_data(tracks({"track_id": t} for t in IDS), local, crowd(rows), as_of=NOW)


def _weights(links: Links) -> Reals:
    found: Reals = links._matrix(own=0.0).toarray().astype(np.float64)
    return found


def _cosines(amounts: Reals, shrinkage: float = 0.0) -> Reals:
    lengths = np.sqrt((amounts**2).sum(axis=0) + shrinkage)
    found = (amounts / lengths).T @ (amounts / lengths)
    np.fill_diagonal(found, 0)
    return np.asarray(found)


def test_cosine_is_the_cosine() -> None:
    model = ItemKnn(fewest_listeners=2, shrinkage=3.0).fit(_data())
    assert model.tracks_ is not None
    assert model.tracks_.columns.tolist() == [0, 1, 2, 3, 4]  # of the crowd alone
    amounts = np.log1p(PLAYS.astype(np.float64))
    expected = _cosines(amounts, shrinkage=3.0 * (amounts**2).sum() / (PLAYS > 0).sum())
    assert np.allclose(_weights(model.tracks_), expected, atol=1e-6)


def test_tfidf_listeners_of_many_tracks_count_less() -> None:
    model = ItemKnn(kind="tfidf", fewest_listeners=2, shrinkage=0.0, weight="plays").fit(_data())
    idf = np.log1p(5 / (PLAYS > 0).sum(axis=1))
    assert model.tracks_ is not None
    assert np.allclose(_weights(model.tracks_), _cosines(PLAYS * idf[:, None]), atol=1e-6)


def test_bm25_is_the_formula_of_robertson_and_walker_on_plays_as_they_are() -> None:
    model = ItemKnn(kind="bm25", k1=1.5, b=0.5, fewest_listeners=2).fit(_data())
    idf = np.log1p(5 / (PLAYS > 0).sum(axis=1))
    lengths = PLAYS.sum(axis=0)
    scale = 0.5 + 0.5 * lengths / lengths.mean()
    terms = PLAYS * 2.5 / (1.5 * scale + PLAYS) * idf[:, None]
    expected = terms.T @ terms
    np.fill_diagonal(expected, 0)
    assert model.tracks_ is not None
    assert np.allclose(_weights(model.tracks_), expected, rtol=1e-5)
    asked = _interactions(np.pad(PLAYS[:2], ((0, 0), (0, 2))))
    assert np.allclose(model.scores(asked)[:, :5], PLAYS[:2] @ expected, rtol=1e-5)


def _hits(tracks_: npt.NDArray[np.integer[Any]], wanted: npt.NDArray[np.bool_]) -> float:
    return float(np.take_along_axis(wanted, tracks_.astype(np.int64), axis=1).mean())


@pytest.mark.parametrize(
    ("kind", "rival"),
    [("cosine", "CosineRecommender"), ("tfidf", "TFIDFRecommender"), ("bm25", "BM25Recommender")],
)
@pytest.mark.filterwarnings("ignore:Method expects CSR")  # implicit, of its own matrix
def test_guesses_are_no_worse_than_those_of_implicit(kind: Kind, rival: str) -> None:
    """Scenes of forty tracks, few famous; a third of each listener's is withheld."""
    rng = np.random.default_rng(12)
    scenes = np.arange(200) // 40
    fame = 1 / (1 + np.arange(200) % 40)
    home = rng.integers(0, 5, 400)
    chances = np.where(scenes == home[:, None], 1.6, 0.15) * fame + 0.02
    counts = rng.geometric(0.35, (400, 200)) * (rng.random((400, 200)) < chances)
    wanted = (counts > 0) & (rng.random(counts.shape) < 1 / 3)
    interactions = _interactions(np.where(wanted, 0, counts).astype(np.float32))
    links = ItemKnn(kind=kind, neighbours=49).learned_from(interactions)
    theirs = getattr(nearest_neighbours, rival)(K=50, num_threads=1)  # itself among them
    plays_ = sp.csr_matrix(interactions.matrix.astype(np.float64))
    theirs.fit(plays_, show_progress=False)
    found, _ = theirs.recommend(np.arange(400), plays_, N=10)
    assert links is not None
    crowd_ = crowd_of(interactions)
    ours = crowd_.columns[links.top(crowd_.plays, 10, known=False, threads=1).tracks]
    assert _hits(ours, wanted) >= 0.99 * _hits(found, wanted) > 0.05


@pytest.mark.parametrize("kind", ["cosine", "tfidf", "bm25"])
def test_only_the_nearest_are_kept(kind: Kind) -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(0.7, (40, 12)).astype(np.float32)
    few, all_ = (ItemKnn(kind=kind, neighbours=n)._learn(_interactions(counts)) for n in (4, 11))
    kept, every = _weights(few), _weights(all_)
    for row in range(12):
        nearest = np.argsort(-every[row])[:4]
        assert set(np.flatnonzero(kept[row])) == set(nearest)
        assert np.array_equal(kept[row, nearest], every[row, nearest])


def test_rp3beta_is_the_walk_by_hand() -> None:
    # ann plays a and b, bob plays b and c, all once: from b to a goes half × half, and so on
    counts = np.array([[1, 1, 0], [0, 1, 1]], np.float32)
    links = Rp3Beta(alpha=1, beta=0, weight="once")._learn(_interactions(counts))
    assert np.allclose(_weights(links), [[0, 1 / 2, 0], [1 / 4, 0, 1 / 4], [0, 1 / 2, 0]])
    # two listeners play b: divided by 2 ** beta
    links = Rp3Beta(alpha=1, beta=0.5, weight="once")._learn(_interactions(counts))
    root = 2**0.5
    assert np.allclose(
        _weights(links), [[0, 1 / 2 / root, 0], [1 / 4, 0, 1 / 4], [0, 1 / 2 / root, 0]]
    )
    # every probability squared
    links = Rp3Beta(alpha=2, beta=0, weight="once")._learn(_interactions(counts))
    assert np.allclose(_weights(links), [[0, 1 / 4, 0], [1 / 16, 0, 1 / 16], [0, 1 / 4, 0]])


def test_rp3beta_walks_step_by_step() -> None:
    amounts = np.log1p(PLAYS.astype(np.float64))
    there = (amounts / amounts.sum(axis=0)).T ** 0.7
    back = (amounts / amounts.sum(axis=1, keepdims=True)) ** 0.7
    expected = there @ back / amounts.sum(axis=0) ** 0.3
    np.fill_diagonal(expected, 0)
    links = Rp3Beta(alpha=0.7, beta=0.3)._learn(_interactions(PLAYS))
    assert np.allclose(_weights(links), expected, rtol=1e-5)


def _textbook_ease(amounts: Reals, penalty: float) -> Reals:
    """Steck (2019), figure 1."""
    gram = amounts.T @ amounts
    gram[np.diag_indices_from(gram)] += penalty
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    weights[np.diag_indices_from(weights)] = 0
    return np.asarray(weights)


@pytest.mark.parametrize("n_listeners", [6, 4])  # more and fewer than tracks
def test_ease_is_the_textbook(n_listeners: int) -> None:
    counts = PLAYS[-n_listeners:]
    amounts = np.log1p(counts[:, 1:].astype(np.float64))
    penalty = 0.8 * (amounts**2).sum() / (amounts > 0).sum()
    links = Ease(regularisation=0.8, scaling=0)._learn(_interactions(counts[:, 1:]))
    assert np.allclose(_weights(links), _textbook_ease(amounts, penalty), rtol=1e-5, atol=1e-7)


def test_ease_scales_before_and_restores_after() -> None:
    amounts = np.log1p(PLAYS.astype(np.float64))
    amounts /= np.sqrt((amounts**2).sum(axis=1, keepdims=True)) ** 0.5
    lengths = np.sqrt((amounts**2).sum(axis=0))
    scaled = amounts / lengths**0.7
    penalty = 0.5 * (scaled**2).sum() / (scaled > 0).sum()
    expected = _textbook_ease(scaled, penalty) * lengths[:, None] ** -0.7 * lengths**0.35
    model = Ease(regularisation=0.5, scaling=0.7, restored=0.5, levelling=0.5)
    assert np.allclose(_weights(model._learn(_interactions(PLAYS))), expected, rtol=1e-4)


def test_a_penalty_of_its_own_for_each_track_the_short_way_too() -> None:
    matrix = sp.csr_array(np.log1p(PLAYS))
    penalties = np.array([0.5, 1.0, 2.0, 4.0, 8.0])
    tall = others_regression(matrix, penalties, kept=0, threads=1).toarray()
    inverse = np.linalg.inv((matrix.T @ matrix).toarray() + np.diag(penalties))
    expected = inverse / -np.diag(inverse)
    np.fill_diagonal(expected, 0)
    assert np.allclose(tall, expected, atol=1e-6)
    wide = sp.csr_array(np.log1p(PLAYS[2:]))
    inverse = np.linalg.inv((wide.T @ wide).toarray() + np.diag(penalties))
    expected = inverse / -np.diag(inverse)
    np.fill_diagonal(expected, 0)
    found = others_regression(wide, penalties, kept=0, threads=1).toarray()
    assert np.allclose(found, expected, atol=1e-6)


def test_ease_keeps_the_weights_furthest_from_zero() -> None:
    counts = np.random.default_rng(5).poisson(0.5, (60, 30)).astype(np.float32)
    every, some = (Ease(kept=kept, scaling=0)._learn(_interactions(counts)) for kept in (0, 7))
    full, pruned = _weights(every), _weights(some)
    assert ((pruned != 0).sum(axis=0) == 7).all()
    for track in range(30):
        largest = np.argsort(-np.abs(full[:, track]))[:7]
        assert np.array_equal(pruned[largest, track], full[largest, track])


def test_ease_of_too_many_tracks_is_exact_for_the_fullest() -> None:
    rng = np.random.default_rng(6)
    chances = np.concatenate([np.full(8, 0.6), np.full(30, 0.1)])
    counts = (rng.random((50, 38)) < chances).astype(np.float32)
    links = Ease(exact_tracks=8, regularisation=0.5, scaling=0, weight="once")._learn(
        _interactions(counts)
    )
    penalty = 0.5  # of ones
    head = np.argsort(-counts.sum(axis=0), kind="stable")[:8]
    expected = _textbook_ease(counts[:, head].astype(np.float64), penalty)
    weights = _weights(links)
    assert np.allclose(weights[np.ix_(head, head)], expected, rtol=1e-4, atol=1e-6)
    tail = np.setdiff1d(np.arange(38), head)
    assert (weights[tail] >= 0).all() and (weights[tail] > 0).any(axis=1).all()


@pytest.mark.parametrize("make", [*MODELS, Als])
def test_bulk_answers_are_those_of_scores(make: Callable[[], FromCrowd[Links]]) -> None:
    counts = np.random.default_rng(7).poisson(0.4, (60, 40)).astype(np.float32)
    counts[:, [3, 17]] = 0  # nobody plays these
    data = training_data(
        tracks({"track_id": f"t{i:02}"} for i in range(40)),
        None,
        crowd(
            (f"{u:02}", f"t{t:02}", None, float(counts[u, t]))
            for u, t in zip(*np.nonzero(counts), strict=True)
        ),
        as_of=NOW,
    )
    model = make().fit(data)
    assert isinstance(model, Batch) and isinstance(model, Scoring)
    asked = Interactions(
        sp.csr_array(counts[:9]),
        np.array(list("abcdefghi"), dtype=object),
        data.catalogue.track_ids,
    )
    scores = model.scores(asked)
    assert scores.shape == (9, 40) and not scores[:, [3, 17]].any()
    for known in (False, True):
        answer = model.top(asked, 6, known=known)
        for user in range(9):
            usable = scores[user].astype(np.float64)
            usable[[3, 17]] = -np.inf
            if not known:
                usable[counts[user] > 0] = -np.inf
            expected = np.sort(usable)[::-1][:6]
            assert np.allclose(usable[answer.tracks[user]], expected, atol=1e-5)
            assert np.allclose(answer.scores[user], expected, atol=1e-5)


@pytest.mark.parametrize("make", [*MODELS, Als])
def test_bulk_answers_without_a_crowd_are_empty(make: Callable[[], FromCrowd[Links]]) -> None:
    data = training_data(tracks({"track_id": t} for t in IDS), as_of=NOW)
    model = make().fit(data)
    nobody = Interactions(
        sp.csr_array((2, 7), dtype=np.float32),
        np.array(["a", "b"], dtype=object),
        data.catalogue.track_ids,
    )
    assert (model.top(nobody, 4).tracks == -1).all()
    assert model.scores(nobody).shape == (2, 7)
    heard = model.fit(_data(np.ones((25, 5), np.float32))).top(nobody, 4)
    assert heard.tracks.shape == (2, 4)


@pytest.mark.parametrize("make", MODELS)
def test_one_users_answer_is_the_weighted_sum(make: Callable[..., FromCrowd[Links]]) -> None:
    model = make(fewest_listeners=2, per_artist=9).fit(_data())
    assert model.tracks_ is not None
    weights = _weights(model.tracks_)
    query = Query("x", NOW, mix="similar", seeds=("t0", "t1"))
    expected = np.log(2) * (weights[0] + weights[1])
    answer = model.recommend(query, 5)
    assert dict(zip(answer.track_ids, answer.scores, strict=True)) == pytest.approx(
        {f"t{i}": expected[i] for i in (2, 3, 4) if expected[i] > 0}, rel=1e-5
    )
    for track, (fact,) in zip(answer.track_ids, answer.evidence, strict=True):
        assert fact.other_id in ("t0", "t1") and fact.kind == "like_you"
        both = (PLAYS[:, int(track[1])] > 0) & (PLAYS[:, int(fact.other_id[1])] > 0)
        assert fact.listeners == both.sum()


@pytest.mark.parametrize("make", MODELS)
def test_what_is_skipped_lowers_its_neighbours(make: Callable[..., FromCrowd[Links]]) -> None:
    model = make(fewest_listeners=2).fit(_data())
    liked = [("t1", days_ago(day)) for day in (5, 6, 7)]
    skips = [("t2", days_ago(day)) for day in (1, 2, 3, 4)]
    neutral = Query("x", NOW, mix="daily", history=history(liked))
    skipped = history(skips, counted=False, finished=False, skipped=True)
    both = pa.concat_tables([history(liked), skipped])
    warned = Query("x", NOW, mix="daily", history=both)
    before, after = (
        dict(zip(a.track_ids, a.scores, strict=True))
        for a in (model.recommend(neutral, 7), model.recommend(warned, 7))
    )
    assert before["t3"] > after.get("t3", 0.0)


def test_a_crowd_that_knows_artists_only() -> None:
    names = [f"t{i}" for i in range(8)]
    rows = []
    for i in range(15):
        rows += [(f"r{i}", None, f"a-{t}", 9.0) for t in names[:4] if t != names[i % 4]]
        rows += [(f"j{i}", None, f"a-{t}", 9.0) for t in names[4:] if t != names[4 + i % 4]]
    data = training_data(tracks({"track_id": t} for t in names), None, crowd(rows), as_of=NOW)
    query = Query("me", NOW, history=history([("t0", days_ago(2)), ("t1", days_ago(2))]))
    for make in MODELS:
        answer = make().fit(data).recommend(query, 2)
        assert set(answer.track_ids) == {"t2", "t3"}


@given(
    st.lists(
        st.lists(
            st.sampled_from([-2.0, -0.0, 0.0, 0.5, 1.5, float("nan")]), min_size=6, max_size=6
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 8),
)
def test_top_rows_are_the_sorted_ones(rows: list[list[float]], k: int) -> None:
    scores = np.array(rows, np.float32)
    found = top_of_dense(scores, k)
    assert found.tracks.shape == (len(rows), k)
    for row, tracks_, values in zip(scores, found.tracks, found.scores, strict=True):
        order = sorted((-s, i) for i, s in enumerate(row.tolist()) if s == s)[:k]
        assert tracks_.tolist() == [i for _, i in order] + [-1] * (k - len(order))
        assert values.tolist()[: len(order)] == [-s for s, _ in order]
    stored = sp.csr_array(np.nan_to_num(scores))
    sparse = top_of_sparse(stored, k)
    for row, tracks_ in zip(stored.toarray(), sparse.tracks, strict=True):
        order = sorted((-s, i) for i, s in enumerate(row.tolist()) if s)[:k]
        assert tracks_.tolist() == [i for _, i in order] + [-1] * (k - len(order))


def test_many_users_are_answered_in_parts_of_any_size() -> None:
    rng = np.random.default_rng(8)
    counts = rng.poisson(0.3, (300, 50)).astype(np.float32)
    interactions = _interactions(counts)
    links = ItemKnn()._learn(interactions)
    crowd_ = crowd_of(interactions)
    one = links.top(crowd_.plays, 10, known=False, threads=1)
    many = links.top(crowd_.plays, 10, known=False, threads=3)
    assert np.array_equal(one.tracks, many.tracks) and np.array_equal(one.scores, many.scores)
    assert not (np.take_along_axis(counts, one.tracks.clip(0), axis=1) * (one.tracks >= 0)).any()


@pytest.mark.parametrize("make", [*MODELS, partial(Ease, exact_tracks=40)])
def test_threads_do_not_change_the_weights(make: Callable[..., FromCrowd[Links]]) -> None:
    interactions = _interactions(
        np.random.default_rng(9).poisson(0.2, (400, 300)).astype(np.float32)
    )
    one, three = (make(threads=threads).learned_from(interactions) for threads in (1, 3))
    assert one is not None and three is not None
    assert np.array_equal(one.targets, three.targets)
    assert np.array_equal(one.weights, three.weights)


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="cosine, tfidf, bm25"):
        ItemKnn(kind="euclid")  # type: ignore[arg-type]  # what is being refused
    with pytest.raises(ValueError, match="above 0"):
        Ease(regularisation=0.0)


def test_facts_are_more_rows_of_the_regression() -> None:
    facts = sp.csr_array(np.array([[1.0, 2, 0, 0, 0, 3, 0], [0, 1, 0, 1, 0, 0, 0]]))
    wide = np.pad(PLAYS, ((0, 0), (0, 2)))
    model = Ease(scaling=0.0, kept=0, fewest_listeners=3, regularisation=2.0)
    learned = model.learned_beside(_interactions(wide), facts)
    assert learned is not None
    # the sixth track, which nobody plays, is known by what is said of it; the seventh is not
    assert learned.columns.tolist() == [0, 1, 2, 3, 4, 5]
    plays = np.log1p(wide[:, :6].astype(np.float64))
    typical = np.sqrt((plays[plays > 0] ** 2).mean())
    lengths = np.sqrt((plays**2).sum(axis=0))
    lengths[5] = typical
    told = facts.toarray()[:, :6]
    own = np.sqrt((told**2).sum(axis=0))
    rows = np.vstack([plays, told * lengths / np.where(own > 0, own, 1)])
    inverse = np.linalg.inv(rows.T @ rows + 2.0 * typical**2 * np.eye(6))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    found = learned.all_scores(sp.csr_array(np.eye(6, dtype=np.float32) * np.float32(np.e - 1)))
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert model.learned_beside(_interactions(wide[:2]), facts) is None
