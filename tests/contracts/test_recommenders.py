"""What every recommender keeps to; a new one adds one line to MAKERS."""

from __future__ import annotations

import dataclasses
import gc
import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np
import pyarrow as pa
import pytest

from segue.errors import NotFittedError
from segue.features.from_marts import training_data
from segue.features.training_data import TrainingData
from segue.music.query import HISTORY, Filters, Mix, Query
from segue.recommenders.als import Als
from segue.recommenders.base import Composed, Similar, StoredRecommender
from segue.recommenders.bpr import Bpr
from segue.recommenders.content import Content
from segue.recommenders.crowd_blend import CrowdBlend
from segue.recommenders.ease import Ease
from segue.recommenders.hybrid import Hybrid
from segue.recommenders.item_knn import ItemKnn
from segue.recommenders.most_played import MostPlayed
from segue.recommenders.next_track import NextTrackRanker
from segue.recommenders.popular import Popular
from segue.recommenders.rediscover import Rediscover
from segue.recommenders.repeats import Repeats
from segue.recommenders.rp3beta import Rp3Beta
from segue.recommenders.sequential_rules import SequentialRules
from segue.recommenders.session_knn import SessionKnn
from segue.recommenders.told_neighbours import Neighbours
from segue.recommenders.track2vec import Track2Vec
from tests.tiny import NOW, crowd, crowd_sessions, days_ago, history, mart, plays, said, tracks


class HybridOfAll(Hybrid):
    """The hybrid together with what it asks, so that one fit serves all."""

    def fit(self, data: TrainingData) -> Self:
        models = [make().fit(data) for make in MAKERS if make not in NOT_BLENDED]
        return super().fit(data).with_parts({model.name: model for model in models})


class SmallNextTrack(NextTrackRanker):
    """Content with few sessions."""

    def __init__(self, *, fewest_sessions: int = 20, **settings: Any) -> None:
        super().__init__(fewest_sessions=fewest_sessions, **settings)


class SmallTrack2Vec(Track2Vec):
    """Content with few sessions, gone through often."""

    def __init__(self, *, fewest_sessions: int = 20, **settings: Any) -> None:
        super().__init__(**{"size": 8, "epochs": 60, **settings}, fewest_sessions=fewest_sessions)


Maker = Callable[[], StoredRecommender]
MAKERS: list[Maker] = [
    MostPlayed,
    Popular,
    Rediscover,
    Repeats,
    Content,
    SessionKnn,
    Als,
    ItemKnn,
    Ease,
    SequentialRules,
    SmallTrack2Vec,
    SmallNextTrack,
    HybridOfAll,
    Rp3Beta,
    Bpr,
    CrowdBlend,
    Neighbours,
]
NOT_BLENDED: list[Maker] = [HybridOfAll, SequentialRules, SmallTrack2Vec, SmallNextTrack]
COLLABORATIVE: list[Maker] = [SessionKnn, Als, ItemKnn, Ease, Rp3Beta, Bpr, CrowdBlend]

pytestmark = pytest.mark.parametrize("make", MAKERS, ids=lambda make: str(make.__name__))

MIXES: tuple[Mix, ...] = get_args(Mix)
ROCK = [f"t0{i}" for i in range(10)]
JAZZ = [f"t1{i}" for i in range(10)]


def _camps() -> TrainingData:
    """Thirty listeners of rock and thirty of jazz, each without two tracks of their camp."""
    listeners, sessions = [], []
    for camp, name in ((ROCK, "r"), (JAZZ, "j")):
        for i in range(30):
            kept = [track for n, track in enumerate(camp) if n not in (i % 10, (i + 3) % 10)]
            listeners += [(f"{name}{i:02}", track, f"a-{track}", 1.0 + i % 3) for track in kept]
            sessions.append(kept)
    audio = {"danceability": 0.5, "valence": 0.5, "tempo": 120.0}
    table = tracks(
        {
            "track_id": track,
            "genres": [genre],
            "energy": energy + i / 100,
            "year": 1990 + i,
            "popularity": 50.0 + i,
            **audio,
        }
        for camp, genre, energy in ((ROCK, "rock", 0.8), (JAZZ, "jazz", 0.2))
        for i, track in enumerate(camp)
    )
    local = plays(("me", track, days_ago(n + 100)) for n, track in enumerate(ROCK[:8]))
    alike = [
        {
            "source": source,
            "kind": kind,
            "subject": camp[one],
            "track_id": camp[other],
            "score": 1 / (1 + abs(one - other)),
        }
        for camp in (ROCK, JAZZ)
        for one in range(10)
        for other in range(10)
        for source, kind in (("listenbrainz", "similar_track"), ("lastfm", "similar_artist"))
        if one != other
    ]
    return training_data(
        table,
        local,
        crowd(listeners),
        crowd_sessions=crowd_sessions(sessions),
        neighbours=mart("neighbours", alike),
        as_of=NOW,
    )


@pytest.fixture(scope="module")
def camps() -> TrainingData:
    return _camps()


def _query(**changes: object) -> Query:
    """Somebody who knows eight rock tracks: played five times each, two of them lately."""
    rows = [
        (track, days_ago(120 + 7 * n + day)) for n, track in enumerate(ROCK[:8]) for day in range(5)
    ]
    rows += [(track, days_ago(1 + n + day)) for n, track in enumerate(ROCK[:2]) for day in range(4)]
    query = Query("me", NOW, mix="daily", history=history(rows))
    return replace(query, **changes)  # type: ignore[arg-type]  # the names are Query's


def _queries() -> list[Query]:
    queries = [_query(mix=mix) for mix in MIXES]
    queries += [_query(mix=mix, seeds=(JAZZ[0],)) for mix in MIXES]
    queries += [Query(None, NOW, mix=mix) for mix in MIXES]  # nothing known
    queries.append(_query(mix="discover", filters=Filters(genres=("jazz",), years=(1995, None))))
    queries.append(Query("stranger", NOW, history=history([("unknown-track", days_ago(2))])))
    return queries


def test_fit_returns_self(make: Maker, camps: TrainingData) -> None:
    model = make()
    assert model.fit(camps) is model


def test_asked_before_fit_it_says_so(make: Maker) -> None:
    with pytest.raises(NotFittedError, match=make().name):
        make().recommend(_query(), 5)


@pytest.mark.parametrize("k", [0, 1, 3, 100])
def test_answers_are_in_good_order(make: Maker, camps: TrainingData, k: int) -> None:
    model = make().fit(camps)
    for query in _queries():
        answer = model.recommend(query, k)
        assert len(answer) <= k
        assert len(set(answer.track_ids)) == len(answer)
        assert set(answer.track_ids) <= set(ROCK + JAZZ)
        assert all(math.isfinite(score) for score in answer.scores)
        assert all(a >= b for a, b in itertools.pairwise(answer.scores))
        for sources, facts in zip(answer.sources, answer.evidence, strict=True):
            assert len(facts) == len(sources) >= 1
            assert set(sources) <= _voices(model)
        known = {*query.history["track_id"].to_pylist(), *query.seeds}
        for fact in itertools.chain.from_iterable(answer.evidence):
            assert fact.other_id is None or fact.other_id in known
            assert fact.listeners is None or fact.listeners > 0
            assert fact.plays is None or fact.plays > 0


def _voices(model: StoredRecommender) -> set[str]:
    """Whom its answers may name as sources."""
    return set(model.parts_) if isinstance(model, Hybrid) else {model.name}


def _loaded(model: StoredRecommender, folder: Path, data: TrainingData) -> StoredRecommender:
    """The model read back; what is made of others gets them, as it does from a bundle."""
    again = type(model).load(folder, data.catalogue)
    if isinstance(model, Hybrid) and isinstance(again, Composed):
        again.with_parts(model.parts_)
    return again


def test_a_short_answer_begins_a_long_one(make: Maker, camps: TrainingData) -> None:
    model = make().fit(camps)
    for query in _queries():
        assert set(model.recommend(query, 3).track_ids) <= set(model.recommend(query, 9).track_ids)


def test_discover_has_nothing_the_user_knows(make: Maker, camps: TrainingData) -> None:
    query = _query(mix="discover")
    answer = make().fit(camps).recommend(query, 100)
    assert not set(answer.track_ids) & set(query.history["track_id"].to_pylist())


def test_seeds_are_not_answers(make: Maker, camps: TrainingData) -> None:
    model = make().fit(camps)
    for mix in MIXES:
        assert JAZZ[0] not in model.recommend(_query(mix=mix, seeds=(JAZZ[0],)), 100).track_ids


def test_bounds_are_kept_and_do_not_empty_the_answer(make: Maker, camps: TrainingData) -> None:
    model = make().fit(camps)
    for mix in MIXES:
        bounds = Filters(genres=("ROCK",), years=(1990, 1994), exclude_tracks=frozenset({"t02"}))
        answer = model.recommend(_query(mix=mix, filters=bounds), 100)
        assert set(answer.track_ids) <= {"t00", "t01", "t03", "t04"}


def test_same_seed_same_answer(make: Maker, camps: TrainingData) -> None:
    first, second = make().fit(camps), make().fit(_camps())
    for query in _queries():
        assert first.recommend(query, 20) == second.recommend(query, 20)


def test_saved_and_loaded_it_answers_the_same(
    make: Maker, camps: TrainingData, tmp_path: Path
) -> None:
    model = make().fit(camps)
    model.save(tmp_path)
    assert all(path.suffix in (".npy", ".json", ".txt") for path in tmp_path.iterdir())
    again = _loaded(model, tmp_path, camps)
    for query in _queries():
        assert again.recommend(query, 20) == model.recommend(query, 20)
    if isinstance(model, Similar) and isinstance(again, Similar):
        assert again.similar(ROCK[:2], 9) == model.similar(ROCK[:2], 9)


def test_it_keeps_no_training_data(make: Maker) -> None:
    data = _camps()
    model = make().fit(data)
    kept = {id(part) for part in _reachable(model)}
    parts = (data, data.interactions, data.interactions.matrix, data.sessions, data.trend)
    assert not kept & {id(part) for part in parts}


def _reachable(start: object) -> list[object]:
    """What an object holds, without following modules, types and the catalogue's table."""
    found: dict[int, object] = {}
    todo = [start]
    while todo:
        here = todo.pop()
        if id(here) in found or isinstance(here, type | pa.Table):
            continue
        found[id(here)] = here
        if isinstance(here, dict | list | tuple) or dataclasses.is_dataclass(here) or here is start:
            todo += [part for part in gc.get_referents(here) if not callable(part)]
    return list(found.values())


def test_the_future_has_no_effect(make: Maker, camps: TrainingData) -> None:
    model = make().fit(camps)
    for query in _queries():
        later = history([(t, NOW + timedelta(days=d)) for t in JAZZ for d in (1, 2)])
        with_future = replace(query, history=pa.concat_tables([query.history, later]))
        assert model.recommend(with_future, 20) == model.recommend(query, 20)


def test_what_is_hidden_answers_nothing(make: Maker, camps: TrainingData) -> None:
    model = make().fit(camps)
    hidden = said([("hide", track, days_ago(500)) for track in (ROCK[0], ROCK[8])])
    for query in _queries():
        answer = model.recommend(replace(query, feedback=hidden), 100)
        assert not {ROCK[0], ROCK[8]} & set(answer.track_ids)


def test_what_is_to_be_heard_less_rests(make: Maker, camps: TrainingData) -> None:
    model = make().fit(camps)
    lately = said([("less", track, days_ago(80)) for track in (ROCK[0], ROCK[8])])
    for query in _queries():
        answer = model.recommend(replace(query, feedback=lately), 100)
        assert not {ROCK[0], ROCK[8]} & set(answer.track_ids)


@pytest.mark.parametrize("verb", ["known", "like", "less"])
def test_what_was_spoken_of_is_no_discovery(make: Maker, camps: TrainingData, verb: str) -> None:
    words = said([(verb, ROCK[8], days_ago(200))])
    answer = make().fit(camps).recommend(_query(mix="discover", feedback=words), 100)
    assert ROCK[8] not in answer.track_ids


def test_feedback_later_than_the_question_has_no_effect(make: Maker, camps: TrainingData) -> None:
    model = make().fit(camps)
    verbs = ("like", "less", "known", "hide")
    later = said([(v, t, NOW + timedelta(days=1)) for v, t in zip(verbs, ROCK, strict=False)])
    for query in _queries():
        assert model.recommend(replace(query, feedback=later), 20) == model.recommend(query, 20)


def test_likes_lead_where_they_were_said(make: Maker, camps: TrainingData) -> None:
    model = make().fit(camps)
    likes = said([("like", track, days_ago(n)) for n, track in enumerate(JAZZ[:6])])

    def jazz(query: Query) -> float:
        """How high the tracks stand that were liked, or are near those."""
        found = JAZZ[6:] if query.mix == "discover" else JAZZ  # what is liked is no discovery
        places = {t: n for n, t in enumerate(model.recommend(query, 20).track_ids, start=1)}
        return sum(1 / places[track] for track in found if track in places)

    for mix in ("discover", "daily"):
        plain, liked = jazz(_query(mix=mix)), jazz(_query(mix=mix, feedback=likes))
        assert liked >= plain
        if make in COLLABORATIVE and mix == "discover":
            assert liked > plain


def test_less_leads_away_from_where_it_was_said(make: Maker, camps: TrainingData) -> None:
    model = make().fit(camps)
    both = history([(t, days_ago(3 + n)) for n, t in enumerate([*ROCK[:6], *JAZZ[:6]])])
    unwanted = said([("less", track, days_ago(1)) for track in ROCK[:6]])

    def rock(query: Query) -> float:
        places = {t: n for n, t in enumerate(model.recommend(query, 20).track_ids, start=1)}
        return sum(1 / places[track] for track in ROCK[6:] if track in places)

    plain = Query("me", NOW, history=both)
    assert rock(replace(plain, feedback=unwanted)) <= rock(plain)
    if make in COLLABORATIVE:
        assert rock(replace(plain, feedback=unwanted)) < rock(plain)


def test_any_feedback_is_never_an_error(make: Maker, camps: TrainingData) -> None:
    model = make().fit(camps)
    verbs = ("less", "like", "known", "hide")
    for turn in range(4):
        words = said(
            [(verbs[(n + turn) % 4], t, days_ago(n)) for n, t in enumerate([*JAZZ, *ROCK])]
        )
        for mix in MIXES:
            model.recommend(_query(mix=mix, feedback=words), 10)
            model.recommend(_query(mix=mix, feedback=words, seeds=(JAZZ[0],)), 10)


def test_feedback_alone_is_never_an_error(make: Maker, camps: TrainingData) -> None:
    model = make().fit(camps)
    for verb in ("like", "less", "known", "hide"):
        for mix in MIXES:
            words = said([(verb, track, days_ago(3)) for track in JAZZ])
            model.recommend(Query("me", NOW, mix=mix, feedback=words), 10)


def test_training_plays_after_the_cut_have_no_effect(make: Maker) -> None:
    known = _camps()
    table = known.catalogue.tracks
    past = [("me", track, days_ago(10 + n)) for n, track in enumerate(ROCK)]
    future = [("you", track, NOW + timedelta(days=1)) for track in JAZZ]
    counts = crowd((f"l{i:02}", t, f"a-{t}", 2.0) for i in range(25) for t in ROCK[i % 3 :])
    without = make().fit(training_data(table, plays(past), counts, as_of=NOW))
    with_it = make().fit(training_data(table, plays([*past, *future]), counts, as_of=NOW))
    for query in _queries():
        assert with_it.recommend(query, 20) == without.recommend(query, 20)


def test_withheld_tracks_of_the_own_camp_are_found(make: Maker, camps: TrainingData) -> None:
    if make not in COLLABORATIVE:
        pytest.skip("learns nothing from others")
    for mix in ("discover", "daily"):
        answer = make().fit(camps).recommend(_query(mix=mix), 100)
        unknown = [track for track in answer.track_ids if track not in ROCK[:8]]
        assert set(unknown[:2]) == set(ROCK[8:])


@pytest.mark.parametrize("nothing", ["tracks", "features", "titles", "crowd", "plays", "all"])
def test_poor_data_is_never_an_error(make: Maker, nothing: str, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"track_id": t, "genres": ["rock"], "energy": 0.5, "year": 2000, "popularity": 10.0}
        for t in ROCK
    ]
    if nothing == "features":
        rows = [{"track_id": t, "genres": None, "artist_id": None} for t in ROCK]
    if nothing == "titles":
        rows = [{**row, "title": None} for row in rows]
    local = plays([("me", t, days_ago(200)) for t in ROCK[:3]])
    counts = crowd((f"l{i:02}", t, f"a-{t}", 1.0) for i in range(30) for t in ROCK)
    empty = nothing == "all"
    data = training_data(
        tracks([] if nothing in ("tracks", "all") else rows),
        None if empty or nothing == "plays" else local,
        None if empty or nothing == "crowd" else counts,
        as_of=NOW,
    )
    model = make().fit(data)
    model.save(tmp_path)
    for each in (model, _loaded(model, tmp_path, data)):
        for query in _queries():
            answer = each.recommend(query, 10)
            assert nothing != "titles" or not len(answer)


def test_an_unusual_history_is_never_an_error(make: Maker, camps: TrainingData) -> None:
    model = make().fit(camps)
    skipped = history([(ROCK[0], NOW)], counted=False, finished=False, skipped=True)
    nulls = pa.table(
        {name: pa.nulls(3, HISTORY.field(name).type) for name in HISTORY.names}, schema=HISTORY
    )
    chunked = pa.concat_tables([history([(t, days_ago(3))]) for t in ROCK[:3]])
    ancient = history([(t, days_ago(18_000)) for t in ROCK[:3]])
    for table in (skipped, nulls, chunked, ancient, HISTORY.empty_table()):
        for mix in MIXES:
            model.recommend(Query("me", NOW, mix=mix, history=table), 10)


def test_similar_tracks_exclude_the_given(make: Maker, camps: TrainingData) -> None:
    model = make().fit(camps)
    if not isinstance(model, Similar):
        pytest.skip("knows no similar tracks")
    answer = model.similar([ROCK[0], "unknown"], 5)
    assert len(answer) == 5
    assert set(answer.track_ids) <= set(ROCK[1:])
    assert {fact.other_id for (fact,) in answer.evidence} == {ROCK[0]}
    assert len(model.similar(["unknown"], 5)) == len(model.similar([], 5)) == 0


def test_ties_go_by_track_id(make: Maker) -> None:
    table = tracks(
        {"track_id": t, "genres": ["rock"], "energy": 0.5, "popularity": 1.0} for t in ROCK
    )
    model = make().fit(training_data(table, as_of=NOW))
    answer = model.recommend(Query("me", NOW, history=history([(ROCK[5], days_ago(1))])), 20)
    for score in np.unique(answer.scores):
        tied = [t for t, s in zip(answer.track_ids, answer.scores, strict=True) if s == score]
        assert tied == sorted(tied)
