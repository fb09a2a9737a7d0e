"""Every state of a playlist can be brought back, and nothing is kept twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import SinkError
from segue.playlists.archive import PlaylistArchive, State
from segue.playlists.service_base import Item

FIRST = datetime(2026, 10, 5, 6, 0, tzinfo=UTC)


def state(week: int, keys: str, title: str = "Weekly") -> State:
    items = tuple(Item(key, f"Song {key}", ("Band",), f"ISRC{key}") for key in keys)
    return State(FIRST + timedelta(weeks=week), title, items)


def test_weeks_by_eye(tmp_path: Path) -> None:
    archive = PlaylistArchive(tmp_path / "archive")
    archive.add("spotify=x", state(0, "abc"))
    assert archive.add("spotify=x", state(1, "abc")) is None
    change = archive.add("spotify=x", state(2, "cbde"))
    assert change is not None
    assert [item.key for item in change.added] == ["d", "e"]
    assert [item.key for item in change.removed] == ["a"]
    assert archive.at("spotify=x", FIRST - timedelta(seconds=1)) is None
    assert archive.at("spotify=x", FIRST + timedelta(weeks=1)) == state(0, "abc")
    assert archive.at("spotify=x", FIRST + timedelta(weeks=9)) == state(2, "cbde")
    assert [len(one.added) for one in archive.changes("spotify=x")] == [3, 2]
    (file,) = (tmp_path / "archive").iterdir()
    assert len(file.read_text().splitlines()) == 2
    assert file.read_text().count("Song b") == 1
    assert archive.changes("spotify=y") == []


@settings(max_examples=60)
@given(st.lists(st.text("abcdefg", max_size=9), max_size=6))
def test_every_state_comes_back(tmp_path_factory: pytest.TempPathFactory, weeks: list[str]) -> None:
    archive = PlaylistArchive(tmp_path_factory.mktemp("archive"))
    for week, keys in enumerate(weeks):
        archive.add("x", state(week, keys))
    for week, keys in enumerate(weeks):
        found = archive.at("x", FIRST + timedelta(weeks=week))
        assert found is not None
        assert found.items == state(week, keys).items


def test_damage_is_told(tmp_path: Path) -> None:
    archive = PlaylistArchive(tmp_path)
    archive.add("x", state(0, "ab"))
    with (tmp_path / "x.jsonl").open("a") as file:
        file.write('{"at": "2026')
    with pytest.raises(SinkError, match=r"x\.jsonl, row 2 is damaged"):
        archive.add("x", state(1, "ba"))
