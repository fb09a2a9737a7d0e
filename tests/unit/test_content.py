"""Nearness in sound: the obvious neighbour wins, mixed tastes stay apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segue.features.catalogue import Catalogue
from segue.features.from_marts import training_data
from segue.features.vectors import track_vectors
from segue.music.query import Query
from segue.recommenders.content import Content
from tests.tiny import NOW, days_ago, history, tracks


def _track(track_id: str, genre: str | None, energy: float | None, **more: Any) -> dict[str, Any]:
    features = {"danceability": 0.5, "valence": 0.5, "tempo": 120.0, "acousticness": 0.2}
    if energy is None:
        features = {}
    genres = [genre] if genre else []
    return {
        "track_id": track_id,
        "genres": genres,
        "energy": energy,
        "year": 2000,
        **features,
        **more,
    }


def _fit(rows: list[dict[str, Any]]) -> Content:
    return Content().fit(training_data(tracks(rows), as_of=NOW))


LOUD = [_track(f"loud{i}", "metal", 0.9 + i / 100) for i in range(6)]
SOFT = [_track(f"soft{i}", "folk", 0.1 + i / 100) for i in range(6)]


def test_the_neighbour_is_found_and_named() -> None:
    answer = _fit(LOUD + SOFT).similar(["loud0"], 3)
    assert answer.track_ids == ("loud1", "loud2", "loud3")
    ((fact,), *_) = answer.evidence
    assert (fact.kind, fact.other_id, fact.genres) == ("close", "loud0", ("metal",))
    assert len(fact.features) == 2


def test_a_mixed_taste_gets_both_and_not_the_middle() -> None:
    middle = [_track(f"mid{i}", "pop", 0.5 + i / 100) for i in range(6)]
    liked = ["loud0", "loud1", "loud2", "soft0", "soft1", "soft2"]
    table = history([(t, days_ago(n + day)) for n, t in enumerate(liked) for day in (1, 2)])
    answer = _fit(LOUD + SOFT + middle).recommend(Query("me", NOW, history=table), 6)
    assert set(answer.track_ids) == {"loud3", "loud4", "loud5", "soft3", "soft4", "soft5"}
    for track, (fact,) in zip(answer.track_ids, answer.evidence, strict=True):
        assert fact.other_id is not None and fact.other_id[:4] == track[:4]


def test_what_is_always_skipped_does_not_attract() -> None:
    skipped = history(
        [(f"loud{i}", days_ago(d)) for i in range(3) for d in (1, 2)],
        counted=False,
        finished=False,
        skipped=True,
    )
    assert not len(_fit(LOUD + SOFT).recommend(Query("me", NOW, history=skipped), 5))


def test_genres_alone_or_features_alone_are_enough() -> None:
    rows = [
        *LOUD,
        _track("genre-only", "metal", None, year=None),
        _track("sound-only", None, 0.9, year=None),
        _track("nothing", None, None),
    ]
    found = _fit(rows).similar(["loud0"], 20).track_ids
    assert {"genre-only", "sound-only"} <= set(found)
    assert "nothing" not in found


def test_one_artist_does_not_fill_the_answer() -> None:
    rows = [{**row, "artist_id": "same"} for row in LOUD] + SOFT
    answer = _fit(rows).recommend(
        Query("me", NOW, history=history([("loud0", days_ago(1)), ("soft0", days_ago(1))])), 20
    )
    assert sum(track.startswith("loud") for track in answer.track_ids) == 4


def test_seeds_steer() -> None:
    table = history([(f"loud{i}", days_ago(1)) for i in range(3)])
    query = Query("me", NOW, mix="similar", history=table, seeds=("soft0",))
    answer = _fit(LOUD + SOFT).recommend(query, 3)
    assert answer.track_ids == ("soft1", "soft2", "soft3")


def test_cosines_are_exact() -> None:
    rng = np.random.default_rng(3)
    genres = [["a"], ["a", "b c"], ["b d"], [], ["c"]]
    rows = [
        {
            "track_id": f"t{i:02}",
            "genres": genres[i % 5],
            "year": 1960 + i,
            **{n: float(rng.random()) for n in ("energy", "valence", "danceability")},
        }
        for i in range(30)
    ]
    vectors = track_vectors(Catalogue(tracks(rows)))
    full = vectors.at(np.arange(30))
    assert np.allclose(vectors.cosines(full), full @ full, atol=1e-6)
    assert np.allclose(np.diag(full @ full), 1, atol=1e-5)
    assert (full @ full).max() <= 1 + 1e-5


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1e30, 1e30])
def test_absurd_features_stay_finite(bad: float) -> None:
    rows = [*LOUD, *SOFT, _track("odd", "metal", bad, tempo=bad, speechiness=bad)]
    vectors = track_vectors(Catalogue(tracks(rows)))
    assert np.isfinite(vectors.dense).all()
    assert "odd" in _fit(rows).similar(["loud0"], 20).track_ids


def test_one_track_alone() -> None:
    model = _fit(LOUD[:1])
    assert not len(model.similar(["loud0"], 3))
    assert not len(model.recommend(Query("me", NOW, history=history([("loud0", NOW)])), 3))


def test_of_equally_near_tracks_the_better_known_comes_first() -> None:
    rows = [_track(f"t{i}", "pop", None, year=None, popularity=p) for i, p in enumerate((0, 5, 90))]
    assert _fit(rows).similar(["t0"], 5).track_ids == ("t2", "t1")
