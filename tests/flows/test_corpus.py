"""Inputs as people have them, whole and broken: what becomes of every row, through every source."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from segue.errors import SourceError
from segue.flows.ingest import ingest
from segue.flows.ingest_report import IngestReport
from segue.flows.wiring import Wiring
from segue.music.account import Account
from segue.settings import load_settings
from segue.sources.base import Kind
from tests.support import OPTIONS

AUDIO = "Streaming_History_Audio_2023_1.json"
TRACK = "spotify:track:4iV5W9uYEdYUVa79Axb7Rh"
FEATURES = "track_id,track_name,artists,energy,tempo\n"
UTS = "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"
PLAY = '"1672531200","01 Jan 2023, 00:00","Beyoncé","","Lemonade","","Formation",""\n'


def stream(n: int = 0, **other: Any) -> dict[str, Any]:
    """A record of Spotify's extended history."""
    return {
        "ts": f"2023-05-01T10:{n:02d}:00Z",
        "ms_played": 30_000,
        "ip_addr": "192.0.2.7",
        "master_metadata_track_name": f"Song {n}",
        "master_metadata_album_artist_name": "Ann",
        "spotify_track_uri": f"spotify:track:{n:022d}",
        "episode_name": None,
        "reason_end": "trackdone",
        "skipped": None,
        "offline_timestamp": 1_682_900_000,
    } | other


THREE = json.dumps([stream(n) for n in range(3)])
SHORT = {"endTime": "2023-05-01 10:00", "artistName": 311, "trackName": 1979, "msPlayed": 5000}


def zipped(members: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def renamed(written: bytes, old: bytes, new: bytes) -> bytes:
    return written.replace(old, new)


@dataclass(frozen=True)
class Case:
    """One input and what becomes of it: an account, or words of the refusal."""

    name: str
    content: bytes | str | Mapping[str, bytes | str]
    kept: int = 0
    duplicate: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    kind: Kind = "history"
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def account(self) -> Account:
        read = self.kept + self.duplicate + sum(self.rejected.values())
        return Account(read, self.kept, self.duplicate, self.rejected)

    def write(self, folder: Path) -> Path:
        files = {"": self.content} if isinstance(self.content, (bytes, str)) else self.content
        for name, content in files.items():
            path = folder / self.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder / self.name


def json_of(*records: Any) -> str:
    return json.dumps(records, ensure_ascii=False)


ARCHIVES = [
    Case("ü – export.zip", zipped({f"Streamingverlauf – größe/{AUDIO}": THREE}), kept=3),
    Case("old names.zip", renamed(zipped({f"V#/{AUDIO}": THREE}), b"V#/", b"V\x84/"), kept=3),
    Case("stored.ZIP", zipped({f"a/b/c/d/{AUDIO}": THREE}, zipfile.ZIP_STORED), kept=3),
    Case("windows.zip", zipped({f"My Data\\{AUDIO}": THREE, "My Data\\": ""}), kept=3),
    Case("out.zip", zipped({f"..\\..\\{AUDIO}": THREE}), refused=("outside itself",)),
    Case("page.zip", "<!DOCTYPE html><html>", refused=("web page",)),
    Case("cut.zip", zipped({AUDIO: THREE})[:-50], refused=("truncated",)),
    Case("outer.zip", zipped({"in.zip": "PK"}), refused=("in.zip", "unpack it first")),
    Case("sheet.xlsx", zipped({"xl/workbook.xml": "<x/>"}), refused=("Excel", "CSV")),
    Case("plays.json.gz", gzip.compress(THREE.encode()), kept=3),
]
SPOTIFY = [
    Case(
        "all of it",
        {
            f"Spotify Extended Streaming History/{AUDIO}": THREE,
            "Spotify Extended Streaming History/Streaming_History_Audio_2023_2.json": THREE,
            "Spotify Account Data/StreamingHistory_music_0.json": json_of(SHORT),
            "Spotify Account Data/Userdata.json": "{}",
            f"__MACOSX/._{AUDIO}": "\0\5\26\7",
        },
        kept=4,
        duplicate=3,
    ),
    Case(
        "family",
        {
            "ann/endsong_0.json": json_of(stream(0, username="ann")),
            "bob/endsong_0.json": json_of(stream(1, username="bob")),
        },
        refused=("several people", "ann/endsong_0.json", "“bob”", "--user"),
    ),
    Case(
        "endsong_0.json",
        json_of(*(stream(n, username="ann", offline_timestamp=1_682_900_000_123) for n in (1, 2))),
        kept=2,
    ),
    Case("twice.json.json", json.dumps([stream(), stream()], indent=4), kept=1, duplicate=1),
    Case("windows.json", json.dumps([stream()], indent=1).replace("\n", "\r\n"), kept=1),
    Case("utf16.json", THREE.encode("utf-16"), kept=3),
    Case("marked.json", THREE.encode("utf-8-sig"), kept=3),
    Case(AUDIO, json_of(stream(master_metadata_track_name="Ä")).encode("latin-1"),
         refused=("UTF-8", "byte")),
    Case("Streaming_History_white.json", " " * 9_000_000 + THREE, kept=3),
    Case("long.json", json_of(stream(master_metadata_track_name="x" * 5_000_000)), kept=1),
    Case("Streaming_History_deep.json", "[" * 100_000, refused=("nested too deeply",)),
    Case("Streaming_History_cut.json", THREE[:-30], refused=("row 3", "not complete")),
    Case("Streaming_History_more.json", THREE + "x", refused=("after the end",)),
    Case("Streaming_History_none.json", "[]", refused=("empty",)),
    Case("Streaming_History_blank.json", "\n \n", refused=("nothing but white space",)),
    Case("Streaming_History_0.json", "", refused=("0 bytes",)),
    Case("Streaming_History_foo.json", '[{"foo": 1}]', refused=("something else", "“foo”")),
    Case(
        "times.json",
        json_of(*(stream(n, ts=ts) for n, ts in enumerate([
            "2023-01-01 00:00:00", "2023-01-01T02:00:00+02:00", 1_672_531_200, "1672531200000",
            "1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "now", "",
            None, "2023-02-30T00:00:00Z", "infinity"]))),
        kept=4,
        rejected={"too_old_timestamp": 1, "future_timestamp": 3, "bad_timestamp": 4},
    ),
    Case(
        "lengths.json",
        "[" + ",".join(json.dumps(stream(n)).replace("30000", ms) for n, ms in enumerate([
            '"120000"', "0", "12.7", "-5", "null", '"abc"', "1000000000000", "true", "NaN",
            "-Infinity", "1e400"])) + "]",
        kept=3,
        rejected={"negative_ms_played": 1, "bad_ms_played": 7},
    ),
    Case(
        "strays.json",
        json_of(None, 1, "x", [], {}, stream(),
                stream(1, spotify_track_uri=None, master_metadata_track_name=None,
                       master_metadata_album_artist_name=None, episode_name="E")),
        kept=1,
        rejected={"not_an_object": 4, "no_track": 1, "podcast": 1},
    ),
    Case("half.json", THREE.replace("Song 0", r"\ud800").replace("Song 1", r"A\u0000B"), kept=3),
]  # fmt: skip
SCROBBLES = [
    Case("ghan.csv", UTS + PLAY + PLAY, kept=1, duplicate=1),
    Case("bare.csv", 'Beyoncé,Lemonade,Formation,01 Jan 2024 13:05\n"A, B",C,D,2 Jan 2024 9:05\n',
         kept=2),
    Case("backup.csv", "2021-04-01,10:42:53,PRO8L3M,Backstage\n", kept=1),
    Case("stats.csv", 'Artist;Album;AlbumId;Track;Date#me\n"AC/DC";"B";"x";"C";"1672531200000"\n',
         kept=1),
    Case("excel.csv", "Artist;Track;Date\r\nBjörk;Jóga;01.02.2023 13:05\r\n".encode("cp1252"),
         kept=1),
    Case("ragged.csv", UTS + PLAY + "1,2\n", kept=1, rejected={"bad_row": 1}),
    Case("lastfmstats-me.json", json.dumps({"username": "me", "scrobbles": [
        {"track": "T", "artist": "A", "album": "B", "date": 1_672_531_200_000}]}), kept=1),
    Case("german.csv", "Künstler,Titel,Datum\nBjörk,Jóga,01.02.2023\n",
         refused=("artist,album,track,date",)),
    Case("page.csv", "<!DOCTYPE html>\n<html>a,b</html>", refused=("web page",)),
    Case("binary.csv", bytes(range(256)) * 20, refused=("binary data",)),
    Case("tracks.csv", FEATURES + "1,T,A,0.5,120\n", refused=("segue catalogue add",)),
]  # fmt: skip
TRACKS = [
    Case("kaggle.csv", FEATURES + "a,T,A;B,0.5,120\na,T,A;B,0.5,120\nb,T,C,NaN,1\nc,T,C,2,1\n"
         + "".join(f"x{n},T{n},A,0.5,120\n" for n in range(9)), kept=10, duplicate=1,
         rejected={"feature_not_finite": 1, "feature_out_of_range": 1}),
    Case("liked.csv", '"Track URI","Track Name","Artist Name(s)"\n'
         f'"{TRACK}","T","A, B"\n"spotify:local:A:B:C:9","C","A"\n"spotify:episode:x","E","S"\n',
         kept=2, rejected={"not_a_track": 1}),
    Case("no id.csv", FEATURES + "a,T,A,0.5,120\n ,,B,0.5,120\n", kept=1, rejected={"no_id": 1}),
    Case("comma.csv", "track_id;track_name;artist;energy\na;T;A;0,5\nb;U;A;0,7\n", kept=2),
    Case("percent.csv", FEATURES + "a,T,A,50,120\nb,T,A,60,120\n",
         refused=("“energy”", "percent", "row 1")),
    Case("foreign.csv", "Titel,Interpret\nA,B\n", refused=("Titel, Interpret", "--column")),
    Case("mapped.csv", "Titel,Interpret\nA,B\n", kept=1,
         columns={"title": "Titel", "artist": "Interpret"}),
    Case("header.csv", FEATURES, refused=("no rows",)),
    Case("blank.csv", "\n\n \n", refused=("holds no rows",)),
    Case("json.csv", '[{"id": 1}]', refused=("is JSON",)),
    Case("fake.parquet", "PAR1 and nothing else", refused=("Parquet",)),
    Case("quote.csv", FEATURES + 'a,"T,A,0.5,120\n' + "b,T,A,0.5,120\n" * 3,
         refused=("row 1", "quote")),
]  # fmt: skip
CROWDS = [
    Case("triplets.txt", "".join(
        f"{'b' * 39}{n}\tSOAKIMP12A8C13099{n}\t{n + 1}\n" for n in range(9)), kept=9),
    Case("any case.csv", "USER ID,Track Name,ARTIST,Play Count\n1,T,A,5\n2.0,T,A,3\n", kept=2),
    Case("counts.csv", "user_id,artist,count\n" + "".join(f"u,A{n},2\n" for n in range(9))
         + "u,B,0\nu,C,-3\nu,D,2.5\nu,E,NaN\nu,F,x\n", kept=10, rejected={"bad_count": 4}),
    Case("session list.txt", "1\t2\t3\n4\t5\n", kept=5),
    Case("rsnp.csv", "user_id,track_id,hashtag,created_at\n8,cd5,np,2014-01-01 05:54:21\n", kept=1),
    Case("foreign.csv", "qui,quoi\na,b\n", refused=("row 1", "user_id,track_id")),
    Case("mapped.csv", "qui,quoi\na,b\n", kept=1, columns={"user_id": "qui", "track_id": "quoi"}),
    Case("mpd.slice.0-9.json", json.dumps({"playlists": [
        {"pid": 7, "tracks": [{"pos": 0, "track_uri": TRACK}, {"pos": 1}]}]}),
         kept=1, rejected={"no_track": 1}),
    Case("user_artists.dat", "userID\tartistID\tweight\n1\t2\t3\n", refused=("artists.dat",)),
    Case("userid-profile.tsv", "#id\tage\nuser_1\t30\n", refused=("no listening of a crowd",)),
    Case(AUDIO, THREE, refused=("segue import",)),
]  # fmt: skip
CORPUS = [
    *ARCHIVES,
    *SPOTIFY,
    *SCROBBLES,
    *(replace(case, kind="catalogue") for case in TRACKS),
    *(replace(case, kind="crowd") for case in CROWDS),
]

Import = Callable[[Case], IngestReport]


@pytest.fixture
def wiring(tmp_path: Path) -> Wiring:
    return Wiring(load_settings(home=tmp_path / "home"))


@pytest.fixture
def imported(wiring: Wiring, tmp_path: Path) -> Import:
    def run(case: Case) -> IngestReport:
        return ingest(
            [case.write(tmp_path / "in")],
            sources=wiring.sources,
            kind=case.kind,
            lake=wiring.lake,
            options=replace(OPTIONS, columns=dict(case.columns)),
        )

    return run


def named(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[f"{c.kind} {c.name}" for c in cases])


@named([case for case in CORPUS if not case.refused])
def test_every_row_is_accounted_for_and_kept_once(case: Case, imported: Import) -> None:
    first = imported(case)
    assert not first.failed
    assert first.total == case.account
    again = imported(case)
    known = case.kept + case.duplicate
    assert again.total == Account(case.account.read, 0, known, case.rejected)
    assert json.loads(json.dumps(first.as_dict()))["error"] is None


@named([case for case in CORPUS if case.refused])
def test_refusals_say_why_and_change_nothing(
    case: Case, imported: Import, wiring: Wiring, tmp_path: Path
) -> None:
    report = imported(case)
    (failed,) = report.failed
    assert isinstance(failed.error, SourceError)
    said = str(failed.error)
    assert case.name in said
    for part in case.refused:
        assert part in said, said
    assert failed.error.cure
    assert report.as_dict()["error"]["message"] == failed.error.message
    assert report.total == Account()
    left = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert {path.name for path in left} == {"lock"}
