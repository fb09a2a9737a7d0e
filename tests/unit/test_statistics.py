"""Statistics of a history that can be counted by eye."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from segue.analytics.distance import distance_between, jensen_shannon
from segue.analytics.markdown import markdown_page
from segue.analytics.sections import sections_of
from segue.analytics.statistics import VIEWS, Asked, Statistics
from segue.analytics.windows import Wish
from segue.errors import NotReadyError, UnknownUserError
from segue.flows.stats import stats
from segue.warehouse.snapshots import Snapshot
from tests.listening_home import history, play

NOW = datetime(2024, 5, 6, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Ann's plays on two days of April and four of May; one is Bob's, one is not hers."""
    return history(
        tmp_path_factory.mktemp("statistics"),
        play("2024-04-01 10:00", "t1", finished=True),
        play("2024-04-01 10:10", "t1", finished=True),
        play("2024-04-08 23:30", "t4", ms=None),
        play("2024-05-01 08:00", "t2", finished=True),
        play("2024-05-02 08:00", "t2"),
        play("2024-05-03 08:20", "t3", skipped=True, ms=90_000),
        play("2024-05-03 08:22", "t3", skipped=True, ms=5_000, counted=False),
        play("2024-05-05 22:30", "t1", finished=True),
        play("2024-05-05 23:00", "t3", not_me=True),
        play("2024-05-04 09:00", "t3", user="bob"),
    )


def _stats(snapshot: Snapshot, view: str = "summary", zone: str = "UTC", **wish: Any) -> Statistics:
    asked = {name: wish.pop(name) for name in ("of", "by", "limit", "every") if name in wish}
    return stats(
        snapshot,
        Asked(view=view, **asked),  # type: ignore[arg-type]
        Wish(**wish),
        user_id="ann",
        time_zone=zone,
        now=NOW,
        threads=1,
    )


def test_totals_count_what_counts(snapshot: Snapshot) -> None:
    told = _stats(snapshot).totals
    assert (told.plays, told.starts, told.skips, told.finishes) == (7, 8, 2, 4)
    assert told.ms_played == 5 * 200_000 + 90_000 + 5_000
    assert (told.tracks, told.artists, told.albums) == (4, 3, 2)
    assert told.told == 7
    assert told.skip_rate == pytest.approx(2 / 8)
    assert told.finish_rate == pytest.approx(4 / 7)


def test_a_window_is_compared_with_the_one_before(snapshot: Snapshot) -> None:
    told = _stats(snapshot, "top", month="2024-05")
    assert told.totals.plays == 4
    assert told.before is not None
    assert told.before.plays == 3
    artists = told.top["artists"]
    assert [(place.name, place.plays, place.rank_before) for place in artists] == [
        ("Ann", 3, 1),
        ("Bob", 1, None),
    ]
    assert artists[0].share == pytest.approx(3 / 4)


def test_rankings_go_by_plays_or_by_time(snapshot: Snapshot) -> None:
    tracks = _stats(snapshot, "top", by="plays").top["tracks"]
    assert [(place.name, place.artist, place.plays) for place in tracks] == [
        ("Blue", "Ann", 3),
        ("Red", "Ann", 2),
        ("Loud", "Bob", 1),
        ("Plain", "Cem", 1),
    ]
    by_time = _stats(snapshot, "top", by="time").top["tracks"]
    assert [(place.name, place.ms_played) for place in by_time] == [
        ("Blue", 600_000),
        ("Red", 400_000),
        ("Loud", 95_000),
    ]
    assert [p.name for p in _stats(snapshot, "top", limit=1).top["albums"]] == ["Colours"]
    genres = {p.name: (p.plays, p.share) for p in _stats(snapshot, "top").top["genres"]}
    assert genres["folk"] == pytest.approx((5, 5 / 6))
    assert genres["pop"] == pytest.approx((2, 2 / 6))


def test_the_clock_is_the_listeners(snapshot: Snapshot) -> None:
    utc = _stats(snapshot, "clock").clock
    assert utc is not None
    assert utc.plays[0][10] == 2  # Monday, 1 April
    assert utc.plays[6][22] == 1  # Sunday, 5 May
    assert sum(map(sum, utc.plays)) == 7
    kolkata = _stats(snapshot, "clock", "Asia/Kolkata").clock  # half an hour beside full hours
    assert kolkata is not None
    assert kolkata.plays[0][15] == 2
    assert kolkata.plays[0][4] == 1  # 22:30 on Sunday is 04:00 on Monday there
    assert utc.busiest == (1, 10)


def test_streaks_are_days_in_a_row(snapshot: Snapshot) -> None:
    told = _stats(snapshot, "streaks").streaks
    assert told is not None
    assert [(run.first_day.day, run.days) for run in told.longest] == [
        (1, 3),
        (5, 1),
        (8, 1),
        (1, 1),
    ]
    assert told.longest[0].last_day == date(2024, 5, 3)
    assert told.current is not None
    assert told.current.days == 1  # yesterday; today is not over
    assert (told.days, told.of_days) == (6, 35)
    assert told.best_day is not None
    assert (told.best_day.day, told.best_day.plays) == (date(2024, 4, 1), 2)
    april = _stats(snapshot, "streaks", month="2024-04").streaks
    assert april is not None
    assert april.current is None
    assert april.of_days == 30


def test_new_is_what_was_never_played_before(snapshot: Snapshot) -> None:
    told = _stats(snapshot, "new", every="week", month="2024-05").new
    assert told is not None
    assert (told.plays, told.discoveries, told.plays_of_new, told.new_artists) == (4, 2, 3, 1)
    assert [(p.begins.isoformat(), p.plays, p.discoveries, p.repeats) for p in told.periods][
        :2
    ] == [
        ("2024-04-29", 4, 2, 2),
        ("2024-05-06", 0, 0, 0),
    ]
    ever = _stats(snapshot, "new", every="month").new
    assert ever is not None
    assert [(p.discoveries, p.new_artists) for p in ever.periods] == [(2, 2), (2, 1)]
    assert ever.kept == 1  # Blue came back twice


def test_skips_and_finishes_are_ranked(snapshot: Snapshot) -> None:
    skipped = _stats(snapshot, "skips").skipped
    assert [(p.name, p.skips, p.starts) for p in skipped["tracks"]] == [("Loud", 2, 2)]
    assert [p.name for p in skipped["artists"]] == ["Bob"]
    finished = _stats(snapshot, "finished").finished
    assert [(p.name, p.finishes) for p in finished] == [("Blue", 3), ("Red", 1)]


def test_drift_is_measured_by_genre_artist_and_sound(snapshot: Snapshot) -> None:
    told = _stats(snapshot, "drift", month="2024-05").drift
    assert told is not None
    # April: folk 1; May: folk (1 + 2 / 2) / 4, pop 1 / 4, rock 1 / 4
    rose = {moved.name: moved.share for moved in told.genres.rose}
    assert rose == {"pop": pytest.approx(0.25), "rock": pytest.approx(0.25)}
    fell = {moved.name: moved.share for moved in told.genres.fell}
    assert fell == {"folk": pytest.approx(0.5)}
    assert told.genres.distance is not None
    p, q = np.array([1.0, 0.0, 0.0]), np.array([0.5, 0.25, 0.25])
    m = (p + q) / 2
    bits = sum(a * np.log2(a / b) for x in (p, q) for a, b in zip(x, m, strict=True) if a) / 2
    assert told.genres.distance.value == pytest.approx(np.sqrt(bits))
    energy = next(each for each in told.sound if each.name == "energy")
    assert energy.mean == pytest.approx((0.2 + 2 * 0.4 + 0.9) / 4)
    assert energy.mean_before == pytest.approx(0.2)
    assert energy.shift > 0
    assert told.genres_told == pytest.approx(6 / 7)
    assert [mix.plays for mix in told.periods] == [4]


def test_all_time_is_cut_in_two_for_drift(snapshot: Snapshot) -> None:
    told = _stats(snapshot, "drift", every="month").drift
    assert told is not None
    assert told.compared == ("the later half", "the earlier half")
    assert [mix.begins.month for mix in told.periods] == [4, 5]
    assert told.periods[0].genre_distance is None
    assert told.periods[1].genre_distance is not None


def test_who_and_when_must_be_there(snapshot: Snapshot) -> None:
    with pytest.raises(NotReadyError, match="played nothing in this window"):
        _stats(snapshot, year=2020)
    with pytest.raises(UnknownUserError) as unknown:
        stats(snapshot, Asked(), Wish(), user_id="eve", time_zone="UTC", now=NOW)
    assert unknown.value.known == ("ann", "bob")


def test_an_empty_home_has_no_plays(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="no plays of ann"):
        _stats(history(tmp_path))


def test_plays_that_are_not_hers_are_no_plays(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="played nothing"):
        _stats(history(tmp_path, play("2024-05-01 10:00", not_me=True)))


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_becomes_json_and_markdown(snapshot: Snapshot, view: str) -> None:
    for wish in ({}, {"last": "10d"}):
        told = _stats(snapshot, view, **wish)
        written = json.loads(json.dumps(told.as_dict()))
        assert written["version"] == 1
        assert written["view"] == view
        assert {"window", "totals", "before", "time_zone", "snapshot"} <= written.keys()
        for section in sections_of(told):
            assert all(len(row) == len(section.columns) for row in section.rows), section.title
        page = markdown_page(told)
        assert page.startswith("# ann · ")
        assert "\n## " in page


def test_the_same_question_gets_the_same_answer(snapshot: Snapshot) -> None:
    first, second = (_stats(snapshot, "drift").as_dict() for _ in range(2))
    assert first == second


def test_distance_is_zero_for_the_same_and_one_for_nothing_in_common() -> None:
    found = jensen_shannon(
        np.array([[2.0, 2.0], [1.0, 0.0], [0.0, 0.0]]),
        np.array([[5.0, 5.0], [0.0, 3.0], [1.0, 1.0]]),
    )
    assert found[:2] == pytest.approx([0.0, 1.0])
    assert np.isnan(found[2])


def test_chance_alone_is_not_called_a_change() -> None:
    rng = np.random.default_rng(5)
    later = np.arange(80) >= 40
    same = sparse.csr_matrix(rng.poisson(1.0, (80, 20)).astype(float))
    still = distance_between(same, later, rng=rng)
    assert still is not None
    assert still.by_chance is not None
    assert still.value == pytest.approx(still.by_chance, abs=0.05)
    moved = same.toarray()
    moved[40:, :5] *= 6
    gone = distance_between(sparse.csr_matrix(moved), later, rng=rng)
    assert gone is not None
    assert gone.beyond_chance
    alone = distance_between(same[:2], np.array([False, True]), rng=rng)
    assert alone is not None
    assert alone.by_chance is None
    assert distance_between(same[:2], np.array([True, True]), rng=rng) is None
