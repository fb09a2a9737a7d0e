"""The second stage: what it learns from past weeks, when it may rank, and how it explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pytest

from segue.features.from_marts import training_data
from segue.features.lessons import Lesson
from segue.features.training_data import TrainingData
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.base import Recommender
from segue.recommenders.hybrid import Hybrid
from segue.recommenders.hybrid.forest import Forest
from segue.recommenders.hybrid.ranker import Examples, ndcg
from tests.tiny import NOW, days_ago, history, tracks

IDS = [f"t{i:03}" for i in range(120)]


class _List:
    """Answers every question with the same tracks."""

    def __init__(self, name: str, track_ids: Sequence[str]) -> None:
        self.name = name
        self.track_ids = tuple(track_ids)

    def fit(self, data: TrainingData) -> _List:
        del data
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        del query
        n = min(k, len(self.track_ids))
        return Candidates(
            self.track_ids[:n],
            tuple(1.0 - i / 1000 for i in range(n)),
            ((self.name,),) * n,
            ((Evidence(kind=self.name),),) * n,
        )


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return training_data(tracks({"track_id": t, "genres": ["rock"]} for t in IDS), as_of=NOW)


def _parts(**lists: Sequence[str]) -> dict[str, Recommender]:
    return {name: _List(name, ids) for name, ids in lists.items()}  # type: ignore[misc]  # a stand-in


def _query(weeks_ago: int = 0, **changes: Any) -> Query:
    now = days_ago(7 * weeks_ago)
    heard = history([(IDS[i], days_ago(i % 30 + 1, now)) for i in range(20)])
    return replace(Query("me", now, mix="discover", history=heard), **changes)


def _lessons(data: TrainingData, played: Sequence[str], n: int = 24) -> list[Lesson]:
    rows = np.sort(data.catalogue.rows(played))
    return [Lesson(_query(w), rows, np.ones(len(rows), bool)) for w in range(n, 0, -1)]


WRONG, RIGHT = IDS[20:70], IDS[70:120]


def _taught(data: TrainingData, threads: int = 1) -> Hybrid:
    """The blend trusts "als", of which nothing is ever played; "content" is always right."""
    hybrid = Hybrid(threads=threads).fit(data).with_parts(_parts(als=WRONG, content=RIGHT))
    return hybrid.learn(_lessons(data, RIGHT[:10]))


def test_it_learns_whom_to_believe(data: TrainingData) -> None:
    parts = _parts(als=WRONG, content=RIGHT)
    before = Hybrid().fit(data).with_parts(parts).recommend(_query(), 10)
    assert set(before.track_ids) & set(WRONG)
    after = _taught(data).recommend(_query(), 10)
    assert set(after.track_ids) == set(RIGHT[:10])
    assert set(after.sources) == {("content",)}


def test_it_says_what_it_learned(data: TrainingData) -> None:
    account = _taught(data).account()
    assert "new tracks: learned from 24 weeks" in account
    assert "known tracks: blended as ever" in account


def test_trees_that_guess_no_better_than_the_blend_are_not_used(data: TrainingData) -> None:
    hybrid = Hybrid(threads=1).fit(data).with_parts(_parts(als=RIGHT, content=WRONG))
    hybrid.learn(_lessons(data, RIGHT[:30]))
    assert not hybrid.forests_
    assert "the fixed blend guessed as well" in hybrid.account()


def test_a_few_weeks_are_too_few(data: TrainingData) -> None:
    hybrid = Hybrid(threads=1).fit(data).with_parts(_parts(als=WRONG, content=RIGHT))
    hybrid.learn(_lessons(data, RIGHT[:10], n=5))
    assert not hybrid.forests_
    assert "too little" in hybrid.account()


def test_known_tracks_come_before_new_ones(data: TrainingData) -> None:
    parts = _parts(rediscover=IDS[:5], content=RIGHT[:5])
    answer = Hybrid().fit(data).with_parts(parts).recommend(_query(mix="daily"), 8)
    assert answer.track_ids[:5] == tuple(IDS[:5])
    assert set(answer.track_ids[5:]) <= set(RIGHT)


def test_what_many_propose_names_them_by_what_each_added(data: TrainingData) -> None:
    parts = _parts(als=RIGHT[:3], content=[*WRONG[:20], RIGHT[0]])
    answer = Hybrid().fit(data).with_parts(parts).recommend(_query(), 30)
    at = answer.track_ids.index(RIGHT[0])
    assert answer.sources[at] == ("als", "content")
    assert [fact.kind for fact in answer.evidence[at]] == ["als", "content"]


def test_a_deep_answer_begins_like_a_short_one(data: TrainingData) -> None:
    hybrid = Hybrid(depth=20, threads=1).fit(data)
    hybrid.with_parts(_parts(als=WRONG, content=RIGHT)).learn(_lessons(data, RIGHT[:10]))
    short, deep = hybrid.recommend(_query(), 15), hybrid.recommend(_query(), 100)
    assert deep.track_ids[:15] == short.track_ids
    assert set(deep.track_ids) == {*WRONG, *RIGHT}


def test_saved_and_loaded_the_trees_rank_the_same(data: TrainingData, tmp_path: Path) -> None:
    model = _taught(data)
    model.save(tmp_path)
    assert all(path.suffix in (".npy", ".json") for path in tmp_path.iterdir())
    again = Hybrid.load(tmp_path, data.catalogue).with_parts(model.parts_)
    assert again.recommend(_query(), 30) == model.recommend(_query(), 30)


def test_the_number_of_threads_changes_nothing(data: TrainingData) -> None:
    one, two = _taught(data, threads=1), _taught(data, threads=2)
    assert one.forests_["new"].values.tolist() == two.forests_["new"].values.tolist()
    assert one.recommend(_query(), 30) == two.recommend(_query(), 30)


def test_parts_that_are_gone_propose_nothing(data: TrainingData) -> None:
    model = _taught(data).with_parts(_parts(als=WRONG))
    assert set(model.recommend(_query(), 100).track_ids) == set(WRONG)


def _trained(rng: np.random.Generator) -> tuple[Any, npt.NDArray[np.float64]]:
    table = rng.normal(size=(400, 6))
    table[:, 3] = np.round(table[:, 3])  # ties with thresholds
    wanted = table[:, 0] + (table[:, 3] > 0) * table[:, 1]
    settings = {"num_leaves": 16, "min_data_in_leaf": 3, "verbosity": -1, "num_threads": 1}
    data = lightgbm.Dataset(table, wanted)
    return lightgbm.train(settings, data, num_boost_round=30), table


def test_the_trees_say_what_lightgbm_says() -> None:
    booster, table = _trained(np.random.default_rng(5))
    trees = booster.dump_model()["tree_info"]
    forest = Forest.of_trees(trees, np.arange(6), 6)
    leaves = forest.leaves(table)
    np.testing.assert_allclose(forest.scores(leaves), booster.predict(table), rtol=1e-12)


def test_contributions_add_up_to_the_score() -> None:
    booster, table = _trained(np.random.default_rng(6))
    forest = Forest.of_trees(booster.dump_model()["tree_info"], np.arange(6), 6)
    parts = forest.contributions(forest.leaves(table))
    rest = forest.scores(forest.leaves(table)) - parts.sum(axis=1)
    np.testing.assert_allclose(rest, rest[0], atol=1e-4)
    # what the target never depended on adds next to nothing
    assert np.abs(parts[:, 5]).mean() < np.abs(parts[:, 0]).mean() / 10


def test_ndcg_by_hand() -> None:
    example = Examples(np.zeros((3, 1)), np.array([0, 2, 1], np.int8), np.zeros(3), relevant=4)
    ideal = sum(1 / np.log2(place + 1) for place in (1, 2, 3, 4))
    got = 1 / np.log2(3) + 1 / np.log2(4)  # hits at places two and three
    assert ndcg(np.array([3.0, 2.0, 1.0]), example) == pytest.approx(got / ideal)


def test_what_is_told_later_is_what_is_told_at_once(data: TrainingData) -> None:
    for hybrid in (_taught(data), Hybrid().fit(data).with_parts(_parts(als=WRONG, content=RIGHT))):
        for query in (_query(), _query(mix="daily"), _query(mix="similar", seeds=(IDS[30],))):
            answer = hybrid.recommend(query, 40)
            short = hybrid.shortlist(query, 40)
            assert (short.track_ids, short.scores) == (answer.track_ids, answer.scores)
            assert not any(short.sources)
            assert hybrid.told(query, short) == answer
            some = short.take(range(3, 30, 4))
            assert hybrid.told(replace(query), some) == answer.take(range(3, 30, 4))


def test_of_several_shortlists_each_is_told_as_it_was_ranked(data: TrainingData) -> None:
    hybrid = Hybrid(depth=5).fit(data).with_parts(_parts(als=WRONG, content=RIGHT))
    queries = [_query(), _query(mix="daily"), _query(mix="similar", seeds=(IDS[30],))]
    answers = [hybrid.recommend(query, 40) for query in queries]
    shortlists = [hybrid.shortlist(query, 40) for query in queries]  # deeper than `depth`
    for query, short, answer in zip(queries, shortlists, answers, strict=True):
        assert hybrid.told(query, short) == answer
