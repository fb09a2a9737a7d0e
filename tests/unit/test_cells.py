"""Cells lose next to nothing of an exact search, and nothing at all within narrow bounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench.world import NOW, World, catalogue, training_data

from segue.features.catalogue import Catalogue
from segue.features.cells import cells_of
from segue.features.vectors import track_vectors
from segue.music.query import Filters, Query
from segue.recommenders.content import Content

WORLD = World(40_000)
K = 300


@pytest.fixture(scope="module")
def tracks() -> Catalogue:
    return catalogue(WORLD)


@pytest.fixture(scope="module")
def models(tracks: Catalogue) -> tuple[Content, Content]:
    data = training_data(WORLD, tracks, n_listeners=10, n_pairs=100, n_sessions=10)
    return Content().fit(data), Content(exact_up_to=1_000).fit(data)


def _query(tracks: Catalogue, listener: int, **more: object) -> Query:
    history = WORLD.history(tracks.track_ids, 2_000, listener)
    return replace(Query("me", NOW, history=history), **more)  # type: ignore[arg-type]  # any field


def test_every_track_is_in_one_cell_of_its_genres(tracks: Catalogue) -> None:
    vectors = track_vectors(tracks)
    cells = cells_of(vectors, tracks.fame)
    assert sorted(cells.order.tolist()) == np.flatnonzero(vectors.known).tolist()
    assert cells.sizes.min() >= 1
    assert cells.sizes.max() <= 64
    owner = np.repeat(cells.genre_set, cells.sizes)
    assert (vectors.genre_set[cells.order] == owner).all()
    apart = np.linalg.norm(cells.dense - np.repeat(cells.centres, cells.sizes, axis=0), axis=1)
    assert (apart <= np.repeat(cells.radius, cells.sizes) + 1e-5).all()


def test_nearly_all_of_an_exact_answer_is_found(
    tracks: Catalogue, models: tuple[Content, Content]
) -> None:
    exact, by_cells = models
    found = []
    for listener in range(8):
        query = _query(tracks, listener)
        wanted = set(exact.recommend(query, K).track_ids)
        found.append(len(wanted & set(by_cells.recommend(query, K).track_ids)) / len(wanted))
    assert np.mean(found) >= 0.97


def test_narrow_bounds_are_searched_exactly(
    tracks: Catalogue, models: tuple[Content, Content]
) -> None:
    exact, by_cells = models
    for bounds in (
        Filters(genres=("rare 7",)),
        Filters(genres=("broad 3",)),
        Filters(years=(1960, 1999)),
    ):
        query = _query(tracks, 3, filters=bounds)
        answer = by_cells.recommend(query, K)
        assert len(answer)
        assert answer == exact.recommend(query, K)


def test_cells_are_kept_in_a_bundle(
    tracks: Catalogue, models: tuple[Content, Content], tmp_path: Path
) -> None:
    by_cells = models[1]
    by_cells.save(tmp_path)
    query = _query(tracks, 1)
    assert Content.load(tmp_path, tracks).recommend(query, 50) == by_cells.recommend(query, 50)


def test_what_is_proposed_is_what_is_recommended(
    tracks: Catalogue, models: tuple[Content, Content]
) -> None:
    query = _query(tracks, 5)
    for model in models:
        rows, scores = model.propose(query, 60)
        answer = model.recommend(query, 60)
        assert answer.track_ids == tracks.ids(rows)
        assert answer.scores == tuple(scores.tolist())
        facts = model.explain(query, rows[:5])
        assert [facts[int(row)] for row in rows[:5]] == [said for (said,) in answer.evidence[:5]]
