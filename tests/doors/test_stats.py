"""`segue stats` as it is typed: views, windows, files, and what it says when there is nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from segue.analytics.statistics import VIEWS
from tests.doors.home import Home
from tests.listening_home import history, play


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a few plays of two users; tests only read it."""
    home = Home(tmp_path_factory.mktemp("stats") / "home")
    history(
        home.folder / "snapshots",
        play("2024-04-01 10:00", "t1", finished=True),
        play("2024-05-01 08:00", "t2", skipped=True),
        play("2024-05-02 08:00", "t1"),
        play("2024-05-05 22:30", "t1"),
        play("2024-05-04 09:00", "t3", user="bob"),
    )
    return home


def test_the_summary_is_one_screen(told: Home) -> None:
    said = told("stats", "--user", "ann", "--time-zone", "UTC").ok().out
    assert "ann · all time" in said
    assert "Blue" in said
    assert "Hours of the week" in said
    assert len(said.splitlines()) <= 45
    assert max(map(len, said.splitlines())) <= 100


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_answers(told: Home, view: str) -> None:
    said = told("stats", view, "--user", "ann", "--month", "2024-05", "--json").ok().json
    assert said["view"] == view
    assert said["totals"]["plays"] == 3
    assert said["before"]["plays"] == 1


def test_a_ranking_can_be_asked_for_by_name(told: Home) -> None:
    for words in (("top", "artists"), ("artists",)):
        said = told("stats", *words, "--user", "bob", "--json").ok().json["top"]
        assert [place["name"] for place in said["artists"]] == ["Bob"]
        assert set(said) == {"artists"}


def test_hours_are_those_of_the_time_zone(told: Home) -> None:
    def hours(*options: str, **environment: str) -> set[int]:
        said = told("stats", "clock", "--user", "bob", "--json", *options, **environment)
        return {cell["hour"] for cell in said.ok().json["clock"]["cells"] if cell["plays"]}

    assert hours("--time-zone", "Asia/Tokyo") == {18}
    assert hours(SEGUE_TIME_ZONE="America/New_York") == {5}
    assert hours(TZ="Europe/Berlin") == {11}
    told("stats", "--user", "bob", "--time-zone", "Mars").refused("no time zone “Mars”", code=2)


def test_files_are_written_beside_the_screen(told: Home, tmp_path: Path) -> None:
    page, drawn = tmp_path / "stats.md", tmp_path / "stats.svg"
    told("stats", "--user", "ann", "--markdown", page, "--picture", drawn).ok()
    assert page.read_text(encoding="utf-8").startswith("# ann · all time")
    assert drawn.read_text(encoding="utf-8").startswith("<svg")
    told("stats", "--picture", tmp_path / "x.gif").refused(".png, .svg or .html", code=2)
    told("stats", "--picture", tmp_path / "no" / "x.png").refused("no such folder")


def test_refusals_name_the_cure(told: Home, home: Home) -> None:
    told("stats").refused("there is no user “me”", "“ann”, “bob”", "--user")
    told("stats", "--user", "ann", "--year", "2019").refused("played nothing", "5 May 2024")
    told("stats", "tracs").refused("did you mean tracks", code=2)
    told("stats", "clock", "artists").refused("no view “artists”", code=2)
    told("stats", "--user", "ann", "--last", "soon").refused("--last soon", "30d", code=2)
    home("stats").refused("nothing has been built yet", "segue build")
    faulty = told("stats", "--user", "eve", "--json")
    assert json.loads(faulty.out)["error"]["kind"] == "UnknownUserError"


@pytest.mark.xdist_group("trained")
def test_numbers_agree_with_the_published_marts(trained: Home) -> None:
    ask = ("sql", "--json")
    counted = trained(*ask, "FROM users").ok().json["rows"][0]
    totals = trained("stats", "--json", "--time-zone", "UTC").ok().json["totals"]
    for name in ("plays", "tracks", "artists", "skips", "ms_played"):
        assert totals[name] == counted[name], name
    sums = "SELECT sum(finishes) AS finishes FROM user_track_counts"
    assert totals["finishes"] == trained(*ask, sums).ok().json["rows"][0]["finishes"]
    ranked = trained("stats", "tracks", "--json", "--limit", "1000").ok().json["top"]["tracks"]
    counts = trained(*ask, "FROM user_track_counts WHERE plays > 0").ok().json["rows"]
    by_track = {row["track_id"]: row for row in counts}
    for place in ranked:
        mart = by_track[place["id"]]
        assert place["plays"] == mart["plays"]
        assert place["ms_played"] == mart["ms_played"]
        assert place["skips"] == mart["skips"]


@pytest.mark.xdist_group("trained")
def test_rhythms_agree_with_the_marts_of_the_warehouse(trained: Home) -> None:
    warehouse = trained.folder / "warehouse" / "segue.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as marts:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return marts.execute(query).fetchall()

        hours = rows("SELECT weekday, hour, sum(plays) FROM marts.listening_hours GROUP BY ALL")
        runs = rows("SELECT started_on, days FROM marts.streaks ORDER BY days DESC, ended_on DESC")
        weeks = rows("SELECT week, plays, new_tracks, repeat_rate FROM marts.listening_weeks")

    def told(*words: str) -> Any:
        return trained("stats", *words, "--json", "--time-zone", "UTC").ok().json

    cells = told("clock")["clock"]["cells"]
    shown = {(cell["weekday"], cell["hour"]): cell["plays"] for cell in cells if cell["plays"]}
    assert shown == {(day, hour): plays for day, hour, plays in hours if plays}
    longest = [(run["first_day"], run["days"]) for run in told("streaks")["streaks"]["longest"]]
    assert longest == [(day.isoformat(), days) for day, days in runs][: len(longest)]
    periods = {p["begins"]: p for p in told("new", "--every", "week")["new"]["periods"]}
    assert weeks
    for week, plays, new_tracks, repeat_rate in weeks:
        period = periods[week.isoformat()]
        assert (period["plays"], period["discoveries"]) == (plays, new_tracks)
        if plays:
            assert period["repeat_rate"] == pytest.approx(repeat_rate)
