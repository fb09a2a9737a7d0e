"""Crowds of known data sets: HetRec, Last.fm, Million Playlist, sessions."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from segue.errors import SourceError
from segue.music.lake_tables import artist_ref, name_ref
from segue.sources.base import Chunk, FileSource
from segue.sources.crowd_sessions import CrowdSessions
from segue.sources.crowd_table import CrowdTable
from segue.sources.hetrec import HetRec
from segue.sources.inputs import open_input
from segue.sources.lastfm_1k import Lastfm1K
from segue.sources.lastfm_360k import Lastfm360K
from segue.sources.million_playlist import MillionPlaylist
from tests.contracts.source_contract import read_all
from tests.support import OPTIONS, BytesFile
from tests.unit.table_reading import read_table, rows

URI = "spotify:track:5SuOikwiRyPMVoIQDJUgSV"


def read_input(path: Path, source: FileSource) -> dict[str, list[Chunk]]:
    """Chunks of each file of an input that the source claims."""
    with open_input(path) as opened:
        options = replace(OPTIONS, siblings={file.name: file for file in opened.files})
        return {
            file.name: list(source.read(file, options))
            for file in opened.files
            if source.claims(file)
        }


def count(chunks: list[Chunk]) -> tuple[int, Counter[str]]:
    kept = sum(chunk.rows.num_rows for chunk in chunks)
    return kept, Counter(r for chunk in chunks for r in chunk.rejects["reason"].to_pylist())


def test_lastfm_1k_takes_ids_before_names() -> None:
    mbid = "f7c1f8f8-b935-45ed-8fc8-7def69d92a10"
    text = (
        f"user_000001\t2009-05-04T23:08:57Z\t\tAnn\t{mbid}\tOne\n"
        'user_000001\t2009-05-04T13:54:10Z\t\tBob\t\t"Heroes\n'
    )
    first, second = rows(Lastfm1K(), text, "userid-timestamp-artid-artname-traid-traname.tsv")
    assert first["track_ref"] == f"mbid:{mbid}"
    assert first["played_at"] == datetime(2009, 5, 4, 23, 8, 57, tzinfo=UTC)
    assert second["track_ref"] == name_ref("Bob", '"Heroes')
    assert Lastfm1K().claims(BytesFile("plays.tsv", text.encode()))


@pytest.mark.parametrize("source", [Lastfm1K(), Lastfm360K()])
def test_lastfm_sets_with_other_columns_are_refused(source: FileSource) -> None:
    with pytest.raises(SourceError, match="has 2 columns where"):
        read_table(source, "a\tb\nc\td\n", "x.tsv")


def test_sessions_separated_by_anything() -> None:
    text = f"1 2\n3,4\t5\n\n{URI}\n"
    found = rows(CrowdSessions(), text, "my_sessions.txt")
    assert [(r["listener_id"], r["position"], r["track_ref"]) for r in found] == [
        ("1", 0, "id:test:1"),
        ("1", 1, "id:test:2"),
        ("2", 0, "id:test:3"),
        ("2", 1, "id:test:4"),
        ("2", 2, "id:test:5"),
        ("4", 0, URI),
    ]
    assert all(row["session_id"] == row["listener_id"] for row in found)


def test_sessions_are_told_from_tables() -> None:
    claims = CrowdSessions().claims
    assert claims(BytesFile("train.txt", b"1 2\n3 4 5\n"))
    assert claims(BytesFile("train_sessions.txt", b""))
    assert not claims(BytesFile("pairs.txt", b"1 2\n3 4\n"))
    assert not claims(BytesFile("sessions.txt", b"session_id track_id\n1 2\n"))
    assert not claims(BytesFile("notes.txt", b"buy milk\nand two eggs\n"))


def playlist_file(*playlists: object) -> bytes:
    return json.dumps({"info": {}, "playlists": playlists}).encode()


def test_playlists_are_listeners_and_sessions() -> None:
    track = {"pos": 0, "artist_name": "Ann", "track_uri": URI, "track_name": "One",
             "album_name": "First", "duration_ms": 1}  # fmt: skip
    data = playlist_file({"name": "x", "pid": 7, "tracks": [track, {**track, "track_uri": None}]})
    first, second = rows(MillionPlaylist(), data, "mpd.slice.0-999.json")
    assert (first["listener_id"], first["session_id"], first["position"]) == ("7", "7", 0)
    assert (first["track_ref"], first["title"], first["artists"]) == (URI, "One", ["Ann"])
    assert second["track_ref"] == name_ref("Ann", "One")
    assert MillionPlaylist().claims(BytesFile("part.json", data))


def test_odd_entries_of_playlists_are_rejected_in_their_place() -> None:
    data = playlist_file(
        {"pid": 1, "tracks": [{"track_uri": URI}, {}, 5, None]},
        {"tracks": [{"track_uri": URI}]},
        7,
        {"pid": 3, "tracks": "none"},
    )
    found, bad = read_table(MillionPlaylist(), data, "mpd.slice.0-999.json")
    assert len(found) == 1
    assert [(row["row"], row["reason"]) for row in bad] == [
        (2, "no_track"),
        (3, "no_track"),
        (4, "no_track"),
        (5, "no_user"),
    ]


@pytest.mark.parametrize(
    "data",
    [b'{"playlists": [', b'{"a": 1}', b"[1]", b"5", b'{"playlists": 5}', b'{"playlists": [1]}'],
)
def test_json_that_is_no_slice(data: bytes) -> None:
    with pytest.raises(SourceError, match=r"playlists|slice"):
        read_all(MillionPlaylist(), BytesFile("mpd.slice.0-999.json", data))


HETREC = {
    "artists.dat": b'id\tname\turl\r\n1\tAnn\tu\r\n2\t"Weird Al"\tu\r\n',
    "tags.dat": b"tagID\ttagValue\r\n7\tCaf\xe9 del mar\r\n",
    "user_artists.dat": b"userID\tartistID\tweight\r\n5\t2\t10\r\n5\t1\t20\r\n",
    "user_taggedartists.dat": b"userID\tartistID\ttagID\r\n5\t1\t7\r\n6\t1\t7\r\n",
    "user_friends.dat": b"userID\tfriendID\r\n5\t6\r\n",
}


@pytest.fixture
def hetrec(tmp_path: Path) -> Path:
    folder = tmp_path / "hetrec2011-lastfm-2k"
    folder.mkdir()
    for name, content in HETREC.items():
        (folder / name).write_bytes(content)
    return folder


def test_hetrec_joins_names_and_tags(hetrec: Path) -> None:
    found = read_input(hetrec, HetRec())
    assert set(found) == {"user_artists.dat", "user_taggedartists.dat"}
    plays = found["user_artists.dat"][0].rows.to_pylist()
    assert [(r["listener_id"], r["track_ref"], r["plays"]) for r in plays] == [
        ("5", artist_ref('"Weird Al"'), 10),
        ("5", artist_ref("Ann"), 20),
    ]
    tags = found["user_taggedartists.dat"][0].rows.to_pylist()
    assert [(r["artist"], r["tag"], r["listener_id"], r["weight"]) for r in tags] == [
        ("Ann", "café del mar", "5", 1),
        ("Ann", "café del mar", "6", 1),
    ]


def test_hetrec_as_a_zip_and_as_a_single_file(hetrec: Path) -> None:
    packed = Path(shutil.make_archive(str(hetrec), "zip", hetrec.parent, hetrec.name))
    assert set(read_input(packed, HetRec())) == {
        "hetrec2011-lastfm-2k/user_artists.dat",
        "hetrec2011-lastfm-2k/user_taggedartists.dat",
    }
    single = read_input(hetrec / "user_artists.dat", HetRec())
    assert count(single["user_artists.dat"]) == (2, Counter())


def test_hetrec_without_its_names_says_what_is_missing(hetrec: Path) -> None:
    (hetrec / "artists.dat").unlink()
    for path in (hetrec, hetrec / "user_artists.dat"):
        with pytest.raises(SourceError, match=r"without artists\.dat.*whole folder"):
            read_input(path, HetRec())


def test_hetrec_of_other_columns(hetrec: Path) -> None:
    (hetrec / "user_artists.dat").write_bytes(b"a\tb\n1\t2\n")
    with pytest.raises(SourceError, match="has no column userid, artistid, weight"):
        read_input(hetrec, HetRec())


def test_the_real_hetrec(shared_data: Path) -> None:
    folder = shared_data / "hetrec2011-lastfm-2k"
    found = read_input(folder, HetRec())
    assert count(found["user_artists.dat"]) == (92_834, Counter())
    kept, reasons = count(found["user_taggedartists.dat"])
    assert kept + reasons.total() == 186_479
    assert set(reasons) == {"unknown_artist"}
    rows = pa.concat_tables([chunk.rows for chunk in found["user_artists.dat"]])
    assert len(set(rows["listener_id"].to_pylist())) == 1_892
    assert len(set(rows["track_ref"].to_pylist())) == 17_632
    with open_input(folder) as opened:
        assert not [file.name for file in opened.files if CrowdTable().claims(file)]


def test_the_real_sessions(shared_data: Path) -> None:
    found = read_input(shared_data / "nowplaying" / "train_sessions.txt", CrowdSessions())
    chunks = found["train_sessions.txt"]
    assert count(chunks) == (953_381, Counter())
    rows = pa.concat_tables([chunk.rows for chunk in chunks])
    assert len(rows["listener_id"].unique()) == 128_077
    assert len(rows["track_ref"].unique()) == 60_416
