"""Ranking is the same whatever the last digits of a sum."""

from __future__ import annotations

import numpy as np

from segue.recommenders.ranking import best, steadied


def test_noise_in_the_last_digits_does_not_change_the_order() -> None:
    scores = np.array([0.5, 0.25, 0.5, 0.75, 0.25])
    noisy = scores * (1 + np.array([1e-9, 3e-9, 5e-9, -2e-9, 4e-9]))
    assert best(noisy, 5).tolist() == best(scores, 5).tolist() == [3, 0, 2, 1, 4]
    assert best(noisy, 2).tolist() == [3, 0]


def test_six_digits_are_kept_at_every_scale() -> None:
    for scale in (1e-12, 1.0, 1e12):
        values = np.array([1.0, 1.00001, 1.0001]) * scale
        assert best(values, 3).tolist() == [2, 1, 0]
        np.testing.assert_allclose(steadied(values), values, rtol=1e-6)
    assert steadied(np.array([-np.inf, 0.0, np.inf])).tolist() == [-np.inf, 0.0, np.inf]
    twice = steadied(steadied(values))
    assert twice.tolist() == steadied(values).tolist()
