"""Row ids are the same for ever: golden values, and a second implementation in plain Python."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.music import columns as c
from segue.music.lake_tables import CATALOGUE, CROWD, PLAYS, LakeTable
from segue.warehouse.row_ids import row_ids
from tests.support import lake_rows

MASK = 2**64 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def mix(x: int) -> int:
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def value(v: Any) -> int:
    match v:
        case None:
            return 0x6E756C6C6E756C6C
        case str():
            return int.from_bytes(hashlib.md5(v.encode()).digest()[8:], "little")
        case float():
            return mix(struct.unpack("<Q", struct.pack("<d", v + 0.0))[0])
        case datetime():
            return mix(((v - EPOCH) // (EPOCH.resolution)) & MASK)
        case date():
            return mix((v - EPOCH.date()).days & MASK)
        case list():
            h = mix(len(v))
            for element in v:
                h = mix(h ^ value(element))
            return h
    return mix(int(v) & MASK)


def plain(values: list[Any]) -> int:
    h = 0
    for v in values:
        h = mix(h ^ value(v))
    return h - 2**64 if h >= 2**63 else h


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connected:
        yield connected


def test_golden_values(connection: duckdb.DuckDBPyConnection) -> None:
    at = datetime(2024, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)
    play = {
        c.USER_ID: "me",
        c.SOURCE: "spotify_export",
        c.TRACK_REF: "spotify:track:6rqhFgbbKwnb9MLmUQDhG6",
        c.PLAYED_AT: at,
        c.MS_PLAYED: 180_000,
    }
    rows = lake_rows(PLAYS, play, play | {c.MS_PLAYED: None}, play | {c.USER_ID: "Zoë"})
    assert row_ids(PLAYS, rows, connection).tolist() == PLAYS_GOLDEN
    track = {c.CATALOGUE: "mine", c.TRACK_REF: "name:A\x1fB", c.TITLE: "B", c.ARTIST: "A"}
    tracks = lake_rows(
        CATALOGUE, track, track | {c.GENRES: []}, track | {c.GENRES: ["pop", "Indie Rock"]}
    )
    assert row_ids(CATALOGUE, tracks, connection).tolist() == CATALOGUE_GOLDEN


PLAYS_GOLDEN = [-331238993639137167, 6982689274747797855, -3221476580283459555]
CATALOGUE_GOLDEN = [-6794617201137757466, 277400880854720617, -4104342766117652433]

ANYTHING = LakeTable(
    name="anything",
    schema=pa.schema(
        [
            ("text", pa.string()),
            ("number", pa.int32()),
            ("at", pa.timestamp("us", tz="UTC")),
            ("day", pa.date32()),
            ("yes", pa.bool_()),
            ("words", pa.list_(pa.string())),
            ("share", pa.float64()),
        ]
    ),
    key=("text", "number", "at", "day", "yes", "words", "share"),
    partition="text",
)

texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
rows_of_anything = st.lists(
    st.tuples(
        texts,
        st.none() | st.integers(-(2**31), 2**31 - 1),
        st.none()
        | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(
            lambda at: at.replace(tzinfo=UTC)
        ),
        st.none() | st.dates(date(1900, 1, 1), date(2200, 1, 1)),
        st.none() | st.booleans(),
        st.none() | st.lists(texts, max_size=4),
        st.none() | st.floats(allow_nan=False),
    ),
    max_size=12,
)


@given(rows=rows_of_anything, cut=st.integers(0, 12))
def test_agrees_with_plain_python(
    connection: duckdb.DuckDBPyConnection, rows: list[tuple[Any, ...]], cut: int
) -> None:
    records = [dict(zip(ANYTHING.key, row, strict=True)) for row in rows]
    table = pa.Table.from_pylist(records, schema=ANYTHING.schema)
    expected = [plain(list(row)) for row in rows]
    assert row_ids(ANYTHING, table, connection).tolist() == expected
    # a slice, and several chunks, are the same rows
    assert row_ids(ANYTHING, table.slice(cut), connection).tolist() == expected[cut:]
    pieces = pa.concat_tables([table.slice(0, cut), table.slice(cut)])
    assert row_ids(ANYTHING, pieces, connection).tolist() == expected


def test_neighbouring_columns_do_not_run_together(connection: duckdb.DuckDBPyConnection) -> None:
    one = {c.CROWD: "ab", c.LISTENER_ID: "c", c.TRACK_REF: "x"}
    rows = lake_rows(CROWD, one, one | {c.CROWD: "a", c.LISTENER_ID: "bc"})
    assert len(set(row_ids(CROWD, rows, connection).tolist())) == 2


def test_what_has_no_one_form_cannot_be_a_key(connection: duckdb.DuckDBPyConnection) -> None:
    table = LakeTable("t", pa.schema([("x", pa.binary())]), ("x",), "x")
    with pytest.raises(TypeError, match="binary"):
        row_ids(table, pa.table({"x": [b"1"]}), connection)


def test_two_counts_of_one_track_are_two_rows(connection: duckdb.DuckDBPyConnection) -> None:
    one = {c.CROWD: "a", c.LISTENER_ID: "b", c.TRACK_REF: "x", c.PLAYS: 3.0}
    ids = row_ids(CROWD, lake_rows(CROWD, one, one, one | {c.PLAYS: 4.0}), connection).tolist()
    assert ids[0] == ids[1] != ids[2]
