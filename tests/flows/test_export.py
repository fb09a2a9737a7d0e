"""What an export holds, whose it is, that it appears whole, and that it can be imported again."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.errors import ConfigError, SinkError, UnknownUserError
from segue.flows.export import ExportReport, export
from segue.music import columns as c
from segue.music.lake_tables import PLAYS
from segue.progress import Silent
from segue.sources.base import Chunk
from segue.warehouse.export_sql import Format
from segue.warehouse.lake import Lake
from segue.warehouse.snapshots import Snapshot
from tests.listening_home import history, play
from tests.support import play_rows

NOW = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return history(
        tmp_path / "it's [home]",
        play("2024-05-01 10:00", "t1"),
        play("2024-05-01 11:00:00.123456", "t2", ms=None),
        play("2024-05-02 11:00", "t3", user="bob"),
    )


def _export(snapshot: Snapshot, folder: Path, kind: Format = "csv", **options: Any) -> ExportReport:
    lake = Lake(snapshot.folder.parent / "lake")
    return export(snapshot, lake, folder, kind=kind, now=NOW, progress=Silent(), **options)


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_table_is_there_with_rows_and_checksums(snapshot: Snapshot, tmp_path: Path) -> None:
    for kind in ("parquet", "csv", "jsonl"):
        folder = tmp_path / kind
        report = _export(snapshot, folder, kind)
        manifest = json.loads((folder / "manifest.json").read_bytes())
        assert manifest["format"] == kind
        assert manifest["snapshot"] == snapshot.name
        files = {path.name for path in folder.iterdir()}
        assert files == {"manifest.json", "README.md", *(table.file for table in report.tables)}
        for table in manifest["tables"]:
            content = (folder / table["file"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == table["sha256"]
            assert len(content) == table["bytes"]
            assert table["rows"] == snapshot.rows(table["name"])
            assert all(column["description"] for column in table["columns"]), table["name"]
        assert folder.stat().st_mode & 0o777 == 0o700
        assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_parquet_holds_the_very_table(snapshot: Snapshot, tmp_path: Path) -> None:
    _export(snapshot, tmp_path / "out", "parquet")
    written = pq.read_table(tmp_path / "out" / "plays.parquet")
    assert written.cast(snapshot.read("plays").schema).equals(snapshot.read("plays"))


def test_csv_and_json_tell_times_lists_and_nulls(snapshot: Snapshot, tmp_path: Path) -> None:
    _export(snapshot, tmp_path / "csv", "csv")
    plays = _csv(tmp_path / "csv" / "plays.csv")
    assert plays[1]["played_at"] == "2024-05-01T11:00:00.123456Z"
    assert plays[1]["ms_played"] == ""
    assert plays[0]["counted"] == "true"
    tracks = _csv(tmp_path / "csv" / "tracks.csv")
    assert json.loads(tracks[1]["genres"]) == ["folk", "pop"]
    _export(snapshot, tmp_path / "jsonl", "jsonl")
    lines = (tmp_path / "jsonl" / "tracks.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[1])["genres"] == ["folk", "pop"]
    assert json.loads(lines[3])["energy"] is None


def test_csv_comes_back_as_it_was(snapshot: Snapshot, tmp_path: Path) -> None:
    _export(snapshot, tmp_path / "out", "csv")
    for name in ("plays", "tracks", "users"):
        before = snapshot.read(name)
        kinds = {
            field.name: "TIMESTAMPTZ"
            if pa.types.is_timestamp(field.type)
            else "VARCHAR[]"
            if pa.types.is_list(field.type)
            else {
                "string": "VARCHAR",
                "int64": "BIGINT",
                "int32": "INTEGER",
                "double": "DOUBLE",
            }.get(str(field.type), "BOOLEAN")
            for field in before.schema
        }
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            after = connection.execute(
                f"FROM read_csv(?, header = true, columns = {kinds})",
                [str(tmp_path / "out" / f"{name}.csv")],
            ).to_arrow_table()
        assert after.cast(before.schema).to_pylist() == before.to_pylist()


def test_one_persons_share_tells_nothing_of_others(snapshot: Snapshot, tmp_path: Path) -> None:
    report = _export(snapshot, tmp_path / "out", user_id="ann")
    assert {row["user_id"] for row in _csv(tmp_path / "out" / "plays.csv")} == {"ann"}
    tracks = {row["track_id"]: row["plays"] for row in _csv(tmp_path / "out" / "tracks.csv")}
    assert tracks == {"t1": "0", "t2": "0"}  # 99 plays by all users; her counts are not given here
    assert {row["artist"] for row in _csv(tmp_path / "out" / "artists.csv")} == {"Ann"}
    assert {row["album"] for row in _csv(tmp_path / "out" / "albums.csv")} == {"Colours"}
    of_everybody = {"album_features", "artist_features", "track_features"}
    of_crowds = {"crowd_counts", "crowd_sessions", "track_matches"}
    assert set(report.left_out) == of_crowds | of_everybody
    everything = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert b"bob" not in everything.lower()
    with pytest.raises(UnknownUserError):
        _export(snapshot, tmp_path / "eve", user_id="eve")


def test_a_folder_in_use_is_left_alone(snapshot: Snapshot, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()  # an empty one will do
    _export(snapshot, folder)
    with pytest.raises(SinkError, match="holds an export already"):
        _export(snapshot, folder)
    _export(snapshot, folder, "jsonl", names=["users"], replace=True)
    assert {path.name for path in folder.iterdir()} == {"README.md", "manifest.json", "users.jsonl"}
    (folder / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SinkError, match="holds other files"):
        _export(snapshot, folder, replace=True)
    assert (folder / "thesis.txt").read_text(encoding="utf-8") == "mine"
    with pytest.raises(SinkError, match="is no folder"):
        _export(snapshot, folder / "thesis.txt", replace=True)


def test_what_fails_leaves_nothing_behind(snapshot: Snapshot, tmp_path: Path) -> None:
    snapshot.files("tracks")[0].write_bytes(b"not Parquet")
    with pytest.raises(Exception, match="tracks"):
        _export(snapshot, tmp_path / "out")
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


def test_what_a_killed_export_left_is_swept(snapshot: Snapshot, tmp_path: Path) -> None:
    (tmp_path / ".out.unfinished-999999999").mkdir()
    _export(snapshot, tmp_path / "out")
    assert not list(tmp_path.glob(".out*"))


def test_only_some_tables(snapshot: Snapshot, tmp_path: Path) -> None:
    report = _export(snapshot, tmp_path / "out", names=["users", "plays"])
    assert {table.name for table in report.tables} == {"users", "plays"}
    with pytest.raises(ConfigError, match="did you mean plays"):
        _export(snapshot, tmp_path / "more", names=["play"])


def test_raw_rows_come_too(snapshot: Snapshot, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    rows = play_rows((0, "Ann", "One"), (5, "Bob", "Two"))
    with lake.writing(), lake.begin("history", Path("x"), user_id="ann", name="") as begun:
        begun.file("x", "list")
        begun.stage("x", Chunk(PLAYS, rows))
        begun.commit(NOW)
    export(snapshot, lake, tmp_path / "out", kind="parquet", now=NOW, progress=Silent(), raw=True)
    written = pq.read_table(tmp_path / "out" / "raw" / "plays.parquet")
    assert written.cast(PLAYS.schema).sort_by(c.PLAYED_AT).equals(rows.sort_by(c.PLAYED_AT))
