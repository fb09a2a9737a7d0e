"""What a listener did with each track is told when it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from segue.flows.heard_tracks import HeardTracks
from segue.playlists.listener import Heard, Listener

LAST = datetime(2026, 3, 1, 12, 30, 5, 123_457, tzinfo=UTC)
HEARD = HeardTracks(["a", "b"], [3, 0], [1_772_368_205_123_457, 0])


def test_it_is_a_mapping_of_values_to_the_microsecond() -> None:
    assert dict(HEARD) == {"a": Heard(3, LAST), "b": Heard(0, datetime(1970, 1, 1, tzinfo=UTC))}
    assert HEARD.get("a") == HEARD["a"]
    assert HEARD.get("z") is None
    assert HEARD.get("z", HEARD["b"]) == HEARD["b"]
    assert ("b" in HEARD, "z" in HEARD, len(HEARD)) == (True, False, 2)
    with pytest.raises(KeyError):
        HEARD["z"]


def test_what_was_heard_is_known() -> None:
    assert Listener(heard=HEARD, kept=frozenset("c")).known == {"a", "b", "c"}
    assert not HeardTracks([], [], [])
