"""ListenBrainz: exports of every year, what players add, and a full account."""

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
from segue.sources.listenbrainz import ListenBrainz
from tests.support import BytesFile
from tests.unit.scrobble_reading import read, read_path

_WHEN = datetime(2024, 1, 1, 13, 5, tzinfo=UTC)
_SAID = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
_GUESSED = "cb9c8de2-bc23-49a9-a476-9bcf9aae086e"
_NAME = "listens/2024/1.jsonl"


def listen(listened_at: Any = 1704114300, /, **more: Any) -> dict[str, Any]:
    track = {"track_name": "One", "artist_name": "Ann & Bob", "release_name": "First"}
    return {"inserted_at": 1.5, "listened_at": listened_at, "track_metadata": {**track, **more}}


def lines(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


@pytest.mark.parametrize(
    "content",
    [
        lines(listen()),
        json.dumps([listen()]),
        json.dumps([{"user_name": "ann", "recording_msid": "x", **listen()}], indent=2),
        json.dumps({"payload": {"count": 1, "listens": [listen()], "user_id": "ann"}}),
        lines(listen(1704114300.0)),
    ],
    ids=["a file a month", "older list", "oldest list", "answer of the API", "fraction"],
)
def test_shapes(content: str) -> None:
    assert ListenBrainz().claims(BytesFile("lb-ann.json", content.encode()))
    found = read(ListenBrainz(), "lb-ann.json", content)
    assert (found.names, found.times, found.reasons) == ([("Ann & Bob", "One")], [_WHEN], [])
    assert found.plays[0][c.ALBUM] == "First"
    assert found.plays[0][c.SOURCE] == "listenbrainz"


@pytest.mark.parametrize(
    ("more", "ref"),
    [
        ({"spotify_id": "https://open.spotify.com/track/6rqhFgbbKwnb9MLmUQDhG6"}, "spotify"),
        ({"spotify_id": "", "origin_url": "spotify:track:6rqhFgbbKwnb9MLmUQDhG6"}, "spotify"),
        ({"origin_url": "https://open.spotify.com/intl-de/track/6rqhFgbbKwnb9MLmUQDhG6?si=1"}, ""),
    ],
)
def test_spotify_ids(more: dict[str, str], ref: str) -> None:
    found = read(ListenBrainz(), _NAME, lines(listen(additional_info=more)))
    uri = "spotify:track:6rqhFgbbKwnb9MLmUQDhG6"
    assert (found.plays[0][c.SPOTIFY_URI], found.plays[0][c.TRACK_REF]) == (uri, uri), ref


def test_what_the_player_said_comes_before_what_was_guessed() -> None:
    mapped = {
        "recording_mbid": _GUESSED,
        "recording_name": "The One",
        "artists": [{"artist_credit_name": "Ann"}, {"artist_credit_name": "Bob"}],
    }
    found = read(
        ListenBrainz(),
        _NAME,
        lines(
            listen(additional_info={"recording_mbid": _SAID}, mbid_mapping=mapped),
            listen(additional_info={"recording_mbid": ""}, mbid_mapping=mapped),
            listen(mbid_mapping=None, additional_info={"artist_names": ["Ann", "Bob"]}),
            listen(mbid_mapping=mapped, track_name=""),
        ),
    )
    refs = [play[c.TRACK_REF] for play in found.plays]
    named = "name:Ann & Bob\x1fOne"
    assert refs == [f"mbid:{_SAID}", f"mbid:{_GUESSED}", named, f"mbid:{_GUESSED}"]
    assert [play[c.ARTISTS] for play in found.plays] == [["Ann", "Bob"]] * 4
    assert [play[c.TITLE] for play in found.plays] == ["One", "One", "One", "The One"]


def test_lengths_in_their_units() -> None:
    infos: list[dict[str, Any]] = [
        {"duration_ms": 200000},
        {"duration": 200, "duration_played": 90, "isrc": "GBAYE0601498"},
        {"duration": "200", "ms_played": 1500},
        {"duration_ms": "long", "duration": -1},
    ]
    found = read(ListenBrainz(), _NAME, lines(*(listen(additional_info=info) for info in infos)))
    assert [play[c.DURATION_MS] for play in found.plays] == [200000, 200000, 200000, None]
    assert [play[c.MS_PLAYED] for play in found.plays] == [None, 90000, 1500, None]
    assert found.plays[1][c.ISRC] == "GBAYE0601498"


def test_what_is_no_play_is_rejected_with_its_record() -> None:
    found = read(
        ListenBrainz(),
        _NAME,
        lines(listen(), listen(None), listen(0), listen("soon"), listen(track_name=None)),
    )
    assert len(found.plays) == 1
    assert found.reasons == [
        (2, "now_playing"),
        (3, "too_old_timestamp"),
        (4, "bad_timestamp"),
        (5, "missing_title"),
    ]
    assert json.loads(found.rejects[2][c.RAW])["track_metadata"]["track_name"] == "One"


@pytest.mark.parametrize(
    "name", ["user.json", "x/feedback.jsonl", "pinned_recording.jsonl", "notes.jsonl"]
)
def test_other_files_of_the_export_are_not_claimed(name: str) -> None:
    content = lines({"recording_msid": None, "recording_mbid": _SAID, "score": 1, "created": 1})
    assert not ListenBrainz().claims(BytesFile(name, content.encode()))


def test_a_broken_file_in_its_place_is_claimed_and_refused() -> None:
    file = BytesFile(_NAME, b"\x00\x01")
    assert ListenBrainz().claims(file)
    for content, message in [
        (b"\x00\x01\x02\x03", "binary|JSON"),
        (lines(listen(), listen())[:-30].encode(), "not complete"),
        (b'{"hello": "world"}', "something else"),
        (b"[1, 2]", "not of records"),
        (b"", "empty"),
    ]:
        with pytest.raises(SourceError, match=message) as caught:
            read(ListenBrainz(), _NAME, content)
        assert _NAME in str(caught.value)


_VALUE = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.integers())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(_VALUE, st.dictionaries(st.text(max_size=5), _VALUE)), max_size=20))
def test_every_listen_is_kept_or_rejected(values: list[tuple[Any, dict[str, Any]]]) -> None:
    records = [listen(at, track_name=at, additional_info=info) for at, info in values]
    assert read(ListenBrainz(), _NAME, json.dumps(records)).n_read == len(records)


def test_real_exports(shared_data: Path) -> None:
    folder = shared_data / "history-exports" / "koito"
    found = read_path(ListenBrainz(), folder / "listenbrainz_shoko1_1749780844.zip")
    assert (len(found.plays), found.rejects) == (5, [])
    assert found.names[0] == ("OurR", "Desert")
    assert found.times[0] == datetime(2025, 6, 13, 2, 10, 12, tzinfo=UTC)
    assert found.plays[0][c.DURATION_MS] == 245000
    assert found.names[-1] == ("Magnify Tokyo & Lauren Horii", "Kokoro")
    assert found.plays[-1][c.ARTISTS] == ["Magnify Tokyo", "Lauren Horii"]
    older = read_path(ListenBrainz(), folder / "listenbrainz_shoko1_123456789.zip")
    assert (len(older.plays), older.rejects) == (19, [])
    assert older.names[0] == ("Alec Holowka", "March of the Krotites")
    assert older.times[0] == datetime(2013, 10, 12, 8, 14, 16, tzinfo=UTC)
    assert older.names[-1] == ("VYPER", "Chrono Trigger 'The Frog Dance' OC ReMix")
    assert older.times[-1] == datetime(2013, 10, 12, 9, 32, 48, tzinfo=UTC)
