"""Pictures of the page: what they show, that anybody can tell it, and that they stand alone."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from segue.analytics.outcomes import Counts, HitWeek
from segue.analytics.rhythm import Clock
from segue.analytics.sections import Section
from segue.analytics.statistics import Asked, Statistics, View
from segue.analytics.windows import Wish
from segue.doors.web import pictures
from segue.doors.web.pictures import Picture
from segue.doors.web.pictures.axes import round_marks
from segue.doors.web.pictures.discoveries import discoveries
from segue.flows.stats import stats
from segue.music.mood_colours import Lab, lab_of
from segue.palette import DARK, LIGHT
from tests.listening_home import history, play

NOTHING = Section("", (), ())
# How people see who lack one kind of cone, on linear light: G. M. Machado, M. M. Oliveira and
# L. A. F. Fernandes (2009), “A Physiologically-based Model for Simulation of Color Vision
# Deficiency”, severity 1.
_CONES = {
    "all": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}


def _linear(colour: str) -> list[float]:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    return [float(p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4) for p in parts]


def _seen(colour: str, cones: str) -> Lab:
    light = _linear(colour)
    mixed = [sum(a * b for a, b in zip(row, light, strict=True)) for row in _CONES[cones]]
    screen = [min(1.0, max(0.0, p)) for p in mixed]
    screen = [12.92 * p if p <= 0.0031308 else 1.055 * p ** (1 / 2.4) - 0.055 for p in screen]
    return lab_of("#" + "".join(f"{round(255 * p):02x}" for p in screen))


def _contrast(one: str, other: str) -> float:
    lights = sorted(
        sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), _linear(each), strict=True))
        for each in (one, other)
    )
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _apart(one: Lab, other: Lab) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("cones", _CONES)
def test_anybody_can_tell_the_colours(theme: dict[str, str], cones: str) -> None:
    lines = [_seen(theme[f"curve-{n}"], cones) for n in range(1, 6)]
    assert min(_apart(a, b) for a, b in combinations(lines, 2)) > 0.09
    amounts = [_seen(theme[f"amount-{n}"], cones)[0] for n in range(6)]
    rising = amounts if theme is DARK else amounts[::-1]
    assert all(b - a > 0.045 for a, b in pairwise(rising))
    assert _apart(_seen(theme["series-2"], cones), _seen(theme["quiet"], cones)) > 0.09


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_can_be_read(theme: dict[str, str]) -> None:
    for ground in ("paper", "surface"):
        for ink in ("ink", "muted", "rise", "fall", "accent"):
            least = 4.5 if ground == "paper" else 4.2
            assert _contrast(theme[ink], theme[ground]) >= least, (ink, ground)
    assert all(_contrast(theme[f"curve-{n}"], theme["paper"]) >= 3 for n in range(1, 6))
    assert LIGHT.keys() == DARK.keys()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Statistics]:
    days = [f"2024-{month:02}-{day:02} 1{day % 8}:00" for month in (3, 4, 5) for day in (3, 9, 20)]
    plays = [play(day, f"t{n % 4 + 1}", skipped=n % 3 == 0) for n, day in enumerate(days)]
    snapshot = history(tmp_path_factory.mktemp("pictures"), *plays)
    views: tuple[View, ...] = ("summary", "top", "streaks", "drift")
    return {
        view: stats(
            snapshot,
            Asked(view=view),
            Wish(last="80d"),
            user_id="ann",
            time_zone="UTC",
            now=datetime(2024, 5, 20, 23, tzinfo=UTC),
        )
        for view in views
    }


def _all(told: dict[str, Statistics]) -> list[Picture]:
    summary, top, drift = told["summary"], told["top"].top, told["drift"].drift
    assert summary.clock and summary.timeline and summary.streaks and summary.new and drift
    timeline = told["streaks"].timeline
    assert timeline is not None
    days = {period.begins: period.plays for period in timeline.periods}
    return [
        pictures.calendar(days),
        pictures.calendar(days, wide=True),
        pictures.clock(summary.clock),
        pictures.over_time(summary.timeline),
        pictures.new_against_known(summary.new),
        pictures.longest_runs(summary.streaks),
        pictures.ranking(top["tracks"], title="Tracks", key="top", by="plays", table=NOTHING),
        pictures.ranking(top["artists"], title="Artists", key="top", by="time", table=NOTHING),
        pictures.genres_over_time(drift),
        pictures.sound_over_time(drift),
    ]


def test_each_picture_says_what_it_is_and_stays_in_its_frame(told: dict[str, Statistics]) -> None:
    space = "{http://www.w3.org/2000/svg}"
    for picture in _all(told):
        root = ET.fromstring(picture.svg())
        assert root.attrib["role"] == "img"
        named = {part.attrib["id"]: part.text for part in root if "id" in part.attrib}
        assert [named[key] for key in root.attrib["aria-labelledby"].split()] == [
            picture.title,
            picture.words,
        ]
        for part in root.iter(f"{space}rect"):
            right = float(part.attrib["x"]) + float(part.attrib["width"])
            foot = float(part.attrib["y"]) + float(part.attrib["height"])
            assert float(part.attrib["x"]) >= -0.1 and right <= picture.width + 0.1
            assert float(part.attrib["y"]) >= -0.1 and foot <= picture.height + 0.1
        assert all(float(part.attrib["font-size"]) >= 11 for part in root.iter(f"{space}text"))


def test_a_file_has_its_own_colours_and_no_names_of_them(told: dict[str, Statistics]) -> None:
    picture = _all(told)[0]
    for theme, values in (("light", LIGHT), ("dark", DARK)):
        drawn = picture.file(theme)  # type: ignore[arg-type]  # a Literal lost in the loop
        assert "var(" not in drawn
        assert values["paper"] in drawn and picture.title in drawn
    png = picture.png()
    assert struct.unpack(">I", png[16:20])[0] == 1176


def test_the_calendar_marks_days_by_their_rank() -> None:
    first = date(2024, 1, 1)
    days = {first + timedelta(days=n): 0 if n % 7 == 6 else 1 + n for n in range(14)}
    drawn = pictures.calendar(days)
    assert "on 12 of 14 days" in drawn.words and "13 January 2024" in drawn.words
    assert drawn.drawn.count("<title>") == 14
    assert "Sun 7 Jan 2024: 0 plays" in drawn.drawn
    assert drawn.table.rows[0] == ("1 Jan 2024", "1", "2", "3", "4", "5", "6", "0")


def test_a_long_history_is_shown_by_weeks() -> None:
    days = {date(2020, 1, 1) + timedelta(days=n): n % 5 for n in range(5 * 365)}
    drawn = pictures.calendar(days)
    assert drawn.title == "Weeks of the years"
    assert drawn.height < 160
    assert len(drawn.svg()) < 60_000


def test_what_became_of_discoveries_is_told_by_week() -> None:
    counts = Counts(30, 5, 12, 8, 3, 2, 9, (2, 6, 4, 3))
    few = Counts(4, 0, 1, 1, 0, 0, 1, (0, 1, 0, 0))
    begins = [date(2026, 10, 5) + timedelta(weeks=n) for n in range(3)]
    weeks = [
        HitWeek(monday, n == 2, one)
        for n, (monday, one) in enumerate(zip(begins, (counts, few, counts), strict=True))
    ]
    rate, became = discoveries(weeks)
    assert [row[1] for row in rate.table.rows] == ["48 %", "–", "48 %"]
    assert "48 % were played within 7 days; the week may still grow" in rate.words
    assert became.table.rows[0] == ("5 Oct 2026", "2", "6", "4", "3", "10")
    assert [one.key for one in discoveries(weeks[:1])] == ["became"]
    assert list(discoveries([])) == []


def test_silence_is_drawn_as_well() -> None:
    nothing = tuple((0,) * 24 for _ in range(7))
    assert pictures.clock(Clock(nothing, nothing)).words == "No plays."
    ET.fromstring(pictures.calendar({date(2024, 1, 1): 0}).svg())
    ET.fromstring(
        pictures.lines(
            [date(2024, 1, 1)],
            [pictures.Line("a", (None,))],
            every="week",
            key="none",
            title="None",
            words="Nothing.",
        ).svg()
    )


@pytest.mark.parametrize(
    ("most", "last"), [(0, 1), (1, 1), (3, 3), (7, 8), (87, 100), (0.37, 0.4), (1_234, 1_250)]
)
def test_marks_are_round_and_reach_the_most(most: float, last: float) -> None:
    marks = round_marks(most)
    assert 2 <= len(marks) <= 6
    assert marks[0] == 0 and most <= marks[-1] == pytest.approx(last)


def test_names_from_outside_cannot_become_markup(tmp_path: Path) -> None:
    bad = '<img src=x onerror="a">'
    row = pictures.Bar(bad, 1, "1", bad)
    drawn = pictures.bars(
        [row], key="k", title=bad, words=bad, table=Section(bad, (bad,), ((bad,),))
    )
    for made in (drawn.svg(), drawn.file(), pictures.table_html(drawn.table)):
        assert "<img" not in made
