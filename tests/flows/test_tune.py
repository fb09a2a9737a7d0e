"""Tuning: the best is found, on validation alone, within its budget, and after interruptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from segue.errors import ConfigError
from segue.evaluation.data_splits import TEST, SplitRule, parts_of
from segue.evaluation.halving import Plain, Rung
from segue.features.listens import Listens
from segue.flows.evaluate_data_set import Asking
from segue.flows.examinations import OfDataSet
from segue.flows.make_models import checked, make_models
from segue.flows.tune import TuneReport, tunable, tune
from segue.flows.wiring import adapters, load_adapter
from segue.progress import Silent
from segue.recommenders.base import Tunable
from segue.recommenders.search_space import OneOf, Real, Whole
from tests.data_sets import listens

TUNABLE = [
    name
    for name in adapters("recommenders")
    if isinstance(load_adapter("recommenders", name), Tunable)
]


@dataclass
class Hill:
    """Settings are the better the nearer `n_factors` is to a hundred; counts what was asked."""

    rungs: Sequence[Rung] = (Rung(0.1, 1), Rung(1.0, 1))
    identity: str = "hill"
    metric: str = "height"
    asked: list[tuple[Plain, Rung]] = field(default_factory=list)
    broken_after: int = 10**9

    def value(self, settings: Plain, rung: Rung) -> float:
        if len(self.asked) >= self.broken_after:
            raise KeyboardInterrupt
        self.asked.append((settings, rung))
        return -abs(float(settings["n_factors"]) - 100)


def _tune(hill: Hill, logs: Path, **more: object) -> TuneReport:
    options: dict[str, object] = {"trials": 20, "minutes": None, "present": {}, "seed": 3, **more}
    return tune("als", hill, logs=logs, progress=Silent(), **options)  # type: ignore[arg-type]  # any


def test_the_best_of_the_last_rung_wins(tmp_path: Path) -> None:
    hill = Hill()
    report = _tune(hill, tmp_path)
    first = [settings for settings, rung in hill.asked if rung.share < 1]
    last = [settings for settings, rung in hill.asked if rung.share == 1]
    assert len(first) == 20
    assert len(last) == 8  # a third of twenty, and the present ones
    assert last[0]["n_factors"] == 64
    nearest = min(first, key=lambda settings: abs(float(settings["n_factors"]) - 100))
    assert report.best == nearest
    assert report.is_better
    assert report.best_value > report.before_value == -36


def test_the_present_settings_stay_where_nothing_is_better(tmp_path: Path) -> None:
    report = _tune(Hill(), tmp_path, present={"n_factors": 100})
    assert not report.is_better
    assert report.before["n_factors"] == 100


def test_interrupted_it_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = _tune(Hill(), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        _tune(Hill(broken_after=7), tmp_path / "cut")
    (log,) = (tmp_path / "cut").iterdir()
    with log.open("a") as file:
        file.write('{"settings": {"n_fac')  # cut off within a line
    hill = Hill()
    again = _tune(hill, tmp_path / "cut")
    assert len(hill.asked) == 28 - 7
    assert again.again == 7
    assert again.best == whole.best
    assert _tune(Hill(), tmp_path / "cut").again == 28


def test_another_question_does_not_use_the_log(tmp_path: Path) -> None:
    _tune(Hill(), tmp_path)
    assert _tune(Hill(identity="another hill"), tmp_path).again == 0


def test_no_more_trials_begin_when_the_time_is_over(tmp_path: Path) -> None:
    seconds = iter(range(0, 100_000, 10))
    hill = Hill()
    report = _tune(hill, tmp_path, minutes=1.0, clock=lambda: float(next(seconds)))
    assert len(hill.asked) < 10
    assert report.trials[-1].rung.share == 1  # what was found is tried in full all the same


def _camps() -> Listens:
    rng = np.random.default_rng(4)
    rows = [
        (f"u{i:02}", f"{'rj'[i % 2]}{track:02}")
        for i in range(60)
        for track in rng.choice(24, 14, replace=False)
    ]
    return listens(rows)


def _examination(data: Listens, **more: object) -> OfDataSet:
    asking = Asking(SplitRule("random"), "valid", (5,))
    return OfDataSet(data, asking, "als", threads=1, **more)  # type: ignore[arg-type]  # any


def test_values_on_a_data_set_are_of_validation_alone() -> None:
    data = _camps()
    parts = parts_of(data, SplitRule("random"), 17)
    given = replace(data, part=parts)
    changed = given.tracks.copy()
    changed[parts == TEST] = changed[parts == TEST][::-1]
    asking = Asking(SplitRule("files"), "valid", (5,))
    rung = Rung(1.0, 1)
    values = [
        OfDataSet(one, asking, "als", threads=1).value({"n_factors": 4}, rung)
        for one in (given, replace(given, tracks=changed))
    ]
    assert values[0] == values[1] > 0.2
    assert values[0] == _examination(data).value({"n_factors": 4}, rung)


def test_rungs_grow_from_a_share_of_many_listeners_to_all_seeds() -> None:
    few = _examination(_camps(), seeds=4)
    assert few.rungs == [Rung(1.0, 1), Rung(1.0, 4)]
    many = replace(_camps(), listener_ids=np.array(["x"] * 20_000, dtype=object))
    shares = [rung.share for rung in _examination(many).rungs]
    assert shares == [pytest.approx(1 / 9), pytest.approx(1 / 3), 1.0]


def test_only_models_that_declare_a_space_are_tuned() -> None:
    with pytest.raises(ConfigError, match="als"):
        tunable("most_played")
    with pytest.raises(ConfigError, match="wizard"):
        tunable("wizard")


@pytest.mark.parametrize("name", TUNABLE)
def test_declared_spaces_hold_the_defaults_and_can_be_made(name: str) -> None:
    space, rng = tunable(name), np.random.default_rng(1)
    for _ in range(20):
        drawn = {key: part.draw(rng) for key, part in space.items()}
        assert all(space[key].holds(value) for key, value in drawn.items())
        (made,) = make_models([name], seed=1, threads=1, settings={name: drawn})
        assert {key: getattr(made, key) for key in space} == drawn
    (usual,) = make_models([name], seed=1, threads=1)
    outside = {k: v for k in space if not space[k].holds(v := getattr(usual, k))}
    assert not outside


def test_ranges_and_choices() -> None:
    rng = np.random.default_rng(2)
    assert {Whole(1, 3).draw(rng) for _ in range(60)} == {1, 2, 3}
    drawn = [Real(0.01, 100.0, log=True).draw(rng) for _ in range(400)]
    assert 0.01 <= min(drawn) < 0.05 < 20 < max(drawn) <= 100
    assert 0.3 < np.mean([value < 1 for value in drawn]) < 0.7
    assert OneOf((True, 2)).holds(True)
    assert not OneOf((True, 2)).holds(1)
    assert not Whole(1, 3).holds(True)
    assert not Real(0, 1).holds("a")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"wizard": {}}, "no such model"),
        ({"als": {"factors": 3}}, "n_factors"),
        ({"als": {"n_factors": 2.5}}, "whole number"),
        ({"als": {"n_factors": True}}, "whole number"),
        ({"als": {"n_factors": "many"}}, "whole number"),
        ({"als": {"n_factors": -4}}, "not below 0"),
        ({"als": {"n_factors": 0}}, "above 0"),
        ({"als": {"regularisation": float("nan")}}, "a number is wanted"),
        ({"als": {"seed": 3}}, "training.seed"),
    ],
)
def test_settings_of_models_are_checked_by_name(
    settings: dict[str, dict[str, float]], said: str
) -> None:
    with pytest.raises(ConfigError, match=r"models\.") as refused:
        checked(settings)
    assert said in str(refused.value)


def test_settings_reach_the_model() -> None:
    (als,) = make_models(
        ["als"], seed=1, threads=1, settings={"als": {"n_factors": "8", "regularisation": 2}}
    )
    assert (als.n_factors, als.regularisation) == (8, 2.0)  # type: ignore[attr-defined]  # Als
