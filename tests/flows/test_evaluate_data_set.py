"""Recommenders compared on data sets whose answers are plain, whatever way they are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import numpy as np
import pytest

from segue.errors import ConfigError
from segue.evaluation.data_splits import SplitRule
from segue.features.interactions import Interactions
from segue.features.listens import Listens
from segue.features.ranked import Ranked
from segue.features.training_data import Sessions, TrainingData
from segue.flows.evaluate_data_set import Asking, evaluate_data_set
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.progress import Silent
from segue.recommenders.base import Recommender
from tests.data_sets import listens

DAY = 86_400.0


class OneByOne:
    """Answers the tracks in the order of their ids, one question at a time; notes the questions."""

    name: ClassVar[str] = "one_by_one"

    def __init__(self) -> None:
        self.queries: list[Query] = []
        self.ids_: list[str] = []

    def fit(self, data: TrainingData) -> Self:
        self.ids_ = [str(track) for track in data.catalogue.track_ids]
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        self.queries.append(query)
        known = set(query.history["track_id"].to_pylist()) if query.mix == "discover" else set()
        found = tuple(track for track in self.ids_ if track not in known)[:k]
        scores = tuple(float(-i) for i in range(len(found)))
        return Candidates(
            found, scores, ((self.name,),) * len(found), ((Evidence("popular"),),) * len(found)
        )


class InBulk(OneByOne):
    """The same lists for many at once."""

    name: ClassVar[str] = "in_bulk"

    def top(self, histories: Interactions, k: int, *, known: bool = False) -> Ranked:
        lists = np.full((histories.n_users, k), -1, np.int32)
        for row in range(histories.n_users):
            heard = set() if known else set(histories.matrix[[row]].indices.tolist())
            found = [track for track in range(histories.n_tracks) if track not in heard][:k]
            lists[row, : len(found)] = found
        return Ranked(lists, -np.broadcast_to(np.arange(k, dtype=np.float32), lists.shape))


class OfSessions(InBulk):
    """The same lists for beginnings of sessions."""

    name: ClassVar[str] = "of_sessions"

    def next_tracks(self, prefixes: Sessions, k: int) -> Ranked:
        lists = np.tile(np.arange(k, dtype=np.int32), (len(prefixes), 1))
        return Ranked(lists, -np.broadcast_to(np.arange(k, dtype=np.float32), lists.shape))


class Made(OneByOne):
    """Made of another: passes its answers on."""

    name: ClassVar[str] = "made"

    def with_parts(self, parts: Mapping[str, Recommender]) -> Self:
        self.part = parts["in_bulk"]
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        return self.part.recommend(query, k)


class Mute(OneByOne):
    """Has nothing to say."""

    name: ClassVar[str] = "mute"

    def recommend(self, query: Query, k: int) -> Candidates:
        return Candidates()


def _by_hand(data: Listens) -> list[tuple[set[str], set[str]]]:
    """For each listener with a test: what is no answer, and what is right, from given files."""
    cases = []
    for listener in range(data.n_listeners):
        mine = data.listeners == listener
        names = data.catalogue.track_ids[data.tracks]
        known = set(names[mine & (data.part < 2)].tolist())
        right = set(names[mine & (data.part == 2)].tolist()) - known
        if right:
            cases.append((known, right))
    return cases


def test_every_way_of_asking_comes_to_what_is_worked_by_hand() -> None:
    rng = np.random.default_rng(2)
    rows = [(f"u{i}", f"t{t:02}") for i in range(30) for t in rng.choice(40, 12, replace=False)]
    part = np.tile([0] * 8 + [1] * 2 + [2] * 2, 30)
    data = listens(rows, part=part.tolist())
    cases = _by_hand(data)
    ids = data.catalogue.track_ids.tolist()
    lists = [[track for track in ids if track not in known][:5] for known, _ in cases]
    recall = np.mean(
        [
            len(right & set(list_)) / len(right)
            for list_, (_, right) in zip(lists, cases, strict=True)
        ]
    )
    hits = np.mean(
        [bool(right & set(list_)) for list_, (_, right) in zip(lists, cases, strict=True)]
    )
    coverage = len({track for list_ in lists for track in list_}) / len(ids)
    board = evaluate_data_set(
        data,
        lambda _: [OneByOne(), InBulk(), Made()],
        Asking(SplitRule("files"), ks=(5,)),
        progress=Silent(),
    )
    for model in ("one_by_one", "in_bulk", "made"):
        score = board.score(model, 5)
        assert score.cases == len(cases) == 30
        assert score.metrics["recall"].value == pytest.approx(recall)
        assert score.metrics["hit_rate"].value == pytest.approx(hits)
        assert score.coverage == pytest.approx(coverage)


def test_beginnings_of_sessions_are_the_same_cases_for_every_model() -> None:
    rng = np.random.default_rng(3)
    rows = [(f"s{i:02}", f"t{t}") for i in range(40) for t in rng.integers(0, 9, 6)]
    board = evaluate_data_set(
        listens(rows, sessions=True),
        lambda _: [OneByOne(), InBulk(), OfSessions()],
        Asking(SplitRule("sessions", hold_out=0.2), ks=(3,)),
        shown=["one_by_one", "in_bulk", "of_sessions"],
        progress=Silent(),
    )
    models = ("one_by_one", "in_bulk", "of_sessions")
    for part in ("all", "repeats", "discoveries"):
        found = [board.score(model, 3, part) for model in models]
        assert len({score.cases for score in found}) == 1
        assert len({score.metrics["ndcg"].value for score in found}) == 1
    assert board.score("in_bulk", 3).cases == 8 * 5
    parts = [board.score("in_bulk", 3, part).cases for part in ("repeats", "discoveries")]
    assert sum(parts) == 40
    assert parts[0] > 5


def test_dated_histories_are_asked_with_their_times() -> None:
    rows = [(f"u{i}", f"t{n}", DAY * n) for i in range(4) for n in range(10)]
    model = OneByOne()
    asking = Asking(SplitRule("time", hold_out=0.2), ks=(3,), repeats=True)
    evaluate_data_set(listens(rows), lambda _: [model], asking, progress=Silent())
    query = model.queries[0]
    assert query.mix == "daily"
    at = [moment.timestamp() / DAY for moment in query.history["played_at"].to_pylist()]
    assert at == list(range(8))
    assert query.now.timestamp() / DAY == 7


def test_counts_become_plays_at_the_moment_of_the_question() -> None:
    nan = float("nan")
    rows = [("u", "a", nan, 3.0), ("u", "b", nan, 5_000.0), ("u", "c", nan, 1.0), ("v", "c")]
    model = OneByOne()
    asking = Asking(SplitRule("files"), ks=(1,))
    data = listens(rows, part=[0, 0, 2, 0])
    evaluate_data_set(data, lambda _: [model], asking, progress=Silent())
    assert model.queries[0].history["track_id"].to_pylist() == ["a"] * 3 + ["b"] * 20


def test_who_says_nothing_is_named_with_the_reason() -> None:
    data = listens([(f"u{i}", f"t{n}") for i in range(4) for n in range(10)])
    asking = Asking(SplitRule("random"), ks=(3,))
    board = evaluate_data_set(data, lambda _: [Mute(), OneByOne()], asking, progress=Silent())
    assert "no answer" in board.silent["mute"]
    with pytest.raises(ConfigError, match="anything to say"):
        evaluate_data_set(data, lambda _: [Mute()], asking, progress=Silent())


@pytest.mark.parametrize(("rule", "seeds"), [("random", 3), ("leave-last", 1)])
def test_seeds_count_where_the_split_is_drawn(rule: str, seeds: int) -> None:
    rows = [(f"u{i}", f"t{n}", DAY * n) for i in range(4) for n in range(10)]
    made: list[int] = []

    def make(seed: int) -> Sequence[Recommender]:
        made.append(seed)
        return [OneByOne()]

    board = evaluate_data_set(
        listens(rows),
        make,
        Asking(SplitRule(rule), ks=(3,)),  # type: ignore[arg-type]  # one of the names
        seeds=(5, 6, 7),
        progress=Silent(),
    )
    assert made == list(board.seeds) == [5, 6, 7][:seeds]
    assert len(board.by_seed["one_by_one"]["ndcg"]) == seeds
    assert board.score("one_by_one", 3).metrics["ndcg"].value == pytest.approx(
        np.mean(board.by_seed["one_by_one"]["ndcg"])
    )
