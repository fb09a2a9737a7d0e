"""Matching only what is new gives what matching everything gives."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.music.lake_tables import LAKE_TABLES
from segue.warehouse.duckdb_sql import DUCKDB
from segue.warehouse.track_matching import TrackMatching

Row = dict[str, Any]
Step = tuple[str, int, list[Row]]
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)

TITLES = ("Morning Song", "Morning Sonk", "Evening Tunes", "Evening Tune", "Evening Tunes 2", None)
ARTISTS = ("Ann", "Bob", "Ann & Bob", "Ann feat. Bob", None)
ABOUT: dict[str, Row] = {
    "plays": {"user_id": "u", "source": "s", "played_at": NOON},
    "catalogue": {"catalogue": "c"},
    "crowd": {"crowd": "d", "listener_id": "1"},
}
ISRCS = ("GBAYE0601498", "GBAYE0601499", "junk", None, None)
MBIDS = ("8f3471b5-7e6a-48da-86a9-c1c07a0f47ae", None, None)
URIS = ("spotify:track:1", "spotify:track:2", None, None)

names = st.fixed_dictionaries(
    {
        "track_ref": st.sampled_from(
            [
                *(f"id:{n}" for n in range(8)),
                "spotify:track:1",
                "name:Ann\x1fMorning Song",
                "artist:Ann",
            ]
        ),
        "title": st.sampled_from(TITLES),
        "artist": st.sampled_from(ARTISTS),
        "isrc": st.sampled_from(ISRCS),
        "recording_mbid": st.sampled_from(MBIDS),
        "spotify_uri": st.sampled_from(URIS),
    }
)
steps = st.lists(
    st.tuples(
        st.sampled_from(["plays", "plays", "plays", "catalogue", "crowd"]),
        st.integers(0, 9),  # where among the imports the file belongs
        st.lists(names, min_size=1, max_size=3),
    ),
    min_size=2,
    max_size=5,
)
OTHERS = [
    {"track_ref": f"id:other{n}", "title": f"Another thing {n}", "artist": f"Somebody {n}"}
    for n in range(60)
]


class RawTables:
    """Raw tables in memory, as matching finds them once they are loaded."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.query("create schema raw")
        self.query("create table raw.about (name text, value text)")
        self.query(
            "create table raw.loads (table_name text, file_no bigint, piece text, n_rows int)"
        )
        for name, table in LAKE_TABLES.items():
            schema = table.schema.append(pa.field("row_id", pa.int64()))
            self.replace_table(name, schema.append(pa.field("file_no", pa.int64())).empty_table())

    def load(self, number: int, step: Step) -> None:
        """Add the rows of a step, the import with this number."""
        table, where, rows = step
        schema = LAKE_TABLES[table].schema
        place = 1_000 * where + number
        new = pa.Table.from_pylist([ABOUT[table] | row for row in rows], schema=schema)
        for name, values in (("row_id", range(len(rows))), ("file_no", [place] * len(rows))):
            new = new.append_column(name, pa.array(values, pa.int64()))
        self.connection.register("new_rows", new)
        self.query(f"insert into raw.{table} by name select * from new_rows")
        self.query("insert into raw.loads values (?, ?, ?, ?)", [table, place, str(number), 1])

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, list(parameters)).fetchall()

    def query_arrow(self, sql: str) -> pa.Table:
        return self.connection.execute(sql).to_arrow_table()

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()

    def replace_table(self, table: str, rows: pa.Table) -> None:
        self.connection.register("new_rows", rows)
        self.query(f"create or replace table raw.{table} as select * from new_rows")
        self.connection.unregister("new_rows")

    def settle(self) -> None:
        pass

    def matched(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that matching has made."""
        TrackMatching(self, DUCKDB, fuzzy_threshold=90).update()
        made = ("track_refs", "track_matches", "track_tokens", "artist_names", "matched")
        return {table: self.query(f"select * from raw.{table} order by all") for table in made}


def _same(given_steps: Sequence[Step]) -> None:
    grown, anew = RawTables(), RawTables()
    for number, step in enumerate((("plays", 5, OTHERS), *given_steps)):
        grown.load(number, step)
        anew.load(number, step)
        made = grown.matched()
    assert made == anew.matched()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps)
def test_what_is_new_is_matched_as_if_it_had_been_there(given_steps: list[Step]) -> None:
    _same(given_steps)


SONG: Row = {"track_ref": "id:1", "title": "Morning Song", "artist": "Ann"}


@pytest.mark.parametrize(
    "given_steps",
    [
        pytest.param(
            [
                (
                    "plays",
                    5,
                    [SONG, {"track_ref": "id:2", "title": "Morning Sonk", "artist": "Ann"}],
                ),
                ("catalogue", 5, [SONG | {"track_ref": "spotify:track:1"}]),
            ],
            id="a catalogue comes late: a name, and a misspelling",
        ),
        pytest.param(
            [
                ("plays", 5, [SONG]),
                ("plays", 5, [{"track_ref": "id:2", "title": "Other", "artist": "Bob"}]),
                ("plays", 1, [SONG | {"isrc": "GBAYE0601498"}]),
                ("plays", 5, [{"track_ref": "id:2", "isrc": "GBAYE0601498"}]),
            ],
            id="two tracks turn out to be one",
        ),
        pytest.param(
            [
                (
                    "plays",
                    5,
                    [
                        {
                            "track_ref": f"id:{n}",
                            "title": f"T{n}",
                            "artist": "Ann",
                            "isrc": "GBAYE0601498",
                        }
                        for n in range(3)
                    ],
                ),
                (
                    "plays",
                    5,
                    [{"track_ref": "id:9", "title": "T9", "artist": "Ann", "isrc": "GBAYE0601498"}],
                ),
            ],
            id="an identifier turns out to be nobody's",
        ),
        pytest.param(
            [("plays", 5, [SONG | {"title": "Late"}]), ("plays", 1, [SONG | {"title": "Early"}])],
            id="an earlier import arrives later",
        ),
    ],
)
def test_what_is_new_changes_what_was_there(given_steps: list[Step]) -> None:
    _same(given_steps)
