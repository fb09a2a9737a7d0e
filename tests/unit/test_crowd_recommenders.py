"""ALS, session neighbours and popularity: that their numbers are true."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segue.features.from_marts import training_data
from segue.features.training_data import TrainingData
from segue.music.query import Query
from segue.recommenders.als import Als
from segue.recommenders.popular import Popular
from segue.recommenders.session_knn import SessionKnn
from tests.tiny import NOW, crowd, crowd_sessions, days_ago, history, mart, plays, tracks

IDS = [f"t{i}" for i in range(8)]


def _data(**tables: Any) -> TrainingData:
    return training_data(
        tracks({"track_id": t, "genres": ["rock"] if t < "t4" else ["jazz"]} for t in IDS),
        tables.get("plays"),
        tables.get("crowd"),
        crowd_sessions=tables.get("sessions"),
        as_of=NOW,
    )


def _heard(*track_ids: str) -> Query:
    return Query("me", NOW, history=history([(t, days_ago(2)) for t in track_ids]))


def test_after_counts_the_sessions_of_both() -> None:
    sessions = [["t0", "t1"]] * 3 + [["t0", "t2"]] * 2 + [["t0", "t1", "t2"], ["t1", "t3"]]
    answer = SessionKnn().fit(_data(sessions=crowd_sessions(sessions))).recommend(_heard("t0"), 5)
    facts = {t: fact for t, (fact,) in zip(answer.track_ids, answer.evidence, strict=True)}
    assert {t: (f.kind, f.other_id, f.listeners) for t, f in facts.items()} == {
        "t1": ("after", "t0", 4),
        "t2": ("after", "t0", 3),
    }
    assert answer.track_ids == ("t1", "t2")


def test_own_sessions_do_not_hide_those_of_others() -> None:
    mine = [("me", t, days_ago(day)) for day in range(1, 900) for t in ("t0", "t1")]
    data = _data(plays=plays(mine), sessions=crowd_sessions([["t0", "t5"]]))
    answer = SessionKnn(neighbours=10).fit(data).recommend(_heard("t0", "t1"), 5)
    assert answer.track_ids == ("t5",)


def test_sessions_of_one_track_say_nothing() -> None:
    model = SessionKnn().fit(_data(sessions=crowd_sessions([["t0"], ["t0", "t0"]])))
    assert model.silent_because() is not None
    assert not len(model.recommend(_heard("t0"), 5))


def test_fading_sessions_are_forgotten_first() -> None:
    rows = [("u", t, days_ago(day)) for day, t in ((9, "t1"), (9, "t0"), (1, "t2"), (1, "t0"))]
    model = SessionKnn(max_sessions=1).fit(_data(plays=plays(rows)))
    assert model.recommend(_heard("t0"), 5).track_ids == ("t2",)


def _two_camps(n: int = 15) -> list[tuple[str, str, str, float]]:
    rows = []
    for i in range(n):
        rows += [(f"r{i}", t, f"a-{t}", 2.0) for t in IDS[:4] if t != IDS[i % 4]]
        rows += [(f"j{i}", t, f"a-{t}", 2.0) for t in IDS[4:] if t != IDS[4 + i % 4]]
    return rows


def test_like_you_counts_the_listeners_of_both() -> None:
    rows = _two_camps()
    answer = Als().fit(_data(crowd=crowd(rows))).recommend(_heard("t0", "t1"), 2)
    assert set(answer.track_ids) == {"t2", "t3"}
    for track, (fact,) in zip(answer.track_ids, answer.evidence, strict=True):
        having = [{who for who, t, _, _ in rows if t == which} for which in (track, fact.other_id)]
        assert fact.other_id in ("t0", "t1")
        assert fact.listeners == len(having[0] & having[1])


def test_contributions_add_up_to_the_score() -> None:
    model = Als().fit(_data(crowd=crowd(_two_camps())))
    assert model.tracks_ is not None
    user = model.tracks_.fold_in(np.array([0, 1, 5]), np.array([3.0, 1.0, -2.0]))
    added = model.tracks_.contributions(user, np.arange(8))
    assert np.allclose(added.sum(axis=1), model.tracks_.scores(user), atol=1e-5)
    assert np.allclose(added[:, 2], 0)  # what is disliked adds nothing


def test_dislike_pushes_away() -> None:
    model = Als().fit(_data(crowd=crowd(_two_camps())))
    assert model.tracks_ is not None
    neutral = model.tracks_.scores(model.tracks_.fold_in(np.array([0]), np.array([1.0])))
    warned = model.tracks_.scores(model.tracks_.fold_in(np.array([0, 1]), np.array([1.0, -5.0])))
    assert warned[1] < neutral[1]


def test_the_user_is_not_counted_among_the_others() -> None:
    data = _data(plays=plays([("me", "t7", NOW)]), crowd=crowd(_two_camps()))
    model = Als().fit(data)
    assert model.tracks_ is not None and model.tracks_.listeners.n_rows == 30


def test_threads_do_not_change_the_answer() -> None:
    data = _data(crowd=crowd(_two_camps()))
    one, two = Als(threads=1).fit(data), Als(threads=2).fit(data)
    assert one.recommend(_heard("t0"), 5) == two.recommend(_heard("t0"), 5)


def _listening(n_listeners: int, seed: int) -> list[tuple[str, str, str, float]]:
    """Listeners of the even tracks and of the odd ones, who know most of theirs."""
    rng = np.random.default_rng(seed)
    return [
        (f"l{i}", t, f"a-{t}", float(rng.integers(1, 9)))
        for i in range(n_listeners)
        for t in IDS[i % 2 :: 2]
        if rng.random() < 0.8
    ]


def test_a_refit_comes_to_what_a_fit_comes_to_in_fewer_rounds() -> None:
    rows = _listening(60, seed=3)
    old = Als(iterations=30).fit(_data(crowd=crowd(r for r in rows if r[1] != "t6")))
    now = _data(crowd=crowd(rows))
    whole = Als(iterations=30).fit(now)
    again = Als(iterations=30).refit(old, now)
    few = Als(iterations=10).fit(now)
    factors = [model.tracks_ for model in (whole, again, few)]
    target, warm, cold = (one.vectors @ one.vectors.T for one in factors if one is not None)
    assert np.abs(warm - target).mean() <= np.abs(cold - target).mean()
    assert again.recommend(_heard("t0", "t2"), 2).track_ids == ("t4", "t6")  # new, too
    assert Als(iterations=30).refit(old, now).recommend(_heard("t1"), 5) == again.recommend(
        _heard("t1"), 5
    )


def test_a_refit_begins_anew_where_there_is_nothing_to_begin_from() -> None:
    now = _data(crowd=crowd(_listening(60, seed=3)))
    fresh = Als().fit(now).recommend(_heard("t0"), 5)
    assert Als().refit(Als(), now).recommend(_heard("t0"), 5) == fresh
    assert Als().refit(Als(n_factors=8).fit(now), now).recommend(_heard("t0"), 5) == fresh
    assert Als().refit(Als().fit(_data()), now).recommend(_heard("t0"), 5) == fresh


def test_a_refit_of_artists() -> None:
    rows = [(who, None, artist, n) for who, _, artist, n in _listening(60, seed=4)]
    old = Als().fit(_data(crowd=crowd(r for r in rows if r[2] != "a-t6")))
    again = Als().refit(old, _data(crowd=crowd(rows)))
    assert set(again.recommend(_heard("t0", "t2"), 2).track_ids) == {"t4", "t6"}


def test_a_small_crowd_is_not_learned_from() -> None:
    model = Als().fit(_data(crowd=crowd(_two_camps(5))))
    assert not len(model.recommend(_heard("t0"), 5))
    assert model.silent_because() == "there is no crowd of at least 20 listeners"


def test_a_crowd_that_knows_artists_only() -> None:
    rows = []
    for i in range(15):
        rows += [(f"r{i}", None, f"a-{t}", 9.0) for t in IDS[:4] if t != IDS[i % 4]]
        rows += [(f"j{i}", None, f"a-{t}", 9.0) for t in IDS[4:] if t != IDS[4 + i % 4]]
    answer = Als().fit(_data(crowd=crowd(rows))).recommend(_heard("t0", "t1"), 2)
    assert set(answer.track_ids) == {"t2", "t3"}
    for (fact,) in answer.evidence:
        assert fact.kind == "like_you"
        assert fact.other_id in ("t0", "t1")
        assert fact.artist == f"Artist {fact.other_id}"
        assert fact.listeners and 0 < fact.listeners <= 15


def test_unknown_tracks_of_a_known_artist_say_so() -> None:
    table = tracks({"track_id": t, "artist_id": f"a{int(t[1]) % 4}"} for t in IDS)
    rows = [(f"l{i}", None, f"a{a}", 5.0) for i in range(25) for a in range(4) if i % 4 != a]
    data = training_data(table, None, crowd(rows), as_of=NOW)
    answer = Als().fit(data).recommend(_heard("t0", "t0"), 8)
    facts = {t: fact for t, (fact,) in zip(answer.track_ids, answer.evidence, strict=True)}
    assert (facts["t4"].kind, facts["t4"].plays) == ("artist", 2)
    assert facts["t5"].kind == "like_you"


def test_popular_needs_people_or_a_catalogue_that_says() -> None:
    alone = Popular().fit(_data(plays=plays([("me", "t0", NOW)])))
    assert not len(alone.recommend(Query(None, NOW), 5))
    assert alone.silent_because() is not None


def test_popular_counts_listeners_and_prefers_the_users_genres() -> None:
    rows = [(f"l{i}", "t0", "a-t0", 1.0) for i in range(9)]
    rows += [(f"l{i}", "t5", "a-t5", 1.0) for i in range(8)]
    model = Popular().fit(_data(crowd=crowd(rows)))
    assert model.recommend(Query(None, NOW), 5).track_ids == ("t0", "t5")
    answer = model.recommend(_heard("t6"), 5)
    assert answer.track_ids == ("t5", "t0")
    (fact,) = answer.evidence[0]
    assert (fact.kind, fact.listeners, fact.genres) == ("popular", 8, ("jazz",))


def test_popular_fades() -> None:
    counts = mart(
        "crowd_counts",
        [
            {
                "crowd": "c",
                "listener_id": f"l{i}",
                "track_id": t,
                "plays": 1.0,
                "last_played_at": at,
            }
            for t, at, n in (("t1", days_ago(900), 5), ("t2", days_ago(1), 4))
            for i in range(n)
        ],
    )
    answer = Popular().fit(_data(crowd=counts)).recommend(Query(None, NOW), 5)
    assert answer.track_ids == ("t2", "t1")


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), 0.0, -3.0])
def test_counts_that_are_no_counts_are_left_out(amount: float) -> None:
    data = _data(crowd=crowd([("l0", "t0", "a", amount), ("l1", "t1", "a", 1.0)]))
    assert data.interactions.matrix.nnz == 1
