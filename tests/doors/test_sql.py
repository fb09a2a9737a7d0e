"""`segue sql` as it is typed: where the query comes from, and where the rows go."""

from __future__ import annotations

import csv
import io
import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pyarrow as pa
import pytest

from segue.music.marts import MARTS
from tests.doors.home import Home
from tests.marts_folder import published


@pytest.fixture
def asked(home: Home) -> Home:
    """A home whose snapshot has two users and nothing else."""
    rows = [
        {**dict.fromkeys(MARTS["users"].names), "user_id": name, "plays": plays}
        for name, plays in (("ann", 3), ("bob", 1200))
    ]
    published(home.folder / "snapshots", users=pa.Table.from_pylist(rows, MARTS["users"]))
    return home


def test_rows_come_as_a_table_json_or_csv(asked: Home) -> None:
    query = "SELECT user_id, plays FROM users ORDER BY plays"
    said = asked("sql", query).ok().out
    assert [line.split() for line in said.splitlines()][2:4] == [["ann", "3"], ["bob", "1200"]]
    assert "2 rows" in said
    told = asked("sql", query, "--json").ok().json
    assert told["rows"][0] == {"user_id": "ann", "plays": 3}
    assert told["columns"] == [
        {"name": "user_id", "type": "text"},
        {"name": "plays", "type": "integer"},
    ]
    written = asked("sql", query, "--csv", "--limit", "1").ok().out
    assert list(csv.reader(io.StringIO(written))) == [["user_id", "plays"], ["ann", "3"]]


def test_a_table_says_that_there_is_more(asked: Home) -> None:
    said = asked("sql", "FROM range(60)").ok().out
    assert "50 rows; there are more" in said
    assert "60 rows" in asked("sql", "FROM range(60)", "--limit", "0").ok().out


def test_the_query_may_come_from_a_file_or_a_pipe(asked: Home, tmp_path: Path) -> None:
    file = tmp_path / "query.sql"
    file.write_text("SELECT count(*) AS n FROM users", encoding="utf-8")
    assert asked("sql", "-f", file, "--json").ok().json["rows"] == [{"n": 2}]
    piped = subprocess.run(
        asked.command("sql", "--csv"),
        input="FROM users SELECT user_id",
        capture_output=True,
        text=True,
        env=asked.environment(),
        check=True,
    )
    assert piped.stdout == "user_id\nann\nbob\n"
    asked("sql", "SELECT 1", "-f", file).refused("a query and --file are given", code=2)
    asked("sql", "-f", tmp_path / "none.sql").refused("none.sql cannot be read", code=2)


def test_a_file_is_written_whole_or_not_at_all(asked: Home, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    assert "2 rows written" in asked("sql", "FROM users", "-o", file).ok().out
    before = file.read_bytes()
    asked("sql", "SELECT error('stop') FROM users", "-o", file).refused("stop")
    assert file.read_bytes() == before
    assert [path for path in tmp_path.iterdir() if path.is_file()] == [file]
    asked("sql", "FROM users", "-o", tmp_path / "rows.txt").refused("which format", code=2)


def test_tables_and_columns_are_told(asked: Home) -> None:
    said = asked("sql", "--tables").ok().out
    assert "One row per play of a track by a user" in said
    told = asked("sql", "--describe", "users", "--json").ok().json["tables"][0]
    assert told["columns"][0] == {"name": "user_id", "type": "VARCHAR", "description": "Who."}
    assert "When it was said." in asked("sql", "--describe", "feedback").ok().out


def test_refusals_are_one_line_and_exit_one(asked: Home) -> None:
    asked("sql", "SELECT * FROM playz").refused("no table playz; did you mean plays (line 1,")
    asked("sql", "DROP TABLE plays").refused("DROP is refused")
    asked("sql", "--json", "--csv", "SELECT 1").refused("--json and --csv", code=2)
    asked("sql", "SELECT 1", "--timeout", "5").ok()
    told = asked("sql", "SELECT * FROM playz", "--json")
    assert told.json["error"]["kind"] == "QueryError"


def test_without_a_build_the_next_command_is_named(home: Home) -> None:
    home("sql", "SELECT 1").refused("nothing has been built yet", "segue build")


def test_on_a_terminal_without_a_query_an_example_is_given(asked: Home) -> None:
    master, slave = pty.openpty()
    done = subprocess.run(
        asked.command("sql"),
        stdin=slave,
        capture_output=True,
        text=True,
        env=asked.environment(),
        timeout=60,
    )
    os.close(master)
    os.close(slave)
    assert done.returncode == 2
    assert "segue sql --tables" in done.stderr


def test_ctrl_c_stops_a_query_without_end(asked: Home) -> None:
    endless = "SELECT sum(a.range * b.range) FROM range(100000000) a, range(100000000) b"
    running = subprocess.Popen(
        asked.command("sql", endless),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=asked.environment(SEGUE_THREADS="1"),
    )
    time.sleep(1.5)
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert time.monotonic() - began < 10
    assert "interrupted" in said
    assert "Traceback" not in said
