"""Queries of one's own: what is answered, what is refused, and in which words."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from segue.errors import QueryError
from segue.flows.row_files import write_csv, write_json
from segue.flows.sql import ask, limited, tables, type_words
from segue.music.marts import MARTS
from segue.warehouse.snapshot_database import SnapshotDatabase, open_snapshot
from segue.warehouse.snapshots import Snapshot
from tests.marts_folder import published

AT = datetime(2024, 5, 1, 12, tzinfo=UTC)


def _mart(name: str, *rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(
        [{column: row.get(column) for column in MARTS[name].names} for row in rows], MARTS[name]
    )


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    plays = [{"play_id": f"p{n}", "user_id": "ann", "played_at": AT} for n in range(3)]
    tracks = [{"track_id": "t1", "title": "Blue", "artists": ["A", "B"], "energy": float("nan")}]
    return published(
        tmp_path_factory.mktemp("sql") / "it's a home",
        plays=_mart("plays", *plays),
        tracks=_mart("tracks", *tracks),
    )


@pytest.fixture(scope="module")
def database(snapshot: Snapshot) -> Iterator[SnapshotDatabase]:
    with open_snapshot(snapshot, memory_limit="200MB", threads=2) as opened:
        yield opened


def _rows(database: SnapshotDatabase, sql: str, seconds: float = 0.0) -> list[dict[str, Any]]:
    with database.ask(sql, seconds=seconds) as reader:
        rows: list[dict[str, Any]] = reader.read_all().to_pylist()
        return rows


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT count(*) AS n FROM plays", 1),
        ("FROM plays", 3),
        ("TABLE plays;", 3),
        ("SELECT * FROM main.plays", 3),
        ('SELECT * FROM "PLAYS"', 3),
        ("WITH a AS (FROM plays) SELECT * FROM a JOIN plays USING (play_id)", 3),
        ("WITH plays AS (SELECT 1) FROM plays", 1),
        (
            "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n < 4) FROM a",
            4,
        ),
        ("VALUES (1), (2)", 2),
        ("SELECT * FROM range(5), unnest([1, 2])", 10),
        ("SELECT unnest(artists) FROM tracks", 2),
        ("DESCRIBE plays", len(MARTS["plays"].names)),
        ("SUMMARIZE users", len(MARTS["users"].names)),
        ("SHOW TABLES", len(MARTS)),
        ("EXPLAIN SELECT * FROM plays", 1),
        ("/* why */ explain analyze SELECT * FROM plays -- so", 1),
        ("EXPLAIN (FORMAT json) SELECT 1", 1),
        ("EXPLAIN (SELECT 1)", 1),
        ("SELECT * FROM (PIVOT plays ON user_id IN ('ann') USING count(*))", 3),
        ("SELECT 1;;; -- done", 1),
    ],
)
def test_reading_queries_are_answered(database: SnapshotDatabase, sql: str, rows: int) -> None:
    assert len(_rows(database, sql)) == rows


WRITES = [
    "CREATE TABLE x AS SELECT 1",
    "CREATE TEMP TABLE x AS SELECT 1",
    "CREATE OR REPLACE VIEW plays AS SELECT 1",
    "CREATE MACRO m() AS 1",
    "CREATE SECRET s (TYPE s3)",
    "DROP VIEW plays",
    "ALTER VIEW plays RENAME TO x",
    "INSERT INTO users VALUES (1)",
    "UPDATE users SET plays = 1",
    "DELETE FROM users",
    "TRUNCATE users",
    "MERGE INTO users USING users u ON true WHEN MATCHED THEN DELETE",
    "COPY plays TO '{folder}/out.csv'",
    "COPY (SELECT 1) TO '{plays}' (FORMAT parquet)",
    "COPY plays FROM '{plays}'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{plays}' (FORMAT parquet)",
    "EXPLAIN (ANALYZE) COPY (SELECT 1) TO '{plays}' (FORMAT parquet)",
    "-- x\rCOPY (SELECT 1) TO '{plays}';\n EXPLAIN SELECT 1",
    "SELECT 1; COPY (SELECT 1) TO '{plays}'",
    "PIVOT plays ON user_id USING count(*); COPY plays TO '{plays}'",
    "WITH a AS (PIVOT plays ON user_id USING count(*)) FROM a",
    "WITH a AS (COPY plays TO '{plays}') FROM a",
    "EXPORT DATABASE '{folder}/out'",
    "IMPORT DATABASE '{folder}'",
    "ATTACH '{folder}/x.duckdb' AS x",
    "DETACH memory",
    "USE main",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FORCE INSTALL httpfs FROM community",
    "SET memory_limit = '99GB'",
    "SET VARIABLE x = 1",
    "RESET memory_limit",
    "PRAGMA enable_logging",
    "PRAGMA version",
    "CALL pragma_version()",
    "CALL enable_logging('QueryLog', storage = 'file', storage_path = '{folder}/log')",
    "CHECKPOINT",
    "VACUUM",
    "ANALYZE",
    "BEGIN",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "COMMENT ON VIEW plays IS 'x'",
    "EXPLAIN CREATE TABLE x AS SELECT 1",
    "EXPLAIN ANALYZE PRAGMA version",
]

LOOKS_ELSEWHERE = [
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'file.parquet'",
    "SELECT * FROM '{plays}'",
    "SELECT * FROM 'https://example.org/x.parquet'",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_parquet('{plays}')",
    "SELECT * FROM parquet_scan('{plays}')",
    "SELECT * FROM parquet_metadata('{plays}')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM plays WHERE EXISTS (FROM read_text('/etc/passwd'))",
    "SELECT (SELECT count(*) FROM '/etc/passwd')",
    "FROM plays JOIN LATERAL (FROM '/etc/passwd') ON true",
    "WITH a AS (FROM '/etc/passwd') FROM a",
    'SELECT * FROM (WITH "/etc/passwd" AS (SELECT 1) FROM "/etc/passwd"), \'/etc/passwd\'',
    "DESCRIBE '/etc/passwd'",
    "SUMMARIZE '/etc/passwd'",
    "FROM query('SELECT 1')",
    "FROM query_table('plays')",
    "FROM query_table(['/etc/passwd'])",
    "FROM duckdb_settings()",
    "FROM duckdb_views()",
    "FROM duckdb_secrets()",
    "FROM duckdb_logs()",
    "FROM duckdb_columns",
    "FROM information_schema.tables",
    "FROM pg_catalog.pg_views",
    "FROM sqlite_master",
    "FROM memory.main.plays",
    "FROM enable_logging('QueryLog', storage = 'file', storage_path = '{folder}/log')",
    "FROM checkpoint()",
    "FROM pragma_version()",
    "FROM which_secret('/', 's3')",
    "FROM arrow_scan(1, 2, 3)",
    "FROM pandas_scan(1)",
    "FROM seq_scan('plays')",
    "FROM json_execute_serialized_sql('x')",
    "SELECT json_execute_serialized_sql('x')",
    "SHOW DATABASES",
    "SHOW VARIABLES",
    "SELECT getenv('HOME')",
    "SELECT current_setting('home_directory')",
    "SELECT pg_catalog.current_setting('temp_directory')",
    "SELECT list_transform(['threads'], lambda x: current_setting(x))",
    "SELECT getvariable('x')",
    "SELECT write_log('x')",
    "SELECT nextval('x')",
    "FROM snapshot",
    "FROM a_python_table",
]


@pytest.mark.parametrize("sql", [*WRITES, *LOOKS_ELSEWHERE])
def test_nothing_else_can_be_written_read_or_set(
    database: SnapshotDatabase, snapshot: Snapshot, tmp_path: Path, sql: str
) -> None:
    a_python_table = pa.table({"secret": [1]})  # a name that DuckDB would find in this frame
    plays = snapshot.files("plays")[0]
    before = (plays.stat().st_mtime_ns, plays.read_bytes())
    text = sql.format(folder=tmp_path, plays=str(plays).replace("'", "''"))
    with pytest.raises(QueryError) as refused:
        _rows(database, text)
    assert refused.value.message
    assert "\n" not in refused.value.message
    assert (plays.stat().st_mtime_ns, plays.read_bytes()) == before
    assert not list(tmp_path.iterdir())
    assert a_python_table.num_rows == 1
    assert _rows(database, "SELECT count(*) AS n FROM plays") == [{"n": 3}]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/never.csv'",
        "SET threads = 1",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH '/tmp/never.duckdb'",
    ],
)
def test_the_database_itself_is_locked_too(database: SnapshotDatabase, sql: str) -> None:
    with pytest.raises(QueryError):
        database.table(sql)


@pytest.mark.parametrize(
    ("sql", "said", "place"),
    [
        ("SELECT *\nFROM playz", "there is no table playz; did you mean plays", (2, 6)),
        ("SELECT playd_at FROM plays", "no column playd_at; did you mean played_at", (1, 8)),
        ("SELECT 'é', foo(1)", "there is no function foo", (1, 13)),
        ("SELECT a, FROM plays WHERE", "syntax error at end of input", (1, 27)),
        ("SELECT sum(user_id) FROM plays", "sum(VARCHAR)", (1, 8)),
        ("SELECT 'x'::INTEGER", "Could not convert string 'x'", (1, 11)),
        ("EXPLAIN SELECT 1 FROM trackz", "did you mean tracks", (1, 23)),
        ("SELECT * FROM read_csv('x')", "the function read_csv is refused", (1, 15)),
        ("SELECT * FROM 'x.csv'", "x.csv is a file", (1, 15)),
        ("", "there is no query", (None, None)),
        ("-- nothing", "there is no query", (None, None)),
        ("SELECT 1; SELECT 2", "these are 2 statements", (None, None)),
        ("DROP TABLE plays", "DROP is refused", (None, None)),
        ("PIVOT plays ON source USING count(*)", "IN (…)", (None, None)),
    ],
)
def test_a_fault_is_one_line_with_its_place(
    database: SnapshotDatabase, sql: str, said: str, place: tuple[int | None, int | None]
) -> None:
    with pytest.raises(QueryError) as refused:
        _rows(database, sql)
    assert said in refused.value.message
    assert "\n" not in str(refused.value)
    assert (refused.value.line, refused.value.column) == place


def test_a_query_without_end_is_stopped(database: SnapshotDatabase) -> None:
    began = time.monotonic()
    for endless in (
        "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b",
        "SELECT * FROM range(100000000000)",
    ):
        with pytest.raises(QueryError, match=r"longer than 0\.2 s"):
            _rows(database, endless, seconds=0.2)
    assert time.monotonic() - began < 20
    assert _rows(database, "SELECT 1 AS a") == [{"a": 1}]


def test_a_query_that_wants_too_much_memory_is_refused(database: SnapshotDatabase) -> None:
    with pytest.raises(QueryError, match="more memory"):
        _rows(database, "SELECT list(range) FROM range(1000000000)")


def test_a_snapshot_of_an_older_version_lacks_a_table(tmp_path: Path) -> None:
    older = published(tmp_path)
    older.files("albums")[0].unlink()
    with open_snapshot(older) as opened:
        assert "albums" not in opened.marts
        with pytest.raises(QueryError, match="has no albums: an older Segue made it"):
            _rows(opened, "FROM albums")


def test_a_damaged_mart_is_named(tmp_path: Path) -> None:
    damaged = published(tmp_path)
    damaged.files("albums")[0].write_bytes(b"not Parquet")
    with pytest.raises(QueryError, match="the mart albums cannot be read"), open_snapshot(damaged):
        pass


def test_columns_of_the_same_name_are_told_apart(snapshot: Snapshot) -> None:
    with ask(snapshot, "SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a") as rows:
        assert rows.read_all().to_pylist() == [{"a": 1, "a_2": 2, "a_2_2": 3, "a_3": 4}]


def test_every_kind_of_value_can_be_written(snapshot: Snapshot) -> None:
    query = (
        "SELECT TIMESTAMPTZ '2024-05-01 12:00:00+02' AS at, artists, energy, sum(1) AS n,"
        " 0.5::DECIMAL(3, 1) AS half, true AS yes, NULL AS nothing, 'a\"b,c' AS text"
        " FROM tracks GROUP BY ALL"
    )
    with ask(snapshot, query) as rows:
        out = io.StringIO()
        assert write_json(rows, out, types=type_words(rows.schema)) == 1
    told = json.loads(out.getvalue())
    assert told["rows"] == [
        {
            "at": "2024-05-01T10:00:00Z",
            "artists": ["A", "B"],
            "energy": None,
            "n": 1,
            "half": 0.5,
            "yes": True,
            "nothing": None,
            "text": 'a"b,c',
        }
    ]
    assert [column["type"] for column in told["columns"]][:4] == [
        "time",
        "list of text",
        "real",
        "integer",
    ]
    with ask(snapshot, query) as rows:
        out = io.StringIO()
        assert write_csv(rows, out) == 1
    assert out.getvalue().splitlines()[1] == (
        '2024-05-01T10:00:00Z,"[""A"", ""B""]",nan,1,0.5,true,,"a""b,c"'
    )


def test_a_limit_cuts_across_batches(snapshot: Snapshot) -> None:
    with ask(snapshot, "FROM range(25000)") as rows:
        assert limited(rows, 12_345).read_all().num_rows == 12_345
    with ask(snapshot, "FROM range(3)") as rows:
        assert limited(rows, 0).read_all().num_rows == 3


def test_tables_tell_what_their_columns_hold(snapshot: Snapshot) -> None:
    found = {table.name: table for table in tables(snapshot)}
    assert set(found) == set(MARTS)
    assert found["plays"].rows == 3
    for table in found.values():
        assert table.description.startswith("One row per ")
        assert all(column.description for column in table.columns), table.name
    with pytest.raises(QueryError, match="did you mean plays"):
        tables(snapshot, "play")
