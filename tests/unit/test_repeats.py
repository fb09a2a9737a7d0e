"""What is played again: traces of memory, and a mixture learned for each listener."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from segue.features.catalogue import Catalogue
from segue.features.from_marts import training_data
from segue.features.listening import listening
from segue.features.track_memory import DECAYS, TRACES, TrackMemory, activations
from segue.features.training_data import TrainingData
from segue.music.query import Query
from segue.recommenders.repeat_learning import learned, scale_of, week_ndcg
from segue.recommenders.repeat_weeks import RULES, past_weeks
from segue.recommenders.repeats import Repeats
from tests.tiny import NOW, days_ago, history, plays, tracks

IDS = [f"t{n:03}" for n in range(80)]


def catalogue() -> Catalogue:
    return Catalogue(tracks({"track_id": t, "artist_id": f"a{n // 8}"} for n, t in enumerate(IDS)))


def latest(rng: np.random.Generator, past: list[int]) -> int:
    """Plays one of the last few again."""
    return past[-1 - min(int(rng.pareto(1.2) * 2), len(past) - 1)]


def faithful(rng: np.random.Generator, past: list[int]) -> int:
    """Plays the same favourites for ever, whatever was on lately."""
    del past
    return int(rng.zipf(1.4)) % 40


def lived(choose: object, seed: int = 3, days: int = 150) -> pa.Table:
    rng = np.random.default_rng(seed)
    past, rows, new = [0], [], 40
    for day in range(days, 0, -1):
        for play in range(12):
            if rng.random() < 0.2:
                track, new = new, 40 + (new - 39) % 40
            else:
                track = choose(rng, past)  # type: ignore[operator]  # one of the two above
            past.append(track)
            rows.append((IDS[track], days_ago(day - play / 200)))
    return history(rows)


def test_traces_are_what_the_formula_says() -> None:
    heard = listening(Query("me", NOW, history=lived(latest)), catalogue())
    traces = TrackMemory(heard, catalogue()).at(NOW.timestamp())
    for place, decay in enumerate(DECAYS):
        exact = activations(heard, NOW.timestamp(), decay)[traces.tracks]
        assert np.abs(traces.values[:, place] - exact).max() < 0.05, decay
    ages = (NOW.timestamp() - heard.play_at) / 86_400
    for days in (7, 30, 90):
        count = np.bincount(heard.play_of[ages < days], minlength=len(heard))[traces.tracks]
        found = traces.values[:, TRACES.index(f"plays in {days} days")]
        assert np.allclose(found, np.log1p(count))
    last = -np.log((NOW.timestamp() - heard.last_at[traces.tracks]) / 86_400)
    assert np.allclose(traces.values[:, TRACES.index("last play")], last)


def test_moving_on_is_the_same_as_starting_there() -> None:
    heard = listening(Query("me", NOW, history=lived(latest)), catalogue())
    walked = TrackMemory(heard, catalogue())
    for days in (60, 30, 29.5, 3):
        now = days_ago(days).timestamp()
        there, here = TrackMemory(heard, catalogue()).at(now), walked.at(now)
        assert np.array_equal(here.tracks, there.tracks)
        assert np.allclose(here.values, there.values, atol=1e-8)


def test_traces_know_nothing_of_what_comes_later() -> None:
    whole = lived(latest)
    then = days_ago(40)
    past = whole.filter(pa.compute.less_equal(whole["played_at"], then))
    known = listening(Query("me", then, history=past), catalogue())
    every = listening(Query("me", NOW, history=whole), catalogue())
    before = TrackMemory(known, catalogue()).at(then.timestamp())
    after = TrackMemory(every, catalogue()).at(then.timestamp())
    assert np.array_equal(known.rows[before.tracks], every.rows[after.tracks])
    assert np.allclose(before.values, after.values)


@pytest.mark.parametrize("choose", [latest, faithful])
def test_a_mixture_keeps_up_with_the_best_rule_of_each_listener(choose: object) -> None:
    found: dict[str, list[float]] = {}
    for seed in range(4):
        table = lived(choose, seed, 300)
        heard = listening(Query("me", NOW, history=table), catalogue())
        weeks = past_weeks(heard, catalogue(), NOW.timestamp(), 40)
        taught, asked = weeks[:-8], weeks[-8:]
        scale = scale_of(taught)
        habit = learned(taught, scale, strength=10.0, half_life=26.0)
        for week in asked:
            mixed = week_ndcg(week, habit.scores(week.values, scale))
            found.setdefault("mixture", []).append(mixed)
            for name, column in RULES.items():
                found.setdefault(name, []).append(week_ndcg(week, week.values[:, column]))
    mean = {name: float(np.mean(values)) for name, values in found.items()}
    best = max(value for name, value in mean.items() if name != "mixture")
    assert min(mean.values()) < 0.9 * best  # the rules differ, so there is something to choose
    assert mean["mixture"] > 0.97 * best, mean


def household() -> TrainingData:
    rows = [
        (user, *play)
        for user, choose in (("ann", latest), ("bob", faithful))
        for play in zip(
            *lived(choose).select(["track_id", "played_at"]).to_pydict().values(), strict=True
        )
    ]
    return training_data(catalogue().tracks, plays(rows), as_of=NOW)


def test_each_listener_has_a_mixture_of_their_own(tmp_path: Path) -> None:
    model = Repeats().fit(household())
    assert set(model.habits_) == {"ann", "bob"}
    ann, bob = (model.habits_[user].rules for user in ("ann", "bob"))
    names = list(RULES)
    assert ann[names.index("most recent")] > bob[names.index("most recent")]
    assert bob[names.index("most played")] > ann[names.index("most played")]
    table = lived(latest)
    lists = {
        user: model.recommend(Query(user, NOW, "daily", table), 20).track_ids
        for user in ("ann", "bob", "stranger")
    }
    assert len(set(lists.values())) == 3  # the same plays, read in three ways
    model.save(tmp_path)
    again = Repeats.load(tmp_path, catalogue())
    for user, listed in lists.items():
        assert again.recommend(Query(user, NOW, "daily", table), 20).track_ids == listed


def test_a_few_plays_are_ranked_by_activation() -> None:
    rows = [(IDS[0], days_ago(d)) for d in (1, 2)] + [(IDS[1], days_ago(d)) for d in (50, 60)]
    data = training_data(catalogue().tracks, plays([("me", *row) for row in rows]), as_of=NOW)
    model = Repeats().fit(data)
    assert model.habits_ == {}
    asked = Query("me", NOW + timedelta(days=1), "daily", history(rows))
    assert model.recommend(asked, 5).track_ids == (IDS[0], IDS[1])
