"""Maloja: exports old and new, answers of its API, broken files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from segue.errors import SourceError
from segue.music import columns as c
from segue.sources.maloja import Maloja
from tests.support import BytesFile
from tests.unit.scrobble_reading import read, read_path

_WHEN = datetime(2024, 1, 1, 13, 5, tzinfo=UTC)
_ALBUM = {"albumtitle": "First", "artists": ["Ann"]}
_TRACK = {"artists": ["Ann", "Bob"], "title": "One", "album": _ALBUM, "length": 200}
_SCROBBLE = {"time": 1704114300, "track": _TRACK, "duration": 180, "origin": "client:x"}
_FLAT = {
    "time": 1704114300,
    "artists": ["Ann", "Bob"],
    "title": "One",
    "album": "First",
    "duration": 180,
    "length": 200,
}


@pytest.mark.parametrize(
    "value",
    [
        {"maloja": {"export_time": 1}, "scrobbles": [_SCROBBLE]},
        {"scrobbles": [_SCROBBLE], "maloja": {"export_time": 1}},
        {"scrobbles": [{**_SCROBBLE, "track": {**_TRACK, "album": {"name": "First"}}}]},
        {"scrobbles": [_FLAT]},
    ],
    ids=["now", "keys turned", "album by name", "before version 3"],
)
def test_exports(value: Any) -> None:
    content = json.dumps(value, indent=3)
    assert Maloja().claims(BytesFile("export.json", content.encode()))
    _is_one(content)


@pytest.mark.parametrize("value", [{"status": "ok", "list": [_SCROBBLE]}, [_SCROBBLE]])
def test_lists(value: Any) -> None:
    _is_one(json.dumps(value))


def _is_one(content: str) -> None:
    found = read(Maloja(), "maloja_export.json", content)
    assert found.reasons == []
    [play] = found.plays
    assert (play[c.ARTIST], play[c.TITLE], play[c.ALBUM]) == ("Ann, Bob", "One", "First")
    assert play[c.ARTISTS] == ["Ann", "Bob"]
    assert (play[c.DURATION_MS], play[c.MS_PLAYED]) == (200000, 180000)
    assert (play[c.PLAYED_AT], play[c.SOURCE]) == (_WHEN, "maloja")


def test_what_is_no_play_is_rejected() -> None:
    records = [
        _SCROBBLE,
        {**_SCROBBLE, "time": None},
        {**_SCROBBLE, "time": -5},
        {**_SCROBBLE, "track": {"title": "One", "artists": []}},
        {**_SCROBBLE, "track": {"title": None, "artists": "Ann"}},
        7,
    ]
    found = read(Maloja(), "maloja.json", json.dumps({"scrobbles": records}))
    assert found.reasons == [
        (2, "now_playing"),
        (3, "too_old_timestamp"),
        (4, "missing_artist"),
        (5, "missing_title"),
        (6, "not_an_object"),
    ]
    assert found.n_read == len(records)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps({"scrobbles": [_SCROBBLE]})[:-20], "not complete"),
        ('{"scrobbles": 5}', "scrobbles"),
        ('{"hello": 5}', "scrobbles"),
        ('{"scrobbles": [{"listened_at": 1}]}', "time"),
        ("", "empty"),
        ("<html>", "web page"),
    ],
)
def test_broken_files(content: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        read(Maloja(), "maloja_export.json", content)
    assert caught.value.cure


def test_a_real_export(shared_data: Path) -> None:
    path = shared_data / "history-exports" / "koito" / "maloja_import_test.json"
    found = read_path(Maloja(), path)
    assert (len(found.plays), found.rejects) == (38, [])
    first, last = found.plays[0], found.plays[-1]
    assert (first[c.TITLE], first[c.PLAYED_AT]) == (
        "伊吹",
        datetime(2025, 5, 5, 8, 40, 10, tzinfo=UTC),
    )
    assert first[c.ARTISTS] == ["Kanade Ishihara", "Magnify Tokyo • Kanade Ishihara"]
    assert (last[c.TITLE], last[c.ALBUM]) == ("あなただけが", "Magnify Tokyo")
    assert last[c.PLAYED_AT] == datetime(2025, 5, 13, 13, 6, 35, tzinfo=UTC)
