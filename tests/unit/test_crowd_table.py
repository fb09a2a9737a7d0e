"""Tables of who played what: columns in any order, tracks or artists, counts or times."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.errors import SourceError
from segue.music.lake_tables import artist_ref, name_ref
from segue.sources.crowd_table import CrowdTable
from tests.support import BytesFile
from tests.unit.table_reading import read_table, rejected, rows

URI = "spotify:track:5SuOikwiRyPMVoIQDJUgSV"


def one(content: str | bytes, name: str = "crowd.csv", **columns: str) -> dict[str, Any]:
    [row] = rows(CrowdTable(), content, name, **columns)
    return dict(row)


@pytest.mark.parametrize(
    ("header", "record", "ref"),
    [
        ("user_id,track_id,plays", f"u1,{URI[-22:]},3", URI),
        ("Play Count,Track URI,User", f"3,{URI},u1", URI),
        ("listener,track,artist name,listen_count", "u1,One,Ann,3", name_ref("Ann", "One")),
        ("uid,recording_mbid,count", "u1,8f3471b5-7e6a-48da-86a9-c1c07a0f47ae,3",
         "mbid:8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"),
        ("userid,song_id,weight", "u1,17,3", "id:test:17"),
        ("user,track,plays", "u1,17,3", "id:test:17"),
        ("user,artist,plays", 'u1,"Earth, Wind & Fire",3', artist_ref("Earth, Wind & Fire")),
        ("user,mbid,artist,plays", "u1,8f3471b5-7e6a-48da-86a9-c1c07a0f47ae,Ann,3",
         artist_ref("Ann")),
    ],
)  # fmt: skip
def test_columns_are_known_by_name(header: str, record: str, ref: str) -> None:
    row = one(f"{header}\n{record}\n")
    assert (row["crowd"], row["listener_id"], row["track_ref"]) == ("test", "u1", ref)
    assert row["plays"] == 3


def test_an_artist_level_row_has_no_title() -> None:
    row = one("user,artist,plays\nu1,Ann,3\n")
    assert (row["artist"], row["artists"]) == ("Ann", ["Ann"])
    assert "title" not in row


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1700000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("1700000000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("2023-11-14T22:13:20Z", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("2023-11-14 22:13:20", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("2023-11-14T23:13:20+01:00", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("14 Nov 2023, 22:13", datetime(2023, 11, 14, 22, 13, tzinfo=UTC)),
        ("2023-11-14", datetime(2023, 11, 14, tzinfo=UTC)),
    ],
)
def test_times_however_written(text: str, moment: datetime) -> None:
    row = one(f'user,track_id,timestamp\nu1,17,"{text}"\n')
    assert row["played_at"] == moment


def test_sessions_and_positions() -> None:
    text = "session_id,track_id,position\na,1,0\na,2,1\n"
    found = rows(CrowdTable(), text)
    assert [(r["listener_id"], r["session_id"], r["position"]) for r in found] == [
        ("a", "a", 0),
        ("a", "a", 1),
    ]
    by_row = rows(CrowdTable(), "user,session,track_id\nu,a,1\nu,a,2\n")
    assert [(r["listener_id"], r["position"]) for r in by_row] == [("u", 0), ("u", 1)]


def test_a_log_of_plays_without_times_keeps_each_play() -> None:
    found = rows(CrowdTable(), "user,track_id\nu,1\nu,1\nu,1\n")
    assert [row["position"] for row in found] == [0, 1, 2]


def test_rows_that_cannot_be_used_say_why() -> None:
    good = "u1,17,3,2020-01-01\n" * 9
    text = (
        "user,track_id,plays,date\n"
        + good
        + "u1,17,0,2020-01-01\nu1,17,-1,\nu1,17,x,\nu1,17,inf,\n"
        ",17,1,\nu1,,1,\nu1,17,1,2999-01-01\nu1,17,1,1970-01-01\nu1,17,1,soon\nu1\n"
    )
    assert rejected(CrowdTable(), text) == [
        (10, "bad_count", "plays"),
        (11, "bad_count", "plays"),
        (12, "bad_count", "plays"),
        (13, "bad_count", "plays"),
        (14, "no_user", "user"),
        (15, "no_track", "track_id"),
        (16, "future_timestamp", "date"),
        (17, "too_old_timestamp", "date"),
        (18, "bad_timestamp", "date"),
        (19, "bad_row", None),
    ]


def test_no_count_means_once() -> None:
    assert "plays" not in one("user,track_id,plays\nu1,17,\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("track_id,plays\n17,3\n", r"who listened; the columns are track_id, plays.*user_id=NAME"),
        ("user,plays\nu1,3\n", r"what was played; the columns are user, plays.*track_id=NAME"),
        ("u1,17,3\nu2,18,4\n", "the first line does not name the columns"),
        ("user,track_id,plays\n", "one line and no rows"),
        ("user,track_id,plays\nu1,17,-1\nu2,18,-3\n", r"row 1, field “plays”: most rows \(2 of 2"),
        ("user,track_id,time\nu1,17,5\nu2,18,6\n", r"field “time”: most rows"),
        ('user,track_id,x\nu1,"17,1\nu2,18,2\n', "a quote is opened"),
        ('{"user": 1}', "JSON"),
    ],
)
def test_whole_files_are_refused_with_a_cure(text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as raised:
        read_table(CrowdTable(), text)
    assert raised.value.cure


def test_overrides() -> None:
    assert one("who,what\nu1,17\n", user_id="who", track_id="what")["listener_id"] == "u1"
    assert "plays" not in one("user,track_id,plays\nu1,17,-3\n", plays="-")


def test_tsv_keeps_quotes_and_parquet_keeps_types() -> None:
    assert (
        one('user\tartist\nu1\t"Weird Al" Yankovic\n', "c.tsv")["artist"] == '"Weird Al" Yankovic'
    )
    sink = io.BytesIO()
    when = pa.array([datetime(2024, 1, 1, 12, tzinfo=UTC)], pa.timestamp("ms", tz="UTC"))
    pq.write_table(pa.table({"user_id": [7], "track_id": [URI], "ts": when, "n": [2]}), sink)
    row = one(sink.getvalue(), "c.parquet")
    assert (row["listener_id"], row["track_ref"], row["plays"]) == ("7", URI, 2)
    assert row["played_at"] == datetime(2024, 1, 1, 12, tzinfo=UTC)


def test_what_it_leaves_to_others() -> None:
    for name, content in {
        "user_artists.dat": b"userID\tartistID\tweight\n1\t2\t3\n",
        "userid-profile.tsv": b"#id\tgender\tage\tcountry\tregistered\n",
        "usersha1-profile.tsv": b"0\tf\t\tGermany\tFeb 1, 2007\n",
        "sessions.csv": b"1,2\n3\n",
        "artists.dat": b"id\tname\turl\n1\tAnn\tu\n",
        "notes.txt": b"users, tracks and other things\n",
    }.items():
        assert not CrowdTable().claims(BytesFile(name, content)), name
    assert CrowdTable().claims(BytesFile("train.txt", b"SessionId\tItemId\tTime\n1\t2\t3\n"))


cells = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs")), max_size=8),
    st.sampled_from(["", "1", "-1", "nan", "1e400", "2020-01-01", "1700000000", "[]", '"', "a\nb"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(records=st.lists(st.tuples(cells, cells, cells, cells), min_size=1, max_size=12))
def test_every_record_is_kept_or_rejected(records: list[tuple[str, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(("user", "track_id", "plays", "timestamp"))
    writer.writerows([*records, *[("u", "1", "1", "")] * (len(records) + 1)])
    found, bad = read_table(CrowdTable(), text.getvalue())
    assert len(found) + len(bad) == 2 * len(records) + 1
    assert all(1 <= row["row"] <= len(records) for row in bad)


def test_times_with_fractions_and_zones_are_the_same_moment_however_written() -> None:
    texts = [
        "2024-11-01 14:18:36.333Z",
        "2024-11-01T14:18:36.333",
        "2024-11-01 16:18:36.333+02:00",
        "2024-11-01T09:18:36.333-0500",
    ]
    content = "user,track,played_at\n" + "".join(f"u1,17,{text}\n" for text in texts)
    found = rows(CrowdTable(), content)
    moment = datetime(2024, 11, 1, 14, 18, 36, 333_000, tzinfo=UTC)
    assert [row["played_at"] for row in found] == [moment] * 4


@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_times_of_parquet_are_moments_in_utc(zone: str | None) -> None:
    moment = datetime(2024, 11, 1, 14, 18, 36, 333_000, tzinfo=UTC)
    played = pa.array([moment], pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us", tz=zone))
    buffer = io.BytesIO()
    pq.write_table(pa.table({"user": ["u1"], "track": ["17"], "played_at": played}), buffer)
    [row] = rows(CrowdTable(), buffer.getvalue(), "crowd.parquet")
    assert row["played_at"] == moment


def test_rows_keep_the_order_of_the_file_over_many_parts() -> None:
    content = "user,track,plays\n" + "".join(f"u,{n},{n + 1}\n" for n in range(60_000))
    found = rows(CrowdTable(), content)
    assert [row["plays"] for row in found] == list(range(1, 60_001))
