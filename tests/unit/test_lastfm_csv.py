"""Last.fm histories in CSV: layouts in circulation, damage, and a full account of it all."""

from __future__ import annotations

import csv
import dataclasses
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import SourceError
from segue.music import columns as c
from segue.sources.lastfm_csv import LastfmCsv
from tests.support import OPTIONS, BytesFile
from tests.unit.scrobble_reading import read

_WHEN = datetime(2024, 1, 1, 13, 5, tzinfo=UTC)
_MBID = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"

LAYOUTS = {
    "lastfm-to-csv": "Ann,First,One,01 Jan 2024 13:05\n",
    "lastfm-to-csv, comma in the date": 'Ann,First,One,"01 Jan 2024, 13:05"\n',
    "comma in the date without quotes": "Ann,First,One,01 Jan 2024, 13:05\n",
    "lastfm.ghan.nl": (
        "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"
        '"1704114300","01 Jan 2024, 13:05","Ann","","First","","One",""\n'
    ),
    "lastfm.ghan.nl without its header": '1704114300,"01 Jan 2024, 13:05",Ann,,First,,One,\n',
    "short, two times": "1704114300,01 Jan 2024 13:05,Ann,First,One\n",
    "lastfmstats.com": (
        '\ufeffArtist;Album;AlbumId;Track;Date#ann\n"Ann";"First";"";"One";"1704114300000"\n'
    ),
    "date and time apart, header": "Track,Artist,Date,Time,Album\nOne,Ann,2024-01-01,13:05,First\n",
    "tabs": "artist\talbum\ttrack\ttimestamp\nAnn\tFirst\tOne\t2024-01-01T13:05:00Z\n",
    "other order and names": (
        "Song Title,Scrobbled At,Artist Name(s),Album Name\nOne,2024-01-01 13:05:00,Ann,First\n"
    ),
    "title, artist, album, date": "title,artist,album,date\nOne,Ann,First,1704114300\n",
    "a column of one's own": "played_when,artist,track,album\n01/01/2024 13:05,Ann,One,First\n",
    "date first": "2024-01-01 13:05,Ann,One,First\n",
    "windows line ends": "artist,album,track,date\r\nAnn,First,One,01 Jan 2024 13:05\r\n",
    "spaces after commas": "artist, album, track, date\nAnn, First, One, 01 Jan 2024 13:05\n",
    "a name for every user": "username,artist,album,track,uts\nann,Ann,First,One,1704114300\n",
}
LAYOUTS["a column of one's own"] = LAYOUTS["a column of one's own"].replace("played_when", "when")


@pytest.mark.parametrize("content", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_in_circulation(content: str) -> None:
    assert LastfmCsv().claims(BytesFile("export.csv", content.encode()))
    found = read(LastfmCsv(), "export.csv", content)
    assert found.reasons == []
    [play] = found.plays
    assert (play[c.ARTIST], play[c.ALBUM], play[c.TITLE]) == ("Ann", "First", "One")
    assert play[c.PLAYED_AT] == _WHEN
    assert play[c.TRACK_REF] == "name:Ann\x1fOne"
    assert play[c.MS_PLAYED] is play[c.ENDED_AT] is play[c.ARTISTS] is None


@pytest.mark.parametrize(
    "content",
    ["Ann,One,01 Jan 2024 13:05\n", "2024-01-01,13:05:00,Ann,One\n", "2024-01-01T13:05Z,Ann,One\n"],
)
def test_files_without_albums(content: str) -> None:
    found = read(LastfmCsv(), "export.csv", content)
    assert (found.names, found.times) == ([("Ann", "One")], [_WHEN])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_encodings(encoding: str) -> None:
    content = "artist,track,date\nMötley Crüe,Café,01 Jan 2024 13:05\n".encode(encoding)
    assert LastfmCsv().claims(BytesFile("export.csv", content))
    assert read(LastfmCsv(), "export.csv", content).names == [("Mötley Crüe", "Café")]


def test_one_broken_byte_does_not_turn_the_others() -> None:
    good = "Ann,Ünter,Öne,01 Jan 2024 13:05\n".encode() * 9
    found = read(LastfmCsv(), "export.csv", good + b"Bob,\xff,Two,01 Jan 2024 13:05\n")
    assert found.names == [("Ann", "Öne")] * 9 + [("Bob", "Two")]


def test_identities_from_best_to_worst() -> None:
    content = (
        "uts,artist,track,track_mbid,spotify_uri,isrc,duration_ms,ms_played\n"
        f"1704114300,Ann,One,{_MBID.upper()},spotify:track:6rqhFgbbKwnb9MLmUQDhG6,,,\n"
        f"1704114301,Ann,One,{_MBID},,GB-AYE-06-01498,200000,1500\n"
        "1704114302,Ann,One,not-an-id,nonsense,nonsense,-5,long\n"
        f"1704114303,,,{_MBID},,,,\n"
    )
    found = read(LastfmCsv(), "export.csv", content)
    assert found.reasons == []
    assert [play[c.TRACK_REF] for play in found.plays] == [
        "spotify:track:6rqhFgbbKwnb9MLmUQDhG6",
        f"mbid:{_MBID}",
        "name:Ann\x1fOne",
        f"mbid:{_MBID}",
    ]
    assert [play[c.ISRC] for play in found.plays] == [None, "GBAYE0601498", None, None]
    assert [play[c.DURATION_MS] for play in found.plays] == [None, 200000, None, None]
    assert [play[c.MS_PLAYED] for play in found.plays] == [None, 1500, None, None]


def test_every_damage_costs_its_own_record_only() -> None:
    content = (
        "artist,album,track,date\n"
        "Ann,First,One,01 Jan 2024 13:05\n"
        "Ann,First,Now,\n"
        "\n"
        "Ann,First,1970,01 Jan 1970 00:00\n"
        "Ann,First,Later,01 Jan 2030 00:00\n"
        "Ann,First,Bad,32 Jan 2024 13:05\n"
        "Ann,First\n"
        "Ann,First,One,01 Jan 2024 13:05,more\n"
        ",First,One,01 Jan 2024 13:05\n"
        "Ann,First,,01 Jan 2024 13:05\n"
        ",,,\n"
        'Ann,"never closed,One,01 Jan 2024 13:05\n'
        'Ann,"on two\nlines",One,01 Jan 2024 13:05\n'
        'Ann,12" mix,One,01 Jan 2024 13:05\n'
        "Ann,First,Trailing,01 Jan 2024 13:05,,\n"
        "Ann,First,Last,01 Jan 2024 13:05"
    )
    found = read(LastfmCsv(), "export.csv", content)
    assert found.reasons == [
        (2, "now_playing"),
        (3, "too_old_timestamp"),
        (4, "future_timestamp"),
        (5, "bad_timestamp"),
        (6, "bad_row"),
        (7, "bad_row"),
        (8, "missing_artist"),
        (9, "missing_title"),
        (10, "no_track"),
        (11, "bad_row"),
    ]
    assert [play[c.ALBUM] for play in found.plays] == [
        *("First", "on two\nlines", '12" mix', "First", "First")
    ]
    assert found.rejects[3][c.FIELD] == c.PLAYED_AT
    assert found.rejects[3][c.DETAIL] == "32 Jan 2024 13:05"
    assert found.rejects[4][c.RAW] == '["Ann", "First"]'


def test_the_second_time_column_helps_where_the_first_has_nothing() -> None:
    content = "uts,utc_time,artist,track\n,2024-01-01 13:05,Ann,One\nx,2024-01-01 13:05,Ann,One\n"
    assert read(LastfmCsv(), "export.csv", content).times == [_WHEN, _WHEN]


def test_dates_in_figures_are_read_as_the_file_shows() -> None:
    lines = ["artist,track,date", "Ann,One,03/04/2024 10:00", "Ann,Two,05/05/2024 10:00"]
    alone = read(LastfmCsv(), "export.csv", "\n".join(lines))
    assert (alone.names, alone.reasons) == ([("Ann", "Two")], [(1, "ambiguous_date")])
    day_first = read(LastfmCsv(), "export.csv", "\n".join([*lines, "Ann,Three,25/12/2024"]))
    assert [(when.month, when.day) for when in day_first.times] == [(4, 3), (5, 5), (12, 25)]
    month_first = read(LastfmCsv(), "export.csv", "\n".join([*lines, "Ann,Three,12/25/2024"]))
    assert [(when.month, when.day) for when in month_first.times] == [(3, 4), (5, 5), (12, 25)]


def test_columns_may_be_named_by_the_user() -> None:
    options = dataclasses.replace(
        OPTIONS, columns={"artist": "Künstler", "title": "Titel", "played_at": "Wann"}
    )
    content = "Wann,Titel,Künstler\n2024-01-01 13:05,One,Ann\n"
    assert read(LastfmCsv(), "export.csv", content, options).names == [("Ann", "One")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (bytes(range(256)) * 8, "not text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not text"),
        (b"artist,track,album\nAnn,One,First\n", "no column for time among artist, track, album"),
        (b"artist,date,album\nAnn,2024-01-01,First\n", "no column for track"),
        (b"one,two,three\n1,2,3\n", "no column for time, artist, track"),
        (b"<!doctype html><html></html>", "no column"),
        (b'{"hello": "world"}', "no column"),
        (b"x" * 3_000_000, "no column|million"),
    ],
)
def test_files_that_are_no_history(content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        read(LastfmCsv(), "scrobbles.csv", content)
    assert "scrobbles.csv" in str(caught.value)
    assert caught.value.cure


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "tracks.csv",
            "track_id,artists,track_name,date,danceability,energy\n1,A,B,2024-01-01,1,1",
        ),
        ("tracks.csv", "artist,track,popularity\nAnn,One,50\n"),
        ("crowd.csv", "user,artist,track,timestamp\na,Ann,One,1704114300\nb,Ann,One,1704114300\n"),
        ("playlist.csv", "Track URI,Track Name,Artist Name(s),Added At\nx,One,Ann,2024-01-01\n"),
        ("notes.txt", "buy milk, eggs, bread\n"),
        ("lovedtracks-ann-1.csv", "uts,utc_time,artist,track\n1704114300,,Ann,One\n"),
        ("weather.csv", "date,time,degrees\n2024-01-01,13:05,20\n"),
        ("history.pdf", "artist,track,date\nAnn,One,2024-01-01\n"),
    ],
)
def test_other_tables_are_not_claimed(name: str, content: str) -> None:
    assert not LastfmCsv().claims(BytesFile(name, content.encode()))


_NAME = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12)
_ON_TWO_LINES = st.tuples(_NAME, _NAME).map("\n".join)
_RECORDS = st.lists(
    st.lists(_NAME, min_size=1, max_size=6)
    | st.lists(_NAME | _ON_TWO_LINES, min_size=4, max_size=4),
    max_size=30,
)


@settings(max_examples=25, deadline=None)
@given(_RECORDS, st.sampled_from(",;\t"))
def test_every_record_is_kept_or_rejected(records: list[list[str]], delimiter: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([["artist", "album", "track", "uts"], *records])
    found = read(LastfmCsv(), "export.csv", text.getvalue())
    # a single blank field is an empty line
    assert found.n_read == sum(len(r) > 1 or bool(r[0].strip()) for r in records)
    assert [row for row, _ in found.reasons] == sorted({row for row, _ in found.reasons})


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.text('Ab1", \n\r;é', max_size=15), max_size=40),
    st.sampled_from(["artist,album,track,date\n", "Ann,First,One,01 Jan 2024 13:05\n"]),
)
def test_no_damage_breaks_a_file(lines: list[str], start: str) -> None:
    good = "Bob,Second,Two,02 Jan 2024 13:05\n"
    found = read(LastfmCsv(), "export.csv", start + "".join(f"{x}\n" for x in lines) + "\n" + good)
    assert ("Bob", "Two") in found.names
    assert len({row for row, _ in found.reasons}) == len(found.reasons)


def test_rows_are_numbered_through_a_long_file() -> None:
    lines = [f"Ann,First,{i},01 Jan 2024 13:05" for i in range(60_000)]
    lines[55_000] = "damaged"
    found = read(LastfmCsv(), "export.csv", "\n".join(lines))
    assert found.reasons == [(55_001, "bad_row")]
    assert [play[c.TITLE] for play in found.plays[-2:]] == ["59998", "59999"]
