"""What marts know of the tracks of a profile."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from segue.events.profiles import Profile, portrait, taken
from segue.flows.track_facts import facts_in
from segue.music.event import Event
from segue.music.marts import MARTS
from tests.marts_folder import published

AT = datetime(2026, 3, 1, tzinfo=UTC)
URI = "spotify:track:6rqhFgbbKwnb9MLmUQDhG6"


def _mart(name: str, *rows: dict[str, object]) -> pa.Table:
    full = [{column: row.get(column) for column in MARTS[name].names} for row in rows]
    return pa.Table.from_pylist(full, MARTS[name])


def test_taste_by_ids_and_references(tmp_path: Path) -> None:
    blue = {"track_id": "t1", "artist": "Ann, Bob", "artists": ["Ann", "Bob"], "year": 1999}
    red = {"track_id": "t2", "artist": "Cem", "genres": ["pop"], "energy": 0.5, "key": 7.0}
    marts = published(
        tmp_path,
        tracks=_mart("tracks", blue, red),
        track_matches=_mart("track_matches", {"track_ref": URI, "track_id": "t2"}),
    )
    events = [Event(name, "ann", name, "complete", AT) for name in ("t1", URI, "nobody knows it")]
    taste = portrait(taken(Profile(), events), facts_in(marts))
    assert {one.name: one.share for one in taste.artists} == pytest.approx({"Ann": 0.5, "Cem": 0.5})
    assert [one.name for one in taste.eras] == ["1990s"]
    assert [one.name for one in taste.genres] == ["pop"]
    assert taste.sound == {"energy": 0.5}
    assert len(taste.tracks) == 3
