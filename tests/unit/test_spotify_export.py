"""Spotify's extended history: what each record becomes, and what each broken file says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import SourceError
from segue.sources.inputs import open_input
from segue.sources.spotify_account import SpotifyAccount
from segue.sources.spotify_export import SpotifyExport
from tests.contracts.source_contract import read_all
from tests.contracts.spotify_cases import stream
from tests.support import OPTIONS, BytesFile

NAME = "Streaming_History_Audio_2024_0.json"
ID = "6rqhFgbbKwnb9MLmUQDhG6"
NAMELESS = {
    "master_metadata_track_name": None,
    "master_metadata_album_artist_name": None,
    "master_metadata_album_album_name": None,
}
UNKNOWN = {**NAMELESS, "spotify_track_uri": None}


def read(
    records: Sequence[Any] | bytes, name: str = NAME
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    content = records if isinstance(records, bytes) else json.dumps(records).encode()
    chunks = read_all(SpotifyExport(), BytesFile(name, content))
    rows = [row for chunk in chunks for row in chunk.rows.to_pylist()]
    rejects = [reject for chunk in chunks for reject in chunk.rejects.to_pylist()]
    return rows, rejects


def one(**changes: Any) -> dict[str, Any]:
    rows, rejects = read([stream(**changes)])
    assert rejects == []
    return rows[0]


def refusal(name: str = NAME, **changes: Any) -> dict[str, Any]:
    rows, rejects = read([stream(**changes)], name)
    assert rows == []
    return rejects[0]


def test_a_stream_becomes_a_play_that_began_before_it_ended() -> None:
    assert one() == {
        "user_id": "ann",
        "source": "spotify_export",
        "played_at": datetime(2024, 3, 1, 10, 0, tzinfo=UTC),
        "ended_at": datetime(2024, 3, 1, 10, 3, 30, tzinfo=UTC),
        "ms_played": 210_000,
        "track_ref": f"spotify:track:{ID}",
        "title": "One",
        "artist": "Ann",
        "artists": None,  # one name, as written: who they are is found out when it is matched
        "album": "First",
        "spotify_uri": f"spotify:track:{ID}",
        "recording_mbid": None,
        "isrc": None,
        "duration_ms": None,
        "reason_start": "clickrow",
        "reason_end": "trackdone",
        "skipped": False,
        "shuffle": False,
        "offline": False,
        "offline_at": datetime(2024, 3, 1, 10, 0, tzinfo=UTC),
        "incognito": False,
        "platform": "android",
        "country": "DE",
    }


def test_a_play_of_no_length_is_kept() -> None:
    play = one(ms_played=0)
    assert play["played_at"] == play["ended_at"]


@pytest.mark.parametrize(
    "ts",
    [
        "2024-03-01T10:03:30Z",
        "2024-03-01T10:03:30.000Z",
        "2024-03-01T12:03:30+02:00",
        "2024-03-01 10:03:30",
        "2024-03-01T10:03:30+00:00",
        1709287410,
        1709287410000,
        "1709287410",
    ],
)
def test_times_in_every_dress(ts: str | int) -> None:
    assert one(ts=ts)["ended_at"] == datetime(2024, 3, 1, 10, 3, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        (1709287200, datetime(2024, 3, 1, 10, tzinfo=UTC)),
        (1709287200123, datetime(2024, 3, 1, 10, 0, 0, 123_000, tzinfo=UTC)),
        ("1709287200", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        (0, None),
        (None, None),
        (-1, None),
        ("soon", None),
        (99999999999, None),
    ],
)
def test_offline_since(stamp: Any, expected: datetime | None) -> None:
    assert one(offline_timestamp=stamp)["offline_at"] == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"master_metadata_track_name": 1999}, {"title": "1999"}),
        ({"master_metadata_album_album_name": 25}, {"album": "25"}),
        ({"master_metadata_album_artist_name": "AC/DC"}, {"artist": "AC/DC", "artists": None}),
        (
            {"master_metadata_album_artist_name": "A, B & C"},
            {"artist": "A, B & C", "artists": None},
        ),
        ({"master_metadata_track_name": " spaced "}, {"title": " spaced "}),
        ({"master_metadata_album_album_name": "  "}, {"album": None}),
        ({"ms_played": "210000"}, {"ms_played": 210_000}),
        ({"skipped": None, "shuffle": None}, {"skipped": None, "shuffle": None}),
        ({"skipped": "true", "incognito_mode": 1}, {"skipped": True, "incognito": True}),
        ({"conn_country": "ZZ"}, {"country": None}),
        ({"master_metadata_track_name": "x" * 300_000}, {"title": "x" * 300_000}),
        ({"reason_end": "something-new"}, {"reason_end": "something-new"}),
        (
            {"spotify_track_uri": f"https://open.spotify.com/intl-de/track/{ID}?si=1"},
            {"spotify_uri": f"spotify:track:{ID}"},
        ),
        (NAMELESS, {"track_ref": f"spotify:track:{ID}", "title": None, "artists": None}),
        ({"spotify_track_uri": None}, {"track_ref": "name:Ann\x1fOne", "spotify_uri": None}),
        ({"spotify_track_uri": "spotify:track:short"}, {"track_ref": "name:Ann\x1fOne"}),
        (
            {"spotify_track_uri": "spotify:local:Ann:First:One:210"},
            {"track_ref": "name:Ann\x1fOne", "spotify_uri": None},
        ),
        (
            {**NAMELESS, "spotify_track_uri": "spotify:local:Sigur+R%C3%B3s::Untitled+%233:9"},
            {"artist": "Sigur Rós", "title": "Untitled #3", "album": None},
        ),
        ({"episode_name": "also an episode"}, {"title": "One"}),
    ],
)
def test_what_a_field_becomes(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    play = one(**changes)
    assert {name: play[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({**UNKNOWN, "episode_name": "Pilot"}, "podcast", None),
        ({**UNKNOWN, "spotify_episode_uri": f"spotify:episode:{ID}"}, "podcast", None),
        ({**NAMELESS, "spotify_track_uri": f"spotify:episode:{ID}"}, "podcast", None),
        ({**UNKNOWN, "audiobook_title": "Emma"}, "audiobook", None),
        ({**UNKNOWN, "audiobook_chapter_uri": "spotify:episode:1"}, "audiobook", None),
        (UNKNOWN, "no_track", None),
        (
            {"master_metadata_track_name": "", "spotify_track_uri": None},
            "missing_title",
            "master_metadata_track_name",
        ),
        (
            {"master_metadata_album_artist_name": None, "spotify_track_uri": "x"},
            "missing_artist",
            "master_metadata_album_artist_name",
        ),
        ({"ts": None}, "bad_timestamp", "ts"),
        ({"ts": "yesterday"}, "bad_timestamp", "ts"),
        ({"ts": "2024-13-01T00:00:00Z"}, "bad_timestamp", "ts"),
        ({"ts": True}, "bad_timestamp", "ts"),
        ({"ts": "1970-01-01T00:00:00Z"}, "too_old_timestamp", "ts"),
        ({"ts": "-infinity"}, "too_old_timestamp", "ts"),
        ({"ts": "2026-01-16T12:00:01Z"}, "future_timestamp", "ts"),
        ({"ts": "infinity"}, "future_timestamp", "ts"),
        ({"ms_played": -1}, "negative_ms_played", "ms_played"),
        ({"ms_played": None}, "bad_ms_played", "ms_played"),
        ({"ms_played": "long"}, "bad_ms_played", "ms_played"),
        ({"ms_played": 86_400_001}, "bad_ms_played", "ms_played"),
        ({"ms_played": 1e300}, "bad_ms_played", "ms_played"),
        ({"ms_played": 9223372036854775807}, "bad_ms_played", "ms_played"),
    ],
)
def test_why_a_record_is_rejected(changes: dict[str, Any], reason: str, field: str | None) -> None:
    reject = refusal(**changes)
    assert (reject["reason"], reject["field"], reject["row"]) == (reason, field, 1)
    assert json.loads(reject["raw"])["platform"] == "android"
    assert "203.0.113" not in reject["raw"]


def test_the_detail_quotes_the_fault() -> None:
    assert refusal(ts="yesterday")["detail"] == "“yesterday”"
    assert refusal(ms_played=None)["detail"] == "missing"


def test_a_day_after_now_is_still_believed() -> None:
    assert one(ts="2026-01-16T12:00:00Z")["ended_at"] == datetime(2026, 1, 16, 12, tzinfo=UTC)


def test_a_video_without_a_track_is_a_video() -> None:
    for name in ("Streaming_History_Video_2024.json", "endvideo.json"):
        assert refusal(name, **UNKNOWN)["reason"] == "video"
        assert read([stream()], name)[0][0]["title"] == "One"


def test_rows_of_rejects_count_records_from_one() -> None:
    records = [stream(), None, stream(ts="x"), 7, stream(), {}, [stream()]]
    rows, rejects = read(records)
    assert len(rows) == 2
    assert [(reject["row"], reject["reason"]) for reject in rejects] == [
        (2, "not_an_object"),
        (3, "bad_timestamp"),
        (4, "not_an_object"),
        (6, "no_track"),
        (7, "not_an_object"),
    ]
    assert rejects[0]["detail"] == "null"
    assert rejects[0]["raw"] is None


def test_rows_of_rejects_are_right_far_into_a_file() -> None:
    records = [stream(ms_played=number) for number in range(30_000)]
    records[12_345] = stream(**UNKNOWN)
    records[29_999] = stream(ts=None)
    rows, rejects = read(records)
    assert [reject["row"] for reject in rejects] == [12_346, 30_000]
    assert [row["ms_played"] for row in rows] == [n for n in range(29_999) if n != 12_345]


def test_duplicates_are_left_to_the_lake() -> None:
    assert len(read([stream(), stream()])[0]) == 2


def test_keys_in_any_order_missing_and_unknown() -> None:
    record = dict(reversed({**stream(), "new_field": {"ts": [1]}}.items()))
    del record["platform"]
    assert read([record])[0][0] == {**one(), "platform": None}


def test_json_lines_are_read_too() -> None:
    lines = f"{json.dumps(stream())}\n{json.dumps(stream(ts='x'))}\n".encode()
    rows, rejects = read(lines)
    assert (len(rows), rejects[0]["row"]) == (1, 2)


def test_an_empty_list_is_no_fault() -> None:
    assert read([]) == ([], [])


CLAIMED = [
    "Streaming_History_Audio_2020-2021_3.json",
    "Streaming_History_Audio_2020-2021_3 (1).json",
    "streaming_history_audio_2020.json.json",
    "Spotify Extended Streaming History/Streaming_History_Video_2018-2024.json",
    "a/b/c/endsong_12.json",
    "endvideo.json",
    "a\\endsong.json",
]


@pytest.mark.parametrize("name", CLAIMED)
def test_is_claimed_by_its_name(name: str) -> None:
    for content in (b"[]", b"", b"broken"):
        assert SpotifyExport().claims(BytesFile(name, content))
        assert not SpotifyAccount().claims(BytesFile(name, content))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_is_claimed_by_its_content_under_another_name(encoding: str) -> None:
    content = json.dumps([stream()]).encode(encoding)
    for name in ("history.json", "StreamingHistory0.json", "x.txt"):
        assert SpotifyExport().claims(BytesFile(name, content))
        assert not SpotifyAccount().claims(BytesFile(name, content))


@pytest.mark.parametrize(
    "name", ["Userdata.json", "YourLibrary.json", "Playlist1.json", "xendsong.json", "endsong.txt"]
)
def test_leaves_others_alone(name: str) -> None:
    assert not SpotifyExport().claims(BytesFile(name, b'{"a": 1}'))


FAULTS: dict[str, tuple[bytes, str]] = {
    "no byte": (b"", "the file is empty"),
    "cut": (json.dumps([stream()] * 3).encode()[:-100], "not complete: .* record 3"),
    "cut between": (json.dumps([stream()] * 2).encode()[:-1], "not complete: .*after record 2"),
    "web page": (b"<!DOCTYPE html><html></html>", "is a web page"),
    "latin-1": (
        json.dumps([stream(platform="é")], ensure_ascii=False).encode("latin-1"),
        "not valid UTF-8: byte 45 .0xe9",
    ),
    "playlists": (b'{"playlists": [{"name": "x"}]}', "something else: .*“playlists”.*“ts”"),
    "short history": (b'[{"endTime": "2024-01-01 10:00", "msPlayed": 1}]', "fields “endTime”"),
    "numbers": (b"[1, 2]", "is a list of a number"),
    "a text": (b'"hello"', "is not JSON"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_file_is_refused_with_file_and_cure(fault: str) -> None:
    content, message = FAULTS[fault]
    with pytest.raises(SourceError, match=message) as told:
        read(content)
    assert (told.value.path, told.value.member) == (Path("export.zip"), NAME)
    assert told.value.cure
    assert "DuckDB" not in str(told.value)
    assert "Malformed" not in str(told.value)


def test_utf_16_is_read() -> None:
    text = json.dumps([stream(master_metadata_track_name="Für Elise")], ensure_ascii=False)
    assert read(text.encode("utf-16"))[0][0]["title"] == "Für Elise"


def test_a_real_export_is_read_whole(shared_data: Path) -> None:
    name = "Streaming_History_Audio_spotify_import_test.json"
    path = shared_data / "history-exports" / "koito" / name
    with open_input(path) as opened:
        (file,) = opened.files
        assert SpotifyExport().claims(file)
        chunks = list(SpotifyExport().read(file, OPTIONS))
    assert [(chunk.read, chunk.rejects.num_rows) for chunk in chunks] == [(39, 0)]
    first = chunks[0].rows.to_pylist()[0]
    assert (first["artist"], first["title"]) == ("fripSide", "only my railgun")
    assert first["played_at"] == datetime(2025, 4, 28, 21, 4, 33, 397_000, tzinfo=UTC)


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)
TIMES = st.datetimes(datetime(2007, 1, 1), datetime(2025, 1, 1)).map(lambda t: f"{t.isoformat()}Z")


@st.composite
def streams(draw: st.DrawFn) -> Any:
    record = stream(ts=draw(TIMES), ms_played=draw(st.integers(0, 86_400_000)))
    spoilt = draw(st.dictionaries(st.sampled_from(list(record)), ANYTHING, max_size=4))
    for key in draw(st.sets(st.sampled_from(list(record)), max_size=2)):
        del record[key]
    return draw(st.sampled_from([{**record, **spoilt}] * 9 + [None, 3, "x", []]))


@settings(deadline=None, max_examples=80)
@given(st.lists(streams(), max_size=8), st.booleans(), st.sampled_from([None, 2]))
def test_every_record_is_accounted_for_whatever_it_holds(
    records: list[Any], ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps([stream(), *records], ensure_ascii=ascii_only, indent=indent)
    rows, rejects = read(text.encode("utf-8", "surrogatepass"))
    assert len(rows) + len(rejects) == len(records) + 1
    numbers = [reject["row"] for reject in rejects]
    assert numbers == sorted(set(numbers))
    kept = [r for n, r in enumerate([stream(), *records], 1) if n not in numbers]
    for row, record in zip(rows, kept, strict=True):
        assert int(float(record["ms_played"])) == row["ms_played"]
        gap = row["ended_at"] - row["played_at"]
        assert round(gap.total_seconds() * 1000) == row["ms_played"]
