"""`segue restore --merge`, and backups of lakes that are kept elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from segue.music.lake_tables import LAKE_TABLES, PLAYS
from segue.sources.base import Chunk
from segue.warehouse.lake import Lake
from tests.doors.home import Home
from tests.s3_server import S3Server
from tests.support import NOW, play_rows

pytestmark = pytest.mark.xdist_group("s3")


def rows_of(folder: Path) -> list[str]:
    """All rows of a lake in a folder, in one order."""
    lake = Lake(folder)
    tables = {name: lake.rows(name).drop_columns(["file_no"]).to_pylist() for name in LAKE_TABLES}
    return sorted(f"{name} {row}" for name, rows in tables.items() for row in rows)


def write_csv(path: Path, days: range) -> Path:
    lines = [f"Band,Album,Song {day},{day:02d} Jan 2024 10:00\n" for day in days]
    path.write_text("artist,album,track,date\n" + "".join(lines) + "Band,Album,,bad\n")
    return path


@pytest.fixture
def ann(tmp_path: Path) -> Home:
    """A home in which Ann listened for ten days."""
    home = Home(tmp_path / "ann")
    home("import", "--user", "ann", write_csv(tmp_path / "1.csv", range(1, 11))).ok()
    return home


def total(home: Home, *arguments: str | Path) -> Any:
    answer = home("restore", *arguments, "--merge", "--json").ok().json
    return {name: answer["total"][name] for name in ("read", "kept", "duplicate")}


def test_rows_that_are_there_count_once(ann: Home, world: Path, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other("import", "--user", "ann", write_csv(tmp_path / "2.csv", range(6, 16))).ok()
    other("import", "--user", "bob", tmp_path / "2.csv").ok()
    other("catalogue", "add", world / "catalogue.csv").ok()
    other("backup", tmp_path / "b.tar").ok()
    catalogue = len(Lake(other.folder / "lake").rows("catalogue"))
    assert total(ann, tmp_path / "b.tar") == {
        "read": 20 + catalogue,
        "kept": 15 + catalogue,
        "duplicate": 5,
    }
    every = set(rows_of(other.folder / "lake"))
    assert every < set(rows_of(ann.folder / "lake"))
    assert len(rows_of(ann.folder / "lake")) == len(every) + 5
    assert total(ann, tmp_path / "b.tar")["kept"] == 0
    said = ann("restore", tmp_path / "b.tar", "--merge").ok().out
    assert "0 were new" in said
    assert "2 rows that had been rejected" in said
    ann("restore", tmp_path / "b.tar", "--merge", "--replace").refused("both", code=2)


def test_rows_of_files_that_many_share_count_once(ann: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    lake = Lake(other.folder / "lake")
    crowd = [play_rows((1, "Band", "Song"), user_id=f"u{n}", source="app") for n in range(20)]
    for extra in ([], [play_rows((2, "Band", "Song"), user_id="u3", source="app")]):
        with lake.writing(), lake.begin("events", lake.folder, user_id="", name="events") as new:
            new.file("events", "events")
            new.stage("events", Chunk(PLAYS, pa.concat_tables([*crowd, *extra])))
            new.commit(NOW)
    assert "21 rows of at least 20 users in 2 files" in other("lake", "status").ok().out
    other("backup", tmp_path / "b.tar").ok()
    assert total(ann, tmp_path / "b.tar") == {"read": 21, "kept": 21, "duplicate": 0}
    assert set(rows_of(lake.folder)) < set(rows_of(ann.folder / "lake"))
    assert total(ann, tmp_path / "b.tar") == {"read": 21, "kept": 0, "duplicate": 21}
    other("restore", tmp_path / "b.tar", "--replace").ok()
    other("lake", "verify").ok()


def test_a_damaged_backup_adds_nothing(ann: Home, tmp_path: Path) -> None:
    ann("backup", tmp_path / "b.tar").ok()
    content = bytearray((tmp_path / "b.tar").read_bytes())
    content[-3000] ^= 1
    (tmp_path / "b.tar").write_bytes(bytes(content))
    empty = Home(tmp_path / "empty")
    empty("restore", tmp_path / "b.tar", "--merge").refused("damaged")
    assert rows_of(empty.folder / "lake") == []
    assert not (empty.folder / "lake" / "staging").exists()


def test_a_lake_on_s3_is_backed_up_merged_and_forgotten(
    ann: Home, s3: S3Server, tmp_path: Path
) -> None:
    bucket = s3.bucket("backed-up")
    cloud = Home(tmp_path / "cloud")
    there = {name: value for name, value in s3.environment().items() if name.startswith("AWS_")}
    there["SEGUE_LAKE"] = f"s3://{bucket}/segue"
    ann("backup", tmp_path / "ann.tar").ok()
    cloud("restore", tmp_path / "ann.tar", **there).refused("keep the lake at s3://", code=2)
    cloud("restore", tmp_path / "ann.tar", "--merge", **there).ok()
    cloud("import", "--user", "bob", tmp_path / "1.csv", **there).ok()
    cloud("backup", tmp_path / "cloud.tar", **there).ok()
    back = Home(tmp_path / "back")
    back("restore", tmp_path / "cloud.tar").ok()
    rows = rows_of(back.folder / "lake")
    assert len(rows) == 20
    assert set(rows_of(ann.folder / "lake")) < set(rows)

    cloud("build", **there).ok()
    told = cloud("forget", "--user", "ann", "--yes", "--json", **there).ok().json
    assert told["rows"] == [{"table": "plays", "source": "lastfm", "rows": 10}]
    client = s3.client()
    for name in s3.names(bucket):
        assert b"ann" not in client.get_object(Bucket=bucket, Key=name)["Body"].read(), name
    assert not [path for path in cloud.folder.rglob("*") if b"ann" in _content(path)]
    cloud("backup", tmp_path / "after.tar", **there).ok()
    again = Home(tmp_path / "again")
    again("restore", tmp_path / "after.tar").ok()
    assert rows_of(again.folder / "lake") == [row for row in rows if "'bob'" in row]


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def test_settings_that_keep_the_lake_elsewhere(ann: Home, tmp_path: Path) -> None:
    (ann.folder / "segue.toml").write_text(f'lake = "{tmp_path / "away"}"\n')
    ann("import", "--user", "ann", tmp_path / "1.csv").ok()
    ann("backup", tmp_path / "b.tar").ok()
    new = Home(tmp_path / "new")
    said = new("restore", tmp_path / "b.tar").ok().out
    assert f"keep the lake at {tmp_path / 'away'}" in said
    assert rows_of(new.folder / "lake") == rows_of(tmp_path / "away")
    ann("forget", "--user", "ann", "--yes").ok()  # from there, and from the folder in the home
    assert rows_of(tmp_path / "away") == rows_of(ann.folder / "lake") == []
