"""Koito: names among aliases, artists in order, broken files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from segue.errors import SourceError
from segue.music import columns as c
from segue.sources.koito import Koito
from tests.support import BytesFile
from tests.unit.scrobble_reading import read, read_path

_WHEN = datetime(2024, 1, 1, 13, 5, tzinfo=UTC)
_MBID = "a4f26836-3894-46c1-acac-227808308687"


def named(*names: str, primary: str = "", **more: Any) -> dict[str, Any]:
    return {"aliases": [{"alias": n, "is_primary": n == primary} for n in names], **more}


_LISTEN = {
    "listened_at": "2024-01-01T13:05:00Z",
    "client": "x",
    "track": named("Eins", "One", primary="One", mbid=None, duration=200),
    "album": named("First"),
    "artists": [named("Bob", is_primary=False), named("Ann", is_primary=True)],
}


def export(*listens: Any) -> str:
    return json.dumps({"version": "1", "exported_at": "x", "user": "ann", "listens": listens})


def test_the_main_name_of_each_and_the_main_artist_first() -> None:
    assert Koito().claims(BytesFile("export.json", export(_LISTEN).encode()))
    [play] = read(Koito(), "koito.json", export(_LISTEN)).plays
    assert (play[c.TITLE], play[c.ALBUM], play[c.ARTIST]) == ("One", "First", "Ann, Bob")
    assert (play[c.ARTISTS], play[c.DURATION_MS]) == (["Ann", "Bob"], 200000)
    assert (play[c.PLAYED_AT], play[c.SOURCE]) == (_WHEN, "koito")


def test_what_is_no_play_is_rejected() -> None:
    listens = [
        {**_LISTEN, "track": named("One", mbid=_MBID, duration=0)},
        {**_LISTEN, "listened_at": ""},
        {**_LISTEN, "listened_at": "1970-01-01T00:00:00Z"},
        {**_LISTEN, "artists": None},
        {**_LISTEN, "track": "One"},
        [],
    ]
    found = read(Koito(), "koito.json", export(*listens))
    assert [(p[c.TRACK_REF], p[c.DURATION_MS]) for p in found.plays] == [(f"mbid:{_MBID}", None)]
    assert found.reasons == [
        (2, "now_playing"),
        (3, "too_old_timestamp"),
        (4, "missing_artist"),
        (5, "missing_title"),
        (6, "not_an_object"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (export(_LISTEN)[:-20], "not complete"),
        ('{"listens": {}}', "listens"),
        ('{"hello": 5}', "listens"),
        ('{"listens": [{"time": 1}]}', "listened_at"),
        ("", "empty"),
    ],
)
def test_broken_files(content: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        read(Koito(), "koito_export.json", content)
    assert caught.value.cure


def test_a_real_export(shared_data: Path) -> None:
    found = read_path(Koito(), shared_data / "history-exports" / "koito" / "koito_export_test.json")
    assert (len(found.plays), found.rejects) == (13, [])
    first, last = found.plays[0], found.plays[-1]
    assert first[c.TITLE] == "Every Wave To Ever Rise (feat. Elizabeth Powell)"
    assert first[c.ARTISTS] == ["American Football", "Elizabeth Powell"]
    assert first[c.PLAYED_AT] == datetime(2022, 1, 8, 22, 32, 8, tzinfo=UTC)
    assert first[c.DURATION_MS] == 354000
    assert (last[c.ARTIST], last[c.TRACK_REF]) == ("NELKE", f"mbid:{_MBID}")
    assert last[c.PLAYED_AT] == datetime(2025, 3, 23, 17, 22, 3, tzinfo=UTC)
