"""What every file format of playlists keeps to, and what each of them promises besides."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import SinkError
from segue.music.playlist import Playlist, PlaylistTrack
from segue.playlists.csv_file import CsvFile
from segue.playlists.json_file import JsonFile
from segue.playlists.jspf import Jspf
from segue.playlists.m3u import M3u
from segue.playlists.text_file import TextSink

SINKS: list[type[TextSink]] = [JsonFile, M3u, Jspf, CsvFile]
ROOT = Path(__file__).parents[2]
MBID = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"


def track(rank: int, title: str = "Song", artists: tuple[str, ...] = ("Band",)) -> PlaylistTrack:
    return PlaylistTrack(
        rank=rank,
        track_id=f"t{rank:016x}",
        title=title,
        artists=artists,
        score=1 / rank,
        reason="you asked for it",
        sources=("content", "als"),
    )


FULL = PlaylistTrack(
    rank=1,
    track_id="t0000000000000001",
    title="Alison",
    artists=("Slowdive", "Guest"),
    score=0.75,
    reason="close in energy to “Sugar”",
    sources=("content",),
    album="Souvlaki",
    duration_ms=231_400,
    year=1993,
    spotify_uri="spotify:track:6rqhFgbbKwnb9MLmUQDhG6",
    recording_mbid=MBID,
    isrc="GBAYE9300001",
)


def playlist(*tracks: PlaylistTrack, title: str = "Discover · 21 Nov 2026") -> Playlist:
    return Playlist(
        playlist_id="p1",
        title=title,
        description="New to you.",
        user_id="ada",
        made_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
        tracks=tracks,
        notes=("only 2 tracks fit",),
        mix="discover",
    )


TWO = playlist(FULL, track(2))

# a child that may write files of 100 bytes at most, as on a disk that fills up
_OUT_OF_ROOM = """
import importlib, resource, signal, sys
from pathlib import Path
from segue.errors import SinkError
from tests.contracts.test_sinks import TWO
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
sink = getattr(importlib.import_module(sys.argv[1]), sys.argv[2])
try:
    sink(Path(sys.argv[3])).publish(TWO)
except SinkError as error:
    print("SinkError", error)
"""


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("sink", SINKS)
class TestEverySink:
    def test_writes_what_it_renders(self, sink: type[TextSink], tmp_path: Path) -> None:
        path = tmp_path / "list"
        report = sink(path).publish(TWO)
        assert path.read_text("utf-8") == sink(path).render(TWO)
        assert (report.tracks, report.changed, report.dry_run) == (2, True, False)
        assert report.destination == str(path)
        assert names(tmp_path) == ["list"]

    def test_the_same_playlist_again_changes_nothing(
        self, sink: type[TextSink], tmp_path: Path
    ) -> None:
        path = tmp_path / "list"
        sink(path).publish(TWO)
        before = path.stat().st_mtime_ns, path.stat().st_ino
        assert sink(path).publish(TWO).changed is False
        assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
        assert sink(path).publish(playlist(FULL)).changed is True

    def test_dry_run_writes_nothing(self, sink: type[TextSink], tmp_path: Path) -> None:
        report = sink(tmp_path / "list").publish(TWO, dry_run=True)
        assert (report.changed, report.dry_run) == (True, True)
        assert names(tmp_path) == []

    def test_streams(self, sink: type[TextSink]) -> None:
        stream = io.StringIO()
        target = sink(stream)
        assert target.publish(TWO, dry_run=True).changed
        assert stream.getvalue() == ""
        assert target.publish(TWO).changed
        assert not target.publish(TWO).changed
        assert stream.getvalue() == target.render(TWO)

    @pytest.mark.parametrize("name", [".", "missing/list", "file/list", "nul\0byte"])
    def test_what_cannot_be_written_is_a_clear_error(
        self, sink: type[TextSink], name: str, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("mine")
        with pytest.raises(SinkError) as caught:
            sink(tmp_path / name).publish(TWO)
        assert caught.value.cure
        assert str(tmp_path) in str(caught.value)
        assert names(tmp_path) == ["file"]

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    def test_a_full_disk(self, sink: type[TextSink]) -> None:
        with pytest.raises(SinkError, match=r"No space left.*[Ff]ree some space"):
            sink(Path("/dev/full")).publish(TWO)

    def test_a_closed_stream(self, sink: type[TextSink]) -> None:
        stream = io.StringIO()
        stream.close()
        with pytest.raises(SinkError):
            sink(stream).publish(TWO)

    def test_a_write_that_fails_half_way_leaves_the_old_file(
        self, sink: type[TextSink], tmp_path: Path
    ) -> None:
        path = tmp_path / "list"
        path.write_text("last week's")
        done = subprocess.run(
            [sys.executable, "-c", _OUT_OF_ROOM, sink.__module__, sink.__name__, path],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        )
        assert done.stdout.startswith("SinkError"), done.stderr
        assert path.read_text() == "last week's"
        assert names(tmp_path) == ["list"]

    def test_links_and_modes_survive(self, sink: type[TextSink], tmp_path: Path) -> None:
        real, link = tmp_path / "real", tmp_path / "link"
        real.write_text("old")
        real.chmod(0o640)
        link.symlink_to(real)
        sink(link).publish(TWO)
        assert link.is_symlink()
        assert real.read_text("utf-8") == sink(link).render(TWO)
        assert real.stat().st_mode & 0o777 == 0o640

    def test_an_empty_playlist(self, sink: type[TextSink], tmp_path: Path) -> None:
        assert sink(tmp_path / "list").publish(playlist()).tracks == 0

    def test_half_a_surrogate_pair(self, sink: type[TextSink], tmp_path: Path) -> None:
        path = tmp_path / "list"
        sink(path).publish(playlist(track(1, title="bad \ud83d")))
        assert "bad ?" in path.read_text("utf-8")


def test_json_holds_the_whole_playlist() -> None:
    body = json.loads(JsonFile(io.StringIO()).render(TWO))
    assert list(body) == [
        "playlist_id",
        "title",
        "description",
        "user_id",
        "made_at",
        "mix",
        "notes",
        "tracks",
    ]
    assert body["made_at"] == "2026-11-21T09:30:00+00:00"
    assert body["tracks"][0] == FULL.as_dict()


def test_m3u_by_eye() -> None:
    assert M3u(io.StringIO()).render(TWO) == (
        "#EXTM3U\n"
        "#PLAYLIST:Discover · 21 Nov 2026\n"
        "#EXTINF:231,Slowdive, Guest - Alison\n"
        "https://open.spotify.com/track/6rqhFgbbKwnb9MLmUQDhG6\n"
        "#EXTINF:-1,Band - Song\n"
        "Band - Song\n"
    )


@given(st.text(), st.text(), st.text())
def test_nothing_in_a_name_can_add_a_line_to_an_m3u(title: str, artist: str, head: str) -> None:
    text = M3u(io.StringIO()).render(playlist(track(1, title, (artist,)), title=head))
    lines = text.splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("#EXTINF:")
    assert not lines[3].startswith("#")


def test_jspf_by_eye() -> None:
    body = json.loads(Jspf(io.StringIO()).render(TWO))["playlist"]
    first, second = body.pop("track")
    assert body == {
        "title": "Discover · 21 Nov 2026",
        "creator": "Segue",
        "annotation": "New to you. only 2 tracks fit",
        "identifier": "urn:segue:playlist:p1",
        "date": "2026-11-21T09:30:00+00:00",
    }
    assert first == {
        "location": ["https://open.spotify.com/track/6rqhFgbbKwnb9MLmUQDhG6"],
        "identifier": [
            f"https://musicbrainz.org/recording/{MBID}",
            "spotify:track:6rqhFgbbKwnb9MLmUQDhG6",
        ],
        "title": "Alison",
        "creator": "Slowdive, Guest",
        "annotation": "close in energy to “Sugar”",
        "album": "Souvlaki",
        "duration": 231_400,
    }
    assert second == {"title": "Song", "creator": "Band", "annotation": "you asked for it"}


@pytest.mark.parametrize("uri", ["spotify:track:../../x", "spotify:episode:abc", "javascript:1"])
def test_only_true_track_ids_become_addresses(uri: str) -> None:
    odd = PlaylistTrack(
        1, "t1", "Song", ("Band",), 1.0, "x", (), spotify_uri=uri, recording_mbid="not-a-uuid"
    )
    assert (
        "location"
        not in json.loads(Jspf(io.StringIO()).render(playlist(odd)))["playlist"]["track"][0]
    )
    assert M3u(io.StringIO()).render(playlist(odd)).endswith("\nBand - Song\n")


def rows(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_by_eye() -> None:
    text = CsvFile(io.StringIO()).render(TWO)
    assert text.splitlines()[0] == (
        "rank,title,artists,album,year,duration_ms,track_id,spotify_uri,recording_mbid,isrc,"
        "score,reason,sources"
    )
    first, second = rows(text)
    assert first["artists"] == "Slowdive; Guest"
    assert (first["duration_ms"], first["year"], first["score"]) == ("231400", "1993", "0.75")
    assert (second["album"], second["sources"]) == ("", "content; als")


@given(st.text(), st.text())
def test_no_cell_is_a_formula(title: str, artist: str) -> None:
    (row,) = rows(CsvFile(io.StringIO()).render(playlist(track(1, title, (artist,)))))
    assert not row["title"].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert not row["artists"].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_formula_is_kept_readable() -> None:
    (row,) = rows(CsvFile(io.StringIO()).render(playlist(track(1, '=HYPERLINK("x")'))))
    assert row["title"] == '\'=HYPERLINK("x")'
