"""What each mix is made of."""

from __future__ import annotations

import pytest

from segue.music.query import MIXES, Mix
from segue.playlists.facts import TrackFacts
from segue.playlists.mixes import KNOWN_FROM, parts_of
from segue.playlists.titles import ABOUT, entitle
from tests.tiny import NOW


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("adventurous", [0.0, 0.3, 0.5, 1.0])
def test_parts_make_a_whole(mix: Mix, adventurous: float) -> None:
    parts = parts_of(mix, adventurous)
    assert sum(part.share for part in parts) == pytest.approx(1)
    assert all(part.weights for part in parts)
    assert ABOUT[mix]


@pytest.mark.parametrize("adventurous", [0.0, 0.3, 1.0])
def test_discover_never_lets_the_known_in_and_rediscover_nothing_else(adventurous: float) -> None:
    assert {part.known for part in parts_of("discover", adventurous)} == {"out"}
    assert {part.known for part in parts_of("rediscover", adventurous)} == {"only"}


def test_daily_has_as_many_discoveries_as_the_dial_says() -> None:
    favourites, new = parts_of("daily", 0.25)
    assert (favourites.known, new.known) == ("only", "out")
    assert (favourites.habit, new.habit) == (True, False)
    assert (favourites.share, new.share) == pytest.approx((0.875, 0.125))
    assert [parts_of("daily", dial)[1].share for dial in (0.0, 1.0)] == [0, 1]


def test_similar_lets_the_known_in_on_the_near_half_of_the_dial() -> None:
    assert parts_of("similar", KNOWN_FROM - 0.01)[0].known == "any"
    assert parts_of("similar", KNOWN_FROM)[0].known == "out"


def test_titles() -> None:
    seeds = [TrackFacts("a", "Alison"), TrackFacts("b", "Blue")]
    assert entitle("discover", NOW, seeds) == "Discover · 1 Jun 2024"
    assert entitle("similar", NOW, seeds[:1]) == "Similar to Alison · 1 Jun 2024"
    assert entitle("similar", NOW, seeds) == "Similar to Alison and 1 more · 1 Jun 2024"


def test_plugins_take_part_where_they_can() -> None:
    (discover,), (rediscover,) = parts_of("discover", 0.3), parts_of("rediscover", 0.3)
    assert discover.weight("somebodys_model") > 0
    assert rediscover.weight("somebodys_model") == 0
    assert discover.weight("als") > 0
    assert [discover.weight(name) for name in ("popular", "most_played", "rediscover")] == [0, 0, 0]
