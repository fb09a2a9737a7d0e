"""Placing vectors in a plane: neighbours stay neighbours, and the same vectors the same plane."""

from __future__ import annotations

import numpy as np
import pytest

from segue.features.plane import lay_out, place_among, principal


def _groups(rng: np.random.Generator) -> np.ndarray:
    centres = rng.normal(0, 1, (3, 8))
    return np.vstack([centre + rng.normal(0, 0.08, (40, 8)) for centre in centres]).astype("f4")


def test_what_is_alike_stands_together() -> None:
    vectors = _groups(np.random.default_rng(1))
    told: list[float] = []
    place = lay_out(vectors, rng=np.random.default_rng(2), tell=told.append)
    again = lay_out(vectors, rng=np.random.default_rng(2))
    assert np.array_equal(place, again)
    assert place.shape == (120, 2) and place.dtype == np.float32
    assert place.min() >= 0 and place.max() <= 1
    assert told[-1] == 1.0 and told == sorted(told)
    apart = ((place[:, None] - place[None]) ** 2).sum(axis=2) + np.eye(120) * 9
    nearest = apart.argsort(axis=1)[:, :5]
    assert (nearest // 40 == np.arange(120)[:, None] // 40).mean() > 0.98


@pytest.mark.parametrize("n", [0, 1, 2, 12])
def test_few_vectors_have_a_plane_too(n: int) -> None:
    vectors = np.random.default_rng(3).normal(0, 1, (n, 1 if n == 2 else 5)).astype("f4")
    place = lay_out(vectors, rng=np.random.default_rng(4))
    assert place.shape == (n, 2)
    assert np.isfinite(place).all()


def test_directions_come_in_order_and_with_a_sign() -> None:
    vectors = np.random.default_rng(5).normal(0, 1, (50, 3)) * [3, 1, 0.1]
    found = principal(vectors.astype("f4"), 3)
    spread = found.std(axis=0)
    assert spread[0] > spread[1] > spread[2]
    assert np.array_equal(found[:, :2], principal(vectors.astype("f4"), 2))


def test_a_further_vector_stands_where_those_like_it_stand() -> None:
    vectors = np.array([[0, 0, 0], [1, 0, 0], [0, 9, 0], [0, 9, 1], [5, 5, 5]], np.float32)
    places = np.array([[0.1, 0.1], [0.2, 0.1], [0.9, 0.9], [0.9, 0.8], [0.5, 0.5]], np.float32)
    others = np.array([[0, 0, 0], [0, 9, 0.5], [0.5, 0, 0]], np.float32)
    found = place_among(vectors, places, others)
    assert found.dtype == np.float32
    assert np.abs(found[0] - places[0]).max() < 1e-3
    assert np.abs(found[1] - [0.9, 0.85]).max() < 0.02
    assert np.abs(found[2] - [0.15, 0.1]).max() < 0.02
    assert place_among(vectors, places, others[:0]).shape == (0, 2)
    assert place_among(vectors[:1], places[:1], others).tolist() == [places[0].tolist()] * 3
