"""Every spelling of a moment that histories are known to use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.sources.timestamps import any_ambiguous, day_comes_first, looks_like_time, read_times

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CONNECTION = duckdb.connect()


def read(*texts: str | None, day_first: bool | None = None) -> list[datetime | None]:
    found = read_times(_CONNECTION, pa.array(texts, pa.string()), day_first).to_pylist()
    return [None if us is None else _EPOCH + timedelta(microseconds=us) for us in found]


@pytest.mark.parametrize(
    "text",
    [
        "1704114300",
        "1704114300000",
        "1704114300000000",
        "1704114300000000000",
        "1704114300.0",
        "01 Jan 2024, 13:05",
        "01 Jan 2024 13:05",
        "1 Jan 2024, 13:05",
        "1st January 2024 13:05:00",
        "01-Jan-2024 13:05",
        "Jan 1, 2024 1:05 PM",
        "January 1, 2024 at 1:05\u202fPM",
        "Mon, 01 Jan 2024 13:05:00 +0000",
        "Mon Jan 01 2024 14:05:00 GMT+0100 (CET)",
        "2024-01-01T13:05:00Z",
        "2024-01-01T13:05:00.000000+00:00",
        "2024-01-01T15:05+02:00",
        "2024-01-01 08:05:00-0500",
        "2024-01-01 13:05",
        "2024-01-01 13:05:00",
        "2024-01-01 13:05:00 UTC",
        "2024-01-01 13:05:00 +0000 UTC",
        "2024/01/01 13:05",
        "01.01.2024 13:05",
        "01/01/2024 13:05",
        "1/1/24 1:05 pm",
        "  2024-01-01   13:05  ",
    ],
)
def test_one_moment_in_many_spellings(text: str) -> None:
    assert read(text) == [datetime(2024, 1, 1, 13, 5, tzinfo=UTC)]
    assert looks_like_time(text) or text.isdigit()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "NaN",
        "1e10",
        "2024",
        "2024-02-30",
        "32 Jan 2024",
        "01 Foo 2024",
        "2024-01-01 25:00",
        "2024-01-01 13",
        "Jan 1, 2024 13:05 PM",
        "99999999999999999999999",
        None,
    ],
)
def test_what_is_no_moment_is_null(text: str | None) -> None:
    assert [when for when in read(text) if when and when.year > 1970] == []


def test_devices_without_a_clock_write_1970() -> None:
    assert read("0", "01 Jan 1970 00:00") == [_EPOCH, _EPOCH]


def test_a_date_alone_is_midnight() -> None:
    assert read("2024-05-06", "06 May 2024") == [datetime(2024, 5, 6, tzinfo=UTC)] * 2


def test_days_and_months_are_told_apart_by_their_size_then_by_the_file() -> None:
    april, march = datetime(2024, 4, 3, tzinfo=UTC), datetime(2024, 3, 4, tzinfo=UTC)
    christmas = datetime(2024, 12, 25, tzinfo=UTC)
    for day_first, expected in ((None, None), (True, april), (False, march)):
        texts = ("03/04/2024", "25/12/2024", "12/25/2024", "03.04.2024")
        found = read(*texts, day_first=day_first)
        assert found == [expected, christmas, christmas, april]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["03/04/2024", "25/12/2024"], True),
        (["03/04/2024", "12/25/2024"], False),
        (["03/04/2024"], None),
        (["25/12/2024", "12/25/2024"], None),
        (["2024-01-01", "hello"], None),
    ],
)
def test_a_file_tells_its_order(texts: list[str], expected: bool | None) -> None:
    assert day_comes_first(texts) is expected


def test_only_two_readings_that_differ_are_ambiguous() -> None:
    plain = ["03/03/2024", "25/12/2024", "2024-03-04", "03.04.2024"]
    assert any_ambiguous(pa.chunked_array([[*plain, "03/04/2024 10:00"]]))
    assert not any_ambiguous(pa.chunked_array([plain]))


@pytest.mark.parametrize("text", ["1999", "Radiohead", "10:04", "24 Hours", "May", "1979-2004"])
def test_names_do_not_look_like_times(text: str) -> None:
    assert not looks_like_time(text)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.datetimes(datetime(2001, 1, 2), datetime(2099, 1, 1)).map(
            lambda when: when.replace(microsecond=0, tzinfo=UTC)
        ),
        max_size=20,
    )
)
def test_what_is_written_is_read(moments: list[datetime]) -> None:
    english = "   JanFebMarAprMayJunJulAugSepOctNovDec"
    spellings = [
        lambda w: str(int(w.timestamp())),
        lambda w: str(int(w.timestamp() * 1000)),
        lambda w: w.isoformat(),
        lambda w: f"{w:%Y-%m-%d %H:%M:%S}",
        lambda w: f"{w.day:02} {english[3 * w.month :][:3]} {w.year}, {w:%H:%M:%S}",
    ]
    for spell in spellings:
        assert read(*map(spell, moments)) == moments


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=30))
def test_any_text_is_a_moment_or_null(texts: list[str]) -> None:
    plain = [text.encode("utf-8", "ignore").decode() for text in texts]
    assert len(read(*plain)) == len(plain)
