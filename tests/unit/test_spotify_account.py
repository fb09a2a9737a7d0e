"""Spotify's short history: names and minutes, podcasts counted and left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import SourceError
from segue.sources.spotify_account import SpotifyAccount
from segue.sources.spotify_export import SpotifyExport
from tests.contracts.source_contract import read_all
from tests.contracts.spotify_cases import stream
from tests.support import BytesFile

NAME = "StreamingHistory_music_0.json"


def listen(**changes: Any) -> dict[str, Any]:
    return {
        "endTime": "2024-03-01 10:03",
        "artistName": "Ann",
        "trackName": "One",
        "msPlayed": 60_000,
        **changes,
    }


def read(content: Any, name: str = NAME) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    chunks = read_all(SpotifyAccount(), BytesFile(name, data))
    rows = [row for chunk in chunks for row in chunk.rows.to_pylist()]
    return rows, [reject for chunk in chunks for reject in chunk.rejects.to_pylist()]


def test_a_record_becomes_a_play_known_by_its_names() -> None:
    ((play,), rejects) = read([listen()])
    assert rejects == []
    told = {name: value for name, value in play.items() if value is not None}
    assert told == {
        "user_id": "ann",
        "source": "spotify_account",
        "played_at": datetime(2024, 3, 1, 10, 2, tzinfo=UTC),
        "ended_at": datetime(2024, 3, 1, 10, 3, tzinfo=UTC),
        "ms_played": 60_000,
        "track_ref": "name:Ann\x1fOne",
        "title": "One",
        "artist": "Ann",
    }


@pytest.mark.parametrize(
    ("changes", "title", "ms_played"),
    [
        ({"msPlayed": "60000"}, "One", 60_000),
        ({"msPlayed": 0}, "One", 0),
        ({"trackName": 1999}, "1999", 60_000),
        ({"trackName": True}, "true", 60_000),
    ],
)
def test_numbers_and_texts_alike(changes: dict[str, Any], title: str, ms_played: int) -> None:
    ((play,), _) = read([listen(**changes)])
    assert (play["title"], play["ms_played"]) == (title, ms_played)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"endTime": "2024-03-01 10:03", "podcastName": "Talk", "msPlayed": 1}, "podcast"),
        ({"endTime": "2024-03-01 10:03", "audiobookName": "Emma", "msPlayed": 1}, "audiobook"),
        (listen(trackName=None), "missing_title"),
        (listen(artistName=" "), "missing_artist"),
        (listen(artistName=None, trackName=None), "no_track"),
        (listen(endTime="10:03"), "bad_timestamp"),
        (listen(endTime="1970-01-01 00:00"), "too_old_timestamp"),
        (listen(endTime="2030-01-01 00:00"), "future_timestamp"),
        (listen(msPlayed=-5), "negative_ms_played"),
        (listen(msPlayed="?"), "bad_ms_played"),
        (5, "not_an_object"),
    ],
)
def test_why_a_record_is_rejected(record: Any, reason: str) -> None:
    rows, rejects = read([listen(), record])
    assert len(rows) == 1
    assert [(reject["row"], reject["reason"]) for reject in rejects] == [(2, reason)]


@pytest.mark.parametrize(("word", "reason"), [("podcast", "podcast"), ("audiobook", "audiobook")])
def test_spoken_files_are_claimed_and_rejected_whole(word: str, reason: str) -> None:
    name = f"Spotify Account Data/StreamingHistory_{word}_0.json"
    content = [listen(), {"endTime": "2024-03-01 10:03", "msPlayed": 1, "podcastName": "Talk"}]
    assert SpotifyAccount().claims(BytesFile(name, json.dumps(content).encode()))
    rows, rejects = read(content, name)
    assert rows == []
    assert [reject["reason"] for reject in rejects] == [reason, reason]


@pytest.mark.parametrize(
    "name", [NAME, "MyData/StreamingHistory0.json", "streaminghistory3 (1).json"]
)
def test_is_claimed_by_its_name(name: str) -> None:
    assert SpotifyAccount().claims(BytesFile(name, b"[]"))
    assert not SpotifyExport().claims(BytesFile(name, b"[]"))


def test_content_decides_when_name_and_content_disagree() -> None:
    short = json.dumps([listen()]).encode()
    extended = json.dumps([stream()]).encode()
    for name in ("StreamingHistory0.json", "Streaming_History_Audio_1.json", "my plays.json"):
        assert SpotifyAccount().claims(BytesFile(name, short))
        assert not SpotifyExport().claims(BytesFile(name, short))
        assert SpotifyExport().claims(BytesFile(name, extended))
        assert not SpotifyAccount().claims(BytesFile(name, extended))


def test_a_file_of_something_else_is_refused() -> None:
    with pytest.raises(SourceError, match=r"something else.*“a”.*“endTime”"):
        read([{"a": 1}])


ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
RECORDS = st.fixed_dictionaries(
    {"endTime": st.just("2024-03-01 10:03") | ODD},
    optional={"artistName": ODD, "trackName": ODD, "msPlayed": st.integers(0, 10**6) | ODD},
)


@settings(deadline=None, max_examples=60)
@given(st.lists(RECORDS | ODD, max_size=8))
def test_every_record_is_accounted_for_whatever_it_holds(records: list[Any]) -> None:
    content = json.dumps([listen(), *records]).encode()
    rows, rejects = read(content)
    assert len(rows) + len(rejects) == len(records) + 1
