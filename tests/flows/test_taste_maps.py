"""The map of a taste: the same each time, kept beside the snapshot, with the less played in it."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator

import numpy as np
import pytest

from segue.flows.online.shelf import Opened
from segue.flows.taste_map import TasteMap, draw_map
from segue.flows.taste_maps import Drawing, TasteMaps
from segue.flows.wiring import Wiring
from segue.settings import Settings
from tests.doors.running import own_small_home


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    wiring = Wiring(Settings(home=own_small_home(tmp_path_factory)))
    bundles = wiring.bundles
    yield Opened(bundles.open(bundles.names()[0]), wiring.snapshots.current())


def _drawn(maps: TasteMaps, opened: Opened, user_id: str) -> TasteMap:
    until = time.monotonic() + 30
    while isinstance(found := maps.get(opened, user_id), Drawing):
        assert time.monotonic() < until
        time.sleep(0.01)
    return found


def test_it_is_drawn_once_and_found_by_the_next_service(opened: Opened) -> None:
    maps = TasteMaps()
    assert isinstance(maps.get(opened, "ann"), Drawing)
    first = _drawn(maps, opened, "ann")
    maps.close()
    again = TasteMaps().get(opened, "ann")
    assert isinstance(again, TasteMap)
    for name in ("name", "track_ids", "heard", "genres", "labels", "file"):
        assert getattr(again, name) == getattr(first, name)
    assert np.array_equal(again.places, first.places)
    assert np.array_equal(again.genre, first.genre)
    assert again.names(opened.bundle.catalogue) == first.names(opened.bundle.catalogue)
    assert again.spot(0.3, 0.4) == first.spot(0.3, 0.4)
    bob = TasteMaps()
    assert isinstance(bob.get(opened, "bob"), Drawing)
    bob.close()


def test_less_played_tracks_join_those_they_are_like(opened: Opened) -> None:
    whole, few = draw_map(opened, "ann"), draw_map(opened, "ann", first=5)
    assert few.track_ids[: few.heard] == whole.track_ids[: whole.heard]
    assert few.heard > 5
    assert np.isfinite(few.places).all()
    assert few.places.min() >= 0
    assert few.places.max() <= 1
    (length,) = struct.unpack_from("<I", few.file)
    assert json.loads(few.file[4 : 4 + length])["first"] == 5
