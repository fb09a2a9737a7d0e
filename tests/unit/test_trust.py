"""How far plays are believed."""

from __future__ import annotations

import numpy as np
import pytest

from segue.recommenders.trust import Trust


def test_more_plays_are_believed_more_and_dislikes_as_much_as_likes() -> None:
    believed = Trust(slope=2.0).of_one(np.array([0.0, 1.0, 3.0, -3.0]))
    assert believed == pytest.approx(1 + 2 * np.log([1, 2, 4, 4]))


def test_levelled_every_listener_is_believed_the_same_on_average() -> None:
    plays = np.array([1.0, 3.0, 1000.0, 50.0, 7.0])
    believed = Trust(slope=1.0, levelling=1.0).of_many(plays, np.array([0, 2, 2, 5])) - 1
    assert (believed[:2] ** 2).mean() == pytest.approx(1)
    assert (believed[2:] ** 2).mean() == pytest.approx(1)
    assert believed[1] == pytest.approx(2 * believed[0])


def test_one_listener_is_believed_as_among_many() -> None:
    trust = Trust(slope=20.0, levelling=0.7)
    mine = np.array([4.0, 1.0, 9.0])
    among = trust.of_many(np.concatenate([[2.0], mine]), np.array([0, 1, 4]))
    assert trust.of_one(mine) == pytest.approx(among[1:])


def test_a_listener_without_plays_divides_by_nothing() -> None:
    assert Trust(levelling=1.0).of_one(np.zeros(2)) == pytest.approx(1)
    assert len(Trust(levelling=1.0).of_one(np.zeros(0))) == 0
