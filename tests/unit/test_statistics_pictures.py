"""Pictures of statistics: each view, whatever there is to draw, and colours that can be told."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import pytest

from segue import palette
from segue.analytics.lettering import cut, width_of
from segue.analytics.picture import draw
from segue.analytics.statistics import VIEWS, Asked, Statistics
from segue.analytics.windows import Wish
from segue.flows.stats import stats
from tests.listening_home import history, play

LONG = "A Title That Goes On & On <b> for Much Longer than a Telephone is Wide"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Statistics]:
    days = [f"2024-{month:02}-{day:02} 1{day % 8}:00" for month in (3, 4, 5) for day in (3, 9, 20)]
    plays = [play(day, f"t{n % 4 + 1}", skipped=n % 3 == 0) for n, day in enumerate(days)]
    snapshot = history(tmp_path_factory.mktemp("pictures"), *plays)
    now = datetime(2024, 6, 1, tzinfo=UTC)
    wish = Wish(last="60d")
    return {
        view: stats(snapshot, Asked(view=view), wish, user_id="ann", time_zone="UTC", now=now)
        for view in VIEWS
    }


def _texts(svg: bytes) -> str:
    return " ".join(ET.fromstring(svg).itertext())


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_is_drawn_as_wide_as_a_phone(told: dict[str, Statistics], view: str) -> None:
    drawn = draw(told[view], "svg")
    root = ET.fromstring(drawn)
    assert float(root.attrib["width"]) == pytest.approx(palette.WIDTH, abs=12)
    words = _texts(drawn)
    assert "ann · 60 days to 20 May 2024" in words
    assert "plays" in words
    if view == "top":
        assert "Ann" in words
    if view == "clock":
        assert "Hours of the week" in words


def test_a_png_has_the_pixels_of_a_phone(told: dict[str, Statistics]) -> None:
    drawn = draw(told["clock"], "png")
    assert drawn[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", drawn[16:24])
    assert 1050 <= width <= 1110
    assert height > 400


def test_a_page_stands_alone_and_tells_the_numbers(told: dict[str, Statistics]) -> None:
    page = draw(told["summary"], "html").decode()
    assert page.startswith("<!doctype html>")
    assert 'name="viewport"' in page
    assert "<script" not in page
    assert "<link" not in page
    assert "<td" in page
    assert "Hours of the week" in page


def test_names_from_outside_cannot_become_markup(tmp_path: Path) -> None:
    snapshot = history(tmp_path, play("2024-05-01 10:00", user='<img src=x onerror="a">'))
    found = stats(
        snapshot,
        Asked(),
        Wish(),
        user_id='<img src=x onerror="a">',
        time_zone="UTC",
        now=datetime(2024, 6, 1, tzinfo=UTC),
    )
    assert b"<img" not in draw(found, "html")
    assert b"<img" not in draw(found, "svg")


def test_one_play_is_enough_for_a_picture(tmp_path: Path) -> None:
    snapshot = history(tmp_path, play("2024-05-01 10:00", "t4", ms=None))
    for view in VIEWS:
        found = stats(
            snapshot,
            Asked(view=view),
            Wish(),
            user_id="ann",
            time_zone="UTC",
            now=datetime(2024, 6, 1, tzinfo=UTC),
        )
        assert draw(found, "svg").startswith(b"<svg")


def test_long_names_are_cut_to_what_fits() -> None:
    assert cut("short", 10) == "short"
    for ems in (3.0, 8.0, 20.0):
        shown = cut(LONG, ems)
        assert shown.endswith("…")
        assert width_of(shown) <= ems
    assert width_of("音楽") == 2.0


def _light(colour: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_light(one), _light(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_texts_can_be_read_and_series_told_apart() -> None:
    for text in (palette.INK, palette.MUTED, palette.RISE, palette.FALL, palette.ACCENT):
        assert _contrast(text, palette.PAPER) >= 4.5, text
    lights = [_light(colour) for colour in palette.AMOUNTS]
    assert lights == sorted(lights, reverse=True)
    assert all(a != b for a, b in combinations(palette.SERIES, 2))
