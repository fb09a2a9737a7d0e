"""No fit knows what is held out: the future is changed, and nothing that was learned changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from segue.evaluation.data_splits import TEST, SplitRule, parts_of
from segue.evaluation.folds import SessionFold, UserFold, session_fold, user_fold
from segue.features.listens import Listens
from segue.flows.ask_models import listener_lists, session_lists
from segue.flows.make_models import make_models
from segue.flows.wiring import adapters
from segue.progress import Silent
from segue.recommenders.base import Composed, Recommender
from tests.data_sets import listens

SEED = 5
RULES = {
    "random": SplitRule("random"),
    "leave-last": SplitRule("leave-last", last=2),
    "time": SplitRule("time", hold_out=0.2, gap_days=1),
    "files": SplitRule("files"),
    "sessions in order": SplitRule("sessions", hold_out=0.2),
    "sessions drawn": SplitRule("sessions", hold_out=0.2, by="random"),
}


def _camps() -> Listens:
    """Forty listeners of two camps, each with twelve plays on a day of their own."""
    rows, rng = [], np.random.default_rng(SEED)
    for listener in range(40):
        camp = "rj"[listener % 2]
        for n, track in enumerate(rng.choice(14, 12, replace=False)):
            rows.append((f"{camp}{listener:02}", f"{camp}{track:02}", listener * 86_400.0 + 60 * n))
    names = {
        f"{camp}{i:02}": [genre]
        for camp, genre in (("r", "rock"), ("j", "jazz"))
        for i in range(14)
    }
    return listens(rows, genres=names)


def _altered(data: Listens, rule: SplitRule) -> tuple[Listens, Listens, SplitRule]:
    """Two data sets that differ in the held-out part alone, and the rule that parts them so.

    Which plays a drawn split holds out depends on what was played; it is drawn once, therefore,
    and then given. The others are split again after the change.
    """
    parts = parts_of(data, rule, SEED)
    given = rule.is_drawn or rule.name == "files"
    if given:
        data, rule = replace(data, part=parts), _given(rule)
    held_out = np.flatnonzero(parts == TEST)
    rng = np.random.default_rng(SEED + 1)
    tracks, plays = data.tracks.copy(), data.plays.copy()
    tracks[held_out] = rng.permutation(len(data.catalogue))[tracks[held_out]]
    plays[held_out] = rng.integers(1, 900, len(held_out))
    at = data.at.copy()
    if given and rule.name != "sessions":  # the others find the held-out part by its times
        at[held_out] += rng.integers(-9_000, 9_000, len(held_out))
    return data, replace(data, tracks=tracks, plays=plays, at=at), rule


def _given(rule: SplitRule) -> SplitRule:
    return rule if rule.name == "sessions" else SplitRule("files")


def _folds(rule_name: str) -> tuple[UserFold | SessionFold, UserFold | SessionFold]:
    data = _camps()
    if rule_name == "files":
        data = replace(data, part=parts_of(data, RULES["random"], SEED))
    first, second, rule = _altered(data, RULES[rule_name])
    make = session_fold if rule.name == "sessions" else user_fold
    return (
        make(first, rule, seed=SEED, stage="test"),
        make(second, rule, seed=SEED, stage="test"),
    )


def _relevant(fold: UserFold | SessionFold) -> npt.NDArray[np.int32]:
    return fold.relevant.tracks if isinstance(fold, UserFold) else fold.sessions.tracks


@pytest.mark.parametrize("rule_name", RULES)
def test_training_data_are_the_same_whatever_is_held_out(rule_name: str) -> None:
    first, second = _folds(rule_name)
    assert not np.array_equal(_relevant(first), _relevant(second))  # the future did change
    ours, theirs = first.training, second.training
    assert np.array_equal(ours.interactions.matrix.toarray(), theirs.interactions.matrix.toarray())
    assert ours.interactions.user_ids.tolist() == theirs.interactions.user_ids.tolist()
    assert np.array_equal(ours.sessions.tracks, theirs.sessions.tracks)
    assert np.array_equal(ours.sessions.offsets, theirs.sessions.offsets)
    assert np.array_equal(ours.trend, theirs.trend)
    assert ours.as_of == theirs.as_of


@pytest.mark.parametrize("name", adapters("recommenders"))
@pytest.mark.parametrize("rule_name", ["random", "time", "sessions in order"])
def test_no_recommender_learns_from_the_future(name: str, rule_name: str) -> None:
    first, second = _folds(rule_name)
    answers = [_answers(name, fold, first) for fold in (first, second)]
    assert np.array_equal(answers[0], answers[1])


def _answers(
    name: str, fold: UserFold | SessionFold, asked: UserFold | SessionFold
) -> npt.NDArray[np.int32]:
    """What a model that learned from one fold says to the questions of another."""
    model = _fitted(name, fold)
    if isinstance(asked, UserFold):
        return np.concatenate([lists for *_, lists in listener_lists(model, asked, 5, Silent())])
    return np.concatenate([lists for _, lists in session_lists(model, asked, 5, Silent())])


def _fitted(name: str, fold: UserFold | SessionFold) -> Recommender:
    (model,) = make_models([name], seed=SEED, threads=1)
    if not isinstance(model, Composed):
        return model.fit(fold.training)
    parts: dict[str, Recommender] = {}
    for part in make_models(seed=SEED, threads=1):
        if not isinstance(part, Composed):
            parts[part.name] = part.fit(fold.training)
    return model.fit(fold.training).with_parts(parts)
