"""A track's landscape: moods are told apart by colour, sounds by form, tiles stay small."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.doors.web.pictures import glyph, mood_in_words, tile
from segue.music.mood_colours import hex_of, lab_of, mood_colour
from segue.music.scenery import SIDE, Disc, Ridge, scene_of

_SAD = {"energy": 0.2, "valence": 0.1, "tempo": 75.0, "acousticness": 0.9, "danceability": 0.3}
_HAPPY = {"energy": 0.9, "valence": 0.9, "tempo": 160.0, "acousticness": 0.0, "danceability": 0.8}
_values = st.one_of(st.none(), st.floats(), st.integers(-10, 300))
_sounds = st.dictionaries(st.sampled_from([*_SAD, "loudness"]), _values)


def _ridges(features: dict[str, float], key: str = "t") -> list[Ridge]:
    return [each for each in scene_of(features, key=key).shapes if isinstance(each, Ridge)]


def _apart(one: str, other: str) -> float:
    return math.dist(lab_of(one), lab_of(other))


@settings(max_examples=60)
@given(_sounds, st.text(max_size=20))
def test_any_sound_gives_a_small_picture_that_can_be_read(
    features: dict[str, float], key: str
) -> None:
    for drawn in (tile(features, key=key), tile(None, key=key), glyph(features)):
        ElementTree.fromstring(drawn)
        assert len(drawn.encode()) < 1000


def test_a_track_always_looks_the_same() -> None:
    assert tile(_SAD, key="t") == tile(dict(_SAD), key="t")
    assert tile(_SAD, key="t") != tile(_SAD, key="u")
    assert tile(None, key="rock") == tile({}, key="rock") != tile(None, key="jazz")


def test_moods_are_far_apart_and_neighbours_near() -> None:
    corners = [hex_of(mood_colour(up, along)) for up in (0.1, 0.9) for along in (0.1, 0.9)]
    assert all(_apart(a, b) > 0.17 for a in corners for b in corners if a < b)
    assert _apart(hex_of(mood_colour(0.5, 0.5)), hex_of(mood_colour(0.52, 0.5))) < 0.03


def test_energy_lifts_the_hills_and_tempo_makes_more_of_them() -> None:
    low, high = _ridges(_SAD)[0], _ridges(_HAPPY)[0]
    assert min(y for _, y in high.corners) < min(y for _, y in low.corners) - 5
    assert len(high.corners) > len(low.corners)
    assert low.roundness > 0.9 > 0.1 > high.roundness


def test_a_happy_track_has_a_sun_and_a_sad_one_a_crescent() -> None:
    discs = [
        [each for each in scene_of(features, key="t").shapes if isinstance(each, Disc)]
        for features in (_HAPPY, _SAD)
    ]
    assert [len(found) for found in discs] == [1, 2]
    assert discs[1][1].colour == scene_of(_SAD, key="t").sky


@pytest.mark.parametrize("features", [_SAD, _HAPPY])
def test_hills_reach_from_edge_to_edge(features: dict[str, float]) -> None:
    for key in "abcdefgh":
        for ridge in _ridges(features, key):
            outline = ridge.outline()
            assert min(x for x, _ in outline) <= 0 and max(x for x, _ in outline) >= SIDE
            assert outline[0] == ridge.corners[0]


def test_colours_survive_being_written_down() -> None:
    for written in ("#000000", "#ffffff", "#0072b2", "#ffc83a"):
        assert hex_of(lab_of(written)) == written


def test_the_glyph_says_what_it_shows() -> None:
    assert mood_in_words(_HAPPY) == "loud and happy"
    assert mood_in_words(_SAD) == "quiet and sad"
    assert mood_in_words({"energy": 0.5}) == "lively"
    assert mood_in_words({"valence": float("nan")}) == ""
    assert 'aria-label="sound unknown"' in glyph(None)
