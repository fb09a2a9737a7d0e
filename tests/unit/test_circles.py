"""What friends play: their sums by eye, and what they change in the blend."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from segue.features.from_marts import training_data
from segue.features.interactions import Interactions
from segue.features.training_data import TrainingData
from segue.recommenders.circles import Circles, circles_of
from segue.recommenders.crowd_blend import CrowdBlend
from tests.tiny import NOW, crowd, tracks

_STRANGER = "stranger"


def _tiny() -> Interactions:
    """Ann plays t0, Ben t1 and t2, Cy t2."""
    counts = np.array([[3, 0, 0, 0], [0, 7, 7, 0], [0, 0, 9, 0]], np.float32)
    users = np.array(["ann", "ben", "cy"], dtype=object)
    ids = np.array(["t0", "t1", "t2", "t3"], dtype=object)
    return Interactions(sp.csr_array(counts), users, ids)


def test_what_friends_play_is_told_by_eye() -> None:
    friends = {"ann": ("ben", "cy", "ann", "nobody"), "dee": ("ann",), "cy": ("nobody",)}
    found = circles_of(_tiny(), friends, np.arange(4))
    assert found is not None
    assert found.user_ids.tolist() == ["ann", "dee"]
    ann, dee, cy = found.said_to(np.array(["ann", "dee", "cy"], dtype=object))
    each = np.sqrt(0.5)  # two tracks as often share a length of one
    expected = np.array([0, each, (each + 1) / np.sqrt(2), 0]) / 5
    assert ann / ann[1] == pytest.approx(expected / expected[1])
    assert dee[0] / ann[1] == pytest.approx((1 / 4) / expected[1])
    assert not cy.any()


def test_without_friends_in_the_crowd_there_are_no_circles() -> None:
    assert circles_of(_tiny(), {}, np.arange(4)) is None
    assert circles_of(_tiny(), {"ann": ("nobody", "ann")}, np.arange(4)) is None


def test_circles_are_read_back(tmp_path: Path) -> None:
    found = circles_of(_tiny(), {"ann": ("ben", "cy")}, np.arange(4))
    assert found is not None
    found.save(tmp_path)
    again = Circles.load(tmp_path)
    assert again is not None
    asked = np.array(["cy", "ann"], dtype=object)
    assert (again.said_to(asked) == found.said_to(asked)).all()
    (tmp_path / "empty").mkdir()
    assert Circles.load(tmp_path / "empty") is None


def _camps() -> TrainingData:
    """Two camps of twenty tracks; listener 0 of the first has friends in the second alone."""
    rng = np.random.default_rng(5)
    rows = [
        (f"{user:03}", f"t{track:02}", f"a{track}", float(rng.integers(1, 50)))
        for user in range(60)
        for track in (20 * (user % 2) + rng.permutation(20)[:10]).tolist()
    ]
    table = tracks({"track_id": f"t{i:02}"} for i in range(40))
    data = training_data(table, None, crowd(rows), as_of=NOW)
    ids = data.interactions.user_ids.tolist()
    return replace(data, friends={ids[0]: tuple(ids[1:12:2]), _STRANGER: (ids[1],)})


def _model(friends: float) -> CrowdBlend:
    return CrowdBlend(share=0, n_factors=4, friends=friends, threads=1)


def test_friends_are_heard_and_nobody_else_is_changed(tmp_path: Path) -> None:
    data = _camps()
    histories = data.interactions
    without, beside = _model(0).fit(data), _model(1).fit(data)
    before, after = without.scores(histories), beside.scores(histories)
    assert after[1:] == pytest.approx(before[1:], rel=1e-5)
    assert (after[0, 20:] >= before[0, 20:]).all()
    assert after[0, 20:].sum() > before[0, 20:].sum() + 1
    best = beside.top(histories, 5)
    hidden = np.where(histories.matrix.toarray() > 0, -np.inf, after)
    assert (best.tracks == np.argsort(-hidden, axis=1, kind="stable")[:, :5]).all()
    beside.save(tmp_path)
    again = CrowdBlend.load(tmp_path, data.catalogue)
    assert (again.scores(histories) == after).all()
    assert (again.top(histories, 5, known=True).scores[0] == np.sort(after[0])[::-1][:5]).all()


def test_who_has_played_nothing_is_told_what_friends_play() -> None:
    data = _camps()
    model = _model(0.2).fit(data)
    nothing = sp.csr_array((1, 40), dtype=np.float32)
    asked = Interactions(nothing, np.array([_STRANGER], dtype=object), data.interactions.track_ids)
    best = model.top(asked, 10)
    played = np.flatnonzero(data.interactions.matrix[[1]].toarray()[0])
    assert sorted(best.tracks[0].tolist()) == played.tolist()


def test_without_friends_in_the_data_nothing_changes() -> None:
    data = replace(_camps(), friends={})
    histories = data.interactions
    assert (_model(1).fit(data).scores(histories) == _model(0).fit(data).scores(histories)).all()


@pytest.mark.parametrize("friends", [-0.1, 1.5])
def test_friends_count_from_nothing_to_as_much(friends: float) -> None:
    with pytest.raises(ValueError, match="friends must be from 0 to 1"):
        CrowdBlend(friends=friends)
