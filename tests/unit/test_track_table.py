"""Catalogues: every layout in circulation becomes the same rows."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.errors import ConfigError, SourceError
from segue.music.lake_tables import name_ref
from segue.sources.base import ReadOptions
from segue.sources.inputs import open_input
from segue.sources.track_table import TrackTable
from tests.contracts.source_contract import read_all
from tests.support import NOW, BytesFile
from tests.unit.table_reading import read_table, rejected, rows

ID = "5SuOikwiRyPMVoIQDJUgSV"
URI = f"spotify:track:{ID}"


def table(*records: tuple[object, ...], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(records)
    return text.getvalue()


def one(header: tuple[str, ...], *values: object) -> dict[str, Any]:
    [row] = rows(TrackTable(), table(header, values))
    return dict(row)


def test_kaggle_with_semicolons() -> None:
    text = (
        ",track_id,artists,album_name,track_name,popularity,duration_ms,explicit,danceability,"
        "energy,key,loudness,mode,speechiness,acousticness,instrumentalness,liveness,valence,"
        "tempo,time_signature,track_genre\n"
        f"0,{ID},Gen Hoshino;Ann,Comedy,Comedy,73,230666,False,0.676,0.461,1,-6.746,0,0.143,"
        "0.0322,1.01e-06,0.358,0.715,87.917,4,acoustic\n"
    )
    [row] = rows(TrackTable(), text)
    assert row["track_ref"] == row["spotify_uri"] == URI
    assert (row["artist"], row["artists"]) == ("Gen Hoshino, Ann", ["Gen Hoshino", "Ann"])
    assert (row["title"], row["album"], row["genres"]) == ("Comedy", "Comedy", ["acoustic"])
    assert (row["popularity"], row["duration_ms"], row["explicit"]) == (73, 230666, False)
    assert row["instrumentalness"] == pytest.approx(1.01e-06)
    assert row["tempo"] == pytest.approx(87.917)
    assert row["catalogue"] == "test"


def test_kaggle_with_python_lists() -> None:
    row = one(
        ("id", "name", "album", "album_id", "artists", "artist_ids", "explicit", "year",
         "release_date"),
        ID, "Testify", "The Battle", "2eia0myWFgoHuttJytCxgX",
        """['Rage Against The Machine', "Destiny's Child", 'A\\xa0B']""", "['x', 'y', 'z']",
        "True", 1999, "1999-11-02",
    )  # fmt: skip
    assert row["track_ref"] == URI
    assert row["artists"] == ["Rage Against The Machine", "Destiny's Child", "A\xa0B"]
    assert (row["explicit"], row["year"], row["released"]) == (True, 1999, date(1999, 11, 2))


def test_exportify_splits_artists_by_comma_but_not_within_a_name() -> None:
    header = ("Track URI", "Track Name", "Artist URI(s)", "Artist Name(s)", "Duration (ms)",
              "Genres", "Danceability")  # fmt: skip
    text = table(
        header,
        (URI, "One", "a, b", "Tyler\\, The Creator, Bob", 1000, "pop,rock", 0.5),
        (URI, "Two", "a", "Earth, Wind & Fire", 1000, "soul", 0.5),
    )
    first, second = rows(TrackTable(), text)
    assert first["artists"] == ["Tyler, The Creator", "Bob"]
    assert second["artists"] == ["Earth, Wind & Fire"]
    assert first["genres"] == ["pop", "rock"]


def test_new_exportify_joins_by_semicolon() -> None:
    text = table(("Track URI", "Artist Name(s)"), (URI, "Ann;Bob"), (URI, "Earth, Wind & Fire"))
    assert [row["artists"] for row in rows(TrackTable(), text)] == [
        ["Ann", "Bob"],
        ["Earth, Wind & Fire"],
    ]


@pytest.mark.parametrize(
    ("text", "artists"),
    [
        ("Earth, Wind & Fire", ["Earth, Wind & Fire"]),
        ("Ann; Bob ;", ["Ann", "Bob"]),
        ("Ann|Bob", ["Ann", "Bob"]),
        ('["Ann", "Bj\\u00f6rk"]', ["Ann", "Björk"]),
        ("['Ann' 'Bob']", ["Ann", "Bob"]),
        ("['Guns N\\' Roses']", ["Guns N' Roses"]),
        ("[unknown]", ["[unknown]"]),
        ("AC/DC", ["AC/DC"]),
    ],
)
def test_artists(text: str, artists: list[str]) -> None:
    assert one(("id", "artists"), 1, text)["artists"] == artists


@pytest.mark.parametrize(
    "name", ["ID", "Track ID", "spotify_id", "uri", "Track_URI", "Spotify Track URI", "track_url"]
)
@pytest.mark.parametrize(
    "value", [ID, URI, f"https://open.spotify.com/track/{ID}?si=1", f"open.spotify.com/track/{ID}"]
)
def test_spotify_ids_however_written(name: str, value: str) -> None:
    assert one((name, "x"), value, 1)["track_ref"] == URI


def test_bare_ids_are_spotifys_only_if_all_are() -> None:
    text = table(("id", "energy"), (ID, 0.5), ("17", 0.5))
    assert [row["track_ref"] for row in rows(TrackTable(), text)] == [f"id:test:{ID}", "id:test:17"]


def test_other_identities() -> None:
    mbid = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
    assert one(("mbid", "title"), mbid.upper(), "T")["track_ref"] == f"mbid:{mbid}"
    assert one(("isrc", "title"), "gb-aye-06-01498", "T")["track_ref"] == "isrc:GBAYE0601498"
    names = one(("id", "artist", "title"), 17, "Ann", "One")
    assert names["track_ref"] == name_ref("Ann", "One")
    assert one(("artist", "track", "x"), "Ann", "One", 1)["track_ref"] == name_ref("Ann", "One")


@pytest.mark.parametrize(
    ("header", "values", "ms"),
    [
        ("duration", ["3:31", "1:02:03"], [211_000, 3_723_000]),
        ("duration", ["211", "90.5"], [211_000, 90_500]),
        ("duration", ["211000", "90500"], [211_000, 90_500]),
        ("Duration (ms)", ["211000", ""], [211_000, None]),
        ("duration_sec", ["211", "-5"], [211_000, None]),
        ("length", ["211000", "0"], [211_000, None]),
        ("duration_min", ["3.5", "x"], [210_000, None]),
    ],
)
def test_durations(header: str, values: list[str], ms: list[int | None]) -> None:
    text = table(("id", header), *enumerate(values))
    assert [row.get("duration_ms") for row in rows(TrackTable(), text)] == ms


@pytest.mark.parametrize(
    ("header", "value", "year", "released"),
    [
        ("year", "1999.0", 1999, None),
        ("year", "0", None, None),
        ("year", "2027", 2027, None),
        ("year", "2028", None, None),
        ("release_date", "1999-12", 1999, None),
        ("release_date", "1999-12-31T00:00:00Z", 1999, date(1999, 12, 31)),
        ("Album Release Date", "12/31/1999", 1999, None),
        ("released", "soon", None, None),
    ],
)
def test_years(header: str, value: str, year: int | None, released: date | None) -> None:
    row = one(("id", header), 1, value)
    assert (row.get("year"), row.get("released")) == (year, released)


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("key", "C#", 1),
        ("key", "Db", 1),
        ("key", "f♯", 6),
        ("key", "C♯/D♭ Major", 1),
        ("key", "B", 11),
        ("key", "A minor", 9),
        ("key", "-1", None),
        ("mode", "Major", 1),
        ("mode", "minor", 0),
        ("bpm", "120 BPM", 120),
        ("tempo", "0", None),
        ("loudness", "-5 dB", -5),
        ("time_signature", "3/4", 3),
        ("time_signature", "0", None),
        ("energy", "", None),
        ("energy", "N/A", None),
        ("energy", "50%", 0.5),
        ("energy_%", "50", 0.5),
    ],
)
def test_features(header: str, value: str, expected: float | None) -> None:
    row = one(("id", header), 1, value)
    features = {"key", "mode", "tempo", "loudness", "time_signature", "energy"}
    assert [row[name] for name in features & set(row)] == (
        [expected] if expected is not None else []
    )


def test_wrong_values_cost_their_row_and_name_the_field() -> None:
    text = table(
        ("id", "Energy", "tempo", "popularity"),
        (1, 0.5, 120, 50),
        (2, 1.5, 120, 50),
        (3, 0.5, "nan", 50),
        (4, 0.5, "inf", 50),
        (5, 0.5, 120, 101),
        (6, "loud", 120, 50),
        (7, 0.5, 120, 50),
    )
    assert rejected(TrackTable(), text) == [
        (2, "feature_out_of_range", "Energy"),
        (3, "feature_not_finite", "tempo"),
        (4, "feature_not_finite", "tempo"),
        (5, "feature_out_of_range", "popularity"),
        (6, "not_a_number", "Energy"),
    ]


def test_a_column_of_wrong_values_refuses_the_file() -> None:
    text = table(("id", "energy"), (1, 58), (2, 60), (3, 0.5))
    with pytest.raises(SourceError, match=r"row 1, field “energy”: 2 of 3 .*percent.*energy=-"):
        rows(TrackTable(), text)
    found = rows(TrackTable(), text, energy="-")
    assert [row["track_ref"] for row in found] == ["id:test:1", "id:test:2", "id:test:3"]


def test_rows_without_any_identity_are_rejected() -> None:
    text = table(("id", "title", "artist"), ("", "One", ""), ("", "One", "Ann"), (1, "", ""))
    found, bad = read_table(TrackTable(), text)
    assert [row["track_ref"] for row in found] == [name_ref("Ann", "One"), "id:test:1"]
    assert [(row["row"], row["reason"]) for row in bad] == [(1, "no_id")]


def test_a_table_that_names_no_tracks_says_what_it_has() -> None:
    with pytest.raises(SourceError, match=r"song_ref, energy.*--column track_id=NAME"):
        rows(TrackTable(), "song_ref,energy\nx,0.5\n")
    [row] = rows(TrackTable(), "song_ref,energy\nx,0.5\n", track_id="song_ref")
    assert row["track_ref"] == "id:test:x"


def test_overrides_that_cannot_be() -> None:
    with pytest.raises(SourceError, match="there is no such column"):
        rows(TrackTable(), "a,energy\nx,0.5\n", track_id="b")
    with pytest.raises(ConfigError, match="mood"):
        rows(TrackTable(), "a,energy\nx,0.5\n", mood="a")


def test_acousticbrainz_measures_another_danceability() -> None:
    mbid = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
    text = table(
        ("mbid", "submission_offset", "bpm", "danceability", "key_key", "key_scale"),
        (mbid, 0, 120.5, 1.7, "A#", "minor"),
    )
    [row] = rows(TrackTable(), text)
    assert (row["tempo"], row["key"], row["mode"]) == (120.5, 10, 0)
    assert "danceability" not in row


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiters_encodings_newlines(delimiter: str, coding: str, newline: str) -> None:
    text = table(
        ("id", "title", "artist", "energy"), (1, "Été", "Bjork", 0.5), (2, "Çà", "Ann", 0.25),
        delimiter=delimiter,
    ).replace("\n", newline)  # fmt: skip
    found = rows(TrackTable(), text.encode(coding))
    assert [(row["title"], row["energy"]) for row in found] == [("Été", 0.5), ("Çà", 0.25)]


def test_decimal_commas_between_semicolons() -> None:
    [row] = rows(TrackTable(), "id;energy;loudness\n1;0,5;-7,25\n")
    assert (row["energy"], row["loudness"]) == (0.5, -7.25)


def test_layouts_of_other_programs() -> None:
    r_writes = '"id","energy"\n"1","a",0.5\n"2","b",0.6\n'
    assert [row["track_ref"] for row in rows(TrackTable(), r_writes)] == ["id:test:a", "id:test:b"]
    trailing = "id,energy\na,0.5,\nb,0.6,\n"
    assert [row["track_ref"] for row in rows(TrackTable(), trailing)] == ["id:test:a", "id:test:b"]
    excel = "sep=;\nid;energy\na;0,5\n"
    assert [row["track_ref"] for row in rows(TrackTable(), excel)] == ["id:test:a"]
    tsv = 'id\ttitle\n1\t"Heroes"\n2\t"Weird Al\n'
    assert [row["title"] for row in rows(TrackTable(), tsv, "t.tsv")] == ['"Heroes"', '"Weird Al']


def test_quoted_cells_hold_anything() -> None:
    text = 'id,title\n1,"a, ""b""\nc"\n2,5" single\n'
    assert [row["title"] for row in rows(TrackTable(), text)] == ['a, "b"\nc', '5" single']


def test_ragged_rows_are_numbered_as_records() -> None:
    lines = ["id,energy"] + [f"{n},0.5" if n % 7 else f"{n}" for n in range(1, 50)]
    found, bad = read_table(TrackTable(), "\n\n".join(lines))
    assert [row["row"] for row in bad] == [7, 14, 21, 28, 35, 42, 49]
    assert {row["reason"] for row in bad} == {"bad_row"}
    assert len(found) == 42


def test_rows_with_broken_bytes_are_rejected_when_the_rest_is_utf8() -> None:
    good = "".join(f"{n},Été\n" for n in range(9)).encode()
    _, bad = read_table(TrackTable(), b"id,title\n" + good + b"9,\xc3\n")
    assert [(row["row"], row["reason"]) for row in bad] == [(10, "bad_encoding")]


BROKEN = {
    "empty": (b"", "empty"),
    "header only": (b"track_id,energy\n", "one line and no rows"),
    "header without newline": (b"track_id,energy", "one line and no rows"),
    "blank lines": (b"\n\n\n", "no rows"),
    "binary": (bytes(range(256)) * 40, "binary"),
    "control characters": (bytes(range(1, 32)) * 20, "binary"),
    "json": (b'[{"track_id": 1}]', "JSON"),
    "web page": (b"<!DOCTYPE html><html></html>", "web page"),
    "nul bytes": (b"track_id,energy\n" + b"1,0.5\n" * 99 + b"2,\x00\n", "NUL"),
    "open quote": (b'track_id,title,x\n1,"abc,1\n2,d,2\n3,e,3\n', r"row 1: a quote is opened"),
    "most rows ragged": (b"track_id,title\n1\n2\n3\n", "most rows do not have the 2 columns"),
    "parquet by name": (b"track_id,title\n1,2\n", "not a readable Parquet"),
    "parquet cut": (b"PAR1" + b"x" * 50, "not a readable Parquet"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_files_say_what_is_wrong(fault: str) -> None:
    content, message = BROKEN[fault]
    name = "t.parquet" if "name" in fault else "t.csv"
    with pytest.raises(SourceError, match=message) as raised:
        read_all(TrackTable(), BytesFile(name, content))
    assert raised.value.cure
    assert TrackTable().claims(BytesFile(name, content))


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_parquet_with_its_own_types() -> None:
    data = parquet(
        id=[ID, ID],
        artists=[["Ann", 'B "b" \\'], []],
        explicit=[True, False],
        tempo=[120.5, None],
        release_date=[date(1999, 12, 31), None],
        duration_ms=[1000, 2000],
    )
    first, second = rows(TrackTable(), data, "t.parquet")
    assert (first["track_ref"], first["artists"]) == (URI, ["Ann", 'B "b" \\'])
    assert (first["explicit"], first["tempo"]) == (True, 120.5)
    assert (first["released"], first["duration_ms"]) == (date(1999, 12, 31), 1000)
    assert "artists" not in second
    assert "tempo" not in second


def test_parquet_that_cannot_be_a_table() -> None:
    with pytest.raises(SourceError, match="field “f”: the column is nested"):
        rows(TrackTable(), parquet(id=["a"], f=[{"energy": 0.5}]), "t.parquet")
    with pytest.raises(SourceError, match="no rows"):
        rows(TrackTable(), parquet(id=pa.array([], pa.string())), "t.parquet")
    with pytest.raises(SourceError, match="not a readable Parquet"):
        rows(TrackTable(), parquet(id=["a"])[:-20], "t.parquet")


cells = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs")), max_size=12),
    st.sampled_from(
        ["", "nan", "0.5", "7", "[", "['A'", '"', "a;b", "\\", "2020-02-30", "3:99", "a\nb"]
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(records=st.lists(st.tuples(cells, cells, cells, cells, cells), min_size=1, max_size=12))
def test_every_record_is_kept_or_rejected(records: list[tuple[str, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(("id", "title", "artists", "genres", "duration"))
    writer.writerows(records)
    found, bad = read_table(TrackTable(), text.getvalue())
    assert len(found) + len(bad) == len(records)
    numbers = [row["row"] for row in bad]
    assert numbers == sorted(set(numbers))
    assert all(1 <= number <= len(records) for number in numbers)


def test_the_catalogue_of_14_thousand_tracks(shared_data: Path) -> None:
    path = shared_data / "spotify-tracks-14k" / "spotify_tracks.csv"
    options = ReadOptions(user_id="ann", name="k14", now=NOW)
    with open_input(path) as opened:
        chunks = list(TrackTable().read(opened.files[0], options))
    found = pa.concat_tables([chunk.rows for chunk in chunks])
    assert sum(chunk.rejects.num_rows for chunk in chunks) == 0
    assert found.num_rows == 14_369
    assert len(set(found["track_ref"].to_pylist())) == 14_369
    assert len(set(found["artist"].to_pylist())) == 4_173
    assert found["spotify_uri"][0].as_py() == "spotify:track:0nbXyq5TXYPCO7pr3N8S4I"
    assert found["time_signature"].null_count > 0  # 0 in the file: not known
    for name in ("danceability", "energy", "valence", "tempo"):
        assert found[name].null_count < 100
