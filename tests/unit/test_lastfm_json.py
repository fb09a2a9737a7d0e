"""Last.fm histories in JSON: every shape that the API and exporters give them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import SourceError
from segue.music import columns as c
from segue.sources.lastfm_json import LastfmJson
from tests.support import BytesFile
from tests.unit.scrobble_reading import read, read_path

_WHEN = datetime(2024, 1, 1, 13, 5, tzinfo=UTC)
_MBID = "f3a4bd1d-8b3c-4da8-8ee4-e984fe79d14f"
_TRACK = {
    "artist": {"mbid": "", "#text": "Ann"},
    "album": {"mbid": "", "#text": "First"},
    "name": "One",
    "mbid": "",
    "date": {"uts": "1704114300", "#text": "01 Jan 2024, 13:05"},
}
_ATTR = {"user": "ann", "totalPages": "1", "page": "1"}

SHAPES: dict[str, Any] = {
    "one answer": {"recenttracks": {"track": [_TRACK], "@attr": _ATTR}},
    "one answer, attributes first": {"recenttracks": {"@attr": _ATTR, "track": [_TRACK]}},
    "one answer with one track": {"recenttracks": {"track": _TRACK, "@attr": _ATTR}},
    "pages": [{"track": [_TRACK], "@attr": _ATTR}],
    "page with one track": [{"track": _TRACK}],
    "answers": [{"recenttracks": {"track": [_TRACK], "@attr": _ATTR}}],
    "tracks": [_TRACK],
    "lists of tracks": [[_TRACK]],
    "extended": [{**_TRACK, "artist": {"name": "Ann", "url": "https://www.last.fm/music/Ann"}}],
    "lastfmstats.com": {
        "username": "ann",
        "scrobbles": [
            {
                "track": "One",
                "artist": "Ann",
                "album": "First",
                "albumId": "",
                "date": 1704114300000,
            }
        ],
    },
    "date as text only": [{**_TRACK, "date": {"#text": "01 Jan 2024, 13:05"}}],
}


@pytest.mark.parametrize("value", SHAPES.values(), ids=SHAPES)
def test_shapes(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=2)):
        found = read(LastfmJson(), "recenttracks-ann-1.json", text)
        assert found.reasons == []
        [play] = found.plays
        assert (play[c.ARTIST], play[c.ALBUM], play[c.TITLE]) == ("Ann", "First", "One")
        assert play[c.PLAYED_AT] == _WHEN
        assert play[c.SOURCE] == "lastfm"
        assert play[c.TRACK_REF] == "name:Ann\x1fOne"


@pytest.mark.parametrize("shape", [s for s in SHAPES if s != "date as text only"])
def test_claims_by_content(shape: str) -> None:
    file = BytesFile("whatever.json", json.dumps(SHAPES[shape]).encode())
    assert LastfmJson().claims(file)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lovedtracks-ann-1.json", [{"track": [_TRACK]}]),
        ("loved.json", {"lovedtracks": {"track": [_TRACK]}}),
        ("x.json", {"scrobbles": [{"time": 1, "track": {"artists": ["A"], "title": "B"}}]}),
        ("x.json", [{"listened_at": 1, "track_metadata": {"track_name": "B"}}]),
        ("x.json", {"hello": "world"}),
        ("x.json", []),
    ],
)
def test_others_are_not_claimed(name: str, value: Any) -> None:
    assert not LastfmJson().claims(BytesFile(name, json.dumps(value).encode()))


def test_what_is_playing_now_is_rejected_until_it_has_a_time() -> None:
    playing = {k: v for k, v in _TRACK.items() if k != "date"} | {"@attr": {"nowplaying": "true"}}
    answer = {"recenttracks": {"track": [playing, _TRACK]}}
    found = read(LastfmJson(), "recenttracks.json", json.dumps(answer))
    assert found.reasons == [(1, "now_playing")]
    assert len(found.plays) == 1


def test_odd_values_are_read_or_rejected() -> None:
    tracks = [
        {**_TRACK, "name": 1999, "mbid": _MBID},
        {**_TRACK, "artist": None},
        {**_TRACK, "date": {"uts": "0"}},
        {**_TRACK, "date": {"uts": True}},
        {**_TRACK, "name": ["One"], "artist": {"#text": ""}},
        "track",
        None,
    ]
    found = read(LastfmJson(), "recenttracks.json", json.dumps(tracks))
    assert [play[c.TITLE] for play in found.plays] == ["1999"]
    assert found.plays[0][c.TRACK_REF] == f"mbid:{_MBID}"
    assert found.reasons == [
        (2, "missing_artist"),
        (3, "too_old_timestamp"),
        (4, "now_playing"),
        (5, "no_track"),
        (6, "not_an_object"),
        (7, "not_an_object"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps(SHAPES["pages"])[:-40], "not complete"),
        (json.dumps(SHAPES["one answer"])[:-40], "not complete"),
        ('{"hello": "world"}', "artist"),
        ('[{"ts": "2024-01-01T00:00:00Z"}]', "artist"),
        ("[1, 2]", "artist"),
        ("<!doctype html>", "web page"),
        ("\x00\x01\x02", "binary"),
        ("", "empty"),
        ("42", "not JSON"),
    ],
)
def test_broken_files(content: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        read(LastfmJson(), "recenttracks.json", content)
    assert "recenttracks.json" in str(caught.value)
    assert caught.value.cure


_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
_ANY_TRACK = st.fixed_dictionaries(
    {"artist": _VALUE, "name": _VALUE},
    optional={"date": _VALUE, "@attr": _VALUE, "album": _VALUE, "mbid": _VALUE, "uts": _VALUE},
)


@settings(max_examples=40, deadline=None)
@given(st.lists(_ANY_TRACK, max_size=20))
def test_every_track_is_kept_or_rejected(tracks: list[dict[str, Any]]) -> None:
    found = read(LastfmJson(), "recenttracks.json", json.dumps([{"track": tracks}]))
    assert found.n_read == len(tracks)


def test_a_real_export(shared_data: Path) -> None:
    path = shared_data / "history-exports" / "koito" / "recenttracks-shoko2-1749776100.json"
    found = read_path(LastfmJson(), path)
    assert (len(found.plays), found.rejects) == (10, [])
    assert found.names[0] == ("CHUU", "because I'm stupid?")
    assert found.times[0] == datetime(2025, 6, 13, 0, 55, tzinfo=UTC)
    assert found.plays[-1][c.TRACK_REF] == f"mbid:{_MBID}"
    assert found.names[-1] == ("American Football", "Uncomfortably Numb")
    assert found.times[-1] == datetime(2025, 6, 13, 0, 10, tzinfo=UTC)
