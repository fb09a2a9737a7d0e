"""The lake: what goes in comes out once, in order, with its account."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.errors import WarehouseError
from segue.music import columns as c
from segue.music.account import Account
from segue.music.lake_tables import CATALOGUE, LIBRARY, PLAYS
from segue.sources.base import Chunk
from segue.warehouse.intact import require_intact
from segue.warehouse.lake import Commit, Lake
from tests.older_lake import made_of_old
from tests.support import NOW, lake_rows, play_rows, reject_rows

ONE, TWO, THREE = (0, "Ann", "One"), (5, "Bob", "Two"), (9, "Cat", "Three")


def put(
    lake: Lake, files: dict[str, list[Chunk]], *, user_id: str = "ann", drop: str = ""
) -> Commit:
    with (
        lake.writing(),
        lake.begin("history", Path("/in/a.zip"), user_id=user_id, name="") as new,
    ):
        for name, chunks in files.items():
            new.file(name, "list")
            for chunk in chunks:
                new.stage(name, chunk)
        if drop:
            new.drop(drop)
        return new.commit(NOW, ignored=("ReadMe.pdf",))


def rows_of(lake: Lake, table: str = "plays") -> pa.Table:
    return pa.concat_tables(pq.ParquetFile(file.path).read() for file in lake.files(table))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "home" / "lake", threads=2)


def test_an_empty_lake(lake: Lake) -> None:
    assert lake.commits() == ()
    assert lake.files("plays") == ()
    assert not lake.folder.exists()


def test_rows_come_back_as_they_were(lake: Lake) -> None:
    rows = play_rows(ONE, TWO, THREE)
    commit = put(lake, {"a.json": [Chunk(PLAYS, rows)]})
    (file,) = lake.files("plays")
    stored = pq.ParquetFile(file.path).read()
    assert stored.schema.names == [c.ROW_ID, *PLAYS.schema.names]
    assert stored.schema.field(0).type == pa.int64()
    assert stored.drop_columns([c.ROW_ID]).equals(rows)
    assert (file.table, file.rows, file.partition, file.user_id) == ("plays", 3, "list", "ann")
    assert file.commit_id == commit.commit_id
    assert file.path.is_absolute()
    assert file.path.parent == lake.folder / "plays" / "source=list" / "year=2024"
    compression = pq.ParquetFile(file.path).metadata.row_group(0).column(0).compression
    assert compression == "ZSTD"
    assert not (lake.folder / "staging").exists()


def test_duckdb_reads_the_files(lake: Lake) -> None:
    put(lake, {"a.json": [Chunk(PLAYS, play_rows(ONE, TWO))]})
    paths = [str(file.path) for file in lake.files("plays")]
    with duckdb.connect() as connection:
        query = "SELECT artist, artists[1], ms_played FROM read_parquet($paths) ORDER BY played_at"
        found = connection.execute(query, {"paths": paths}).fetchall()
    assert found == [("Ann", "Ann", 180_000), ("Bob", "Bob", 180_000)]


def test_the_manifest_tells_everything(lake: Lake) -> None:
    rejects = reject_rows(("a.json", 2, "podcast"), ("a.json", 7, "podcast"))
    commit = put(lake, {"a.json": [Chunk(PLAYS, play_rows(ONE, TWO), rejects)], "empty.json": []})
    assert lake.commits() == (commit,)
    assert commit.made_at == NOW
    assert commit.kind == "history"
    assert commit.input == Path("/in/a.zip")
    assert commit.user_id == "ann"
    assert commit.ignored == ("ReadMe.pdf",)
    assert [entry.file for entry in commit.accounts] == ["a.json", "empty.json"]
    assert commit.total == Account(read=4, kept=2, rejected={"podcast": 2})
    (kept,) = commit.rejects
    assert pq.ParquetFile(kept.path).read().equals(rejects)
    manifest = json.loads((lake.folder / "commits" / "00000001.json").read_text())
    assert manifest["input"] == {"path": "/in/a.zip", "name": "a.zip"}
    assert manifest["total"] == {"read": 4, "kept": 2, "duplicate": 0, "rejected": {"podcast": 2}}


def test_the_lake_may_be_moved(lake: Lake, tmp_path: Path) -> None:
    put(lake, {"a.json": [Chunk(PLAYS, play_rows(ONE))]})
    moved = Lake(lake.folder.rename(tmp_path / "elsewhere"))
    assert rows_of(moved).num_rows == 1


def test_duplicates_within_an_import(lake: Lake) -> None:
    commit = put(
        lake,
        {
            "a.json": [Chunk(PLAYS, play_rows(ONE, TWO, ONE))],
            "b.json": [Chunk(PLAYS, play_rows(TWO)), Chunk(PLAYS, play_rows(THREE))],
        },
    )
    first, second = (entry.account for entry in commit.accounts)
    assert first == Account(read=3, kept=2, duplicate=1)
    assert second == Account(read=2, kept=1, duplicate=1)
    assert rows_of(lake)[c.TITLE].to_pylist() == ["One", "Two", "Three"]


def test_the_same_import_again_keeps_nothing_and_says_so(lake: Lake) -> None:
    files = {"a.json": [Chunk(PLAYS, play_rows(ONE, TWO))]}
    put(lake, files)
    again = put(lake, files)
    assert again.total == Account(read=2, duplicate=2)
    assert again.files == ()
    assert len(lake.commits()) == 2
    assert rows_of(lake).num_rows == 2


def test_a_later_import_adds_what_is_new(lake: Lake) -> None:
    put(lake, {"a.json": [Chunk(PLAYS, play_rows(ONE, TWO))]})
    later = put(lake, {"a.json": [Chunk(PLAYS, play_rows(TWO, THREE))]})
    assert later.total == Account(read=2, kept=1, duplicate=1)
    assert rows_of(lake)[c.TITLE].to_pylist() == ["One", "Two", "Three"]
    assert [file.commit_id for file in lake.files("plays")] == sorted(
        commit.commit_id for commit in lake.commits()
    )


def test_users_sources_and_tables_are_kept_apart(lake: Lake) -> None:
    put(lake, {"a.json": [Chunk(PLAYS, play_rows(ONE))]})
    ben = put(lake, {"a.json": [Chunk(PLAYS, play_rows(ONE, user_id="ben"))]}, user_id="ben")
    other = put(lake, {"a.json": [Chunk(PLAYS, play_rows(ONE, source="other"))]})
    saved = {c.USER_ID: "ann", c.SOURCE: "list", c.KIND: "saved_track", c.TRACK_REF: "name:x"}
    library = put(lake, {"a.json": [Chunk(LIBRARY, lake_rows(LIBRARY, saved))]})
    assert [commit.total.kept for commit in (ben, other, library)] == [1, 1, 1]
    assert [file.user_id for file in lake.files("plays")] == ["ann", "ben", "ann"]
    assert [file.partition for file in lake.files("plays")] == ["list", "list", "other"]


def test_a_chunk_of_several_partitions_and_users(lake: Lake) -> None:
    mixed = pa.concat_tables(
        [play_rows(ONE), play_rows(TWO, source="other"), play_rows(THREE, user_id="ben")]
    )
    commit = put(lake, {"a.json": [Chunk(PLAYS, mixed)]})
    assert commit.total == Account(read=3, kept=3)
    assert {(f.partition, f.user_id, f.rows) for f in commit.files} == {
        ("list", "ann", 1),
        ("other", "ann", 1),
        ("list", "ben", 1),
    }


@pytest.mark.parametrize("name", ["..", "a/b", "Käse & Brot", "x" * 300, "%2e", "a=b"])
def test_any_name_of_a_catalogue(lake: Lake, name: str) -> None:
    rows = lake_rows(CATALOGUE, {c.CATALOGUE: name, c.TRACK_REF: "name:x", c.GENRES: ["pop"]})
    put(lake, {"a.csv": [Chunk(CATALOGUE, rows)]})
    (file,) = lake.files("catalogue")
    assert file.partition == name
    assert file.path.parent.parent == lake.folder / "catalogue"
    assert rows_of(lake, "catalogue").drop_columns([c.ROW_ID]).equals(rows)
    assert put(lake, {"a.csv": [Chunk(CATALOGUE, rows)]}).total == Account(read=1, duplicate=1)


def test_a_dropped_file_leaves_no_trace(lake: Lake) -> None:
    rejects = [reject_rows(("bad.json", 1, "podcast")), reject_rows(("good.json", 1, "podcast"))]
    commit = put(
        lake,
        {
            "bad.json": [Chunk(PLAYS, play_rows(ONE, TWO), rejects[0])],
            "good.json": [Chunk(PLAYS, play_rows(TWO, THREE), rejects[1])],
        },
        drop="bad.json",
    )
    assert commit.broken == ("bad.json",)
    assert commit.total == Account(read=3, kept=2, rejected={"podcast": 1})
    assert rows_of(lake)[c.TITLE].to_pylist() == ["Two", "Three"]
    (kept,) = commit.rejects
    assert pq.ParquetFile(kept.path).read().equals(rejects[1])


def test_many_parts_with_duplicates_across_them(lake: Lake) -> None:
    rows = play_rows(*[(minute, "Ann", "One") for minute in range(3000)])
    many = pa.concat_tables([rows] * 200)  # 600,000 rows: three parts
    commit = put(lake, {"a.json": [Chunk(PLAYS, many)], "b.json": [Chunk(PLAYS, rows)]})
    assert commit.total == Account(read=603_000, kept=3000, duplicate=600_000)
    assert rows_of(lake).drop_columns([c.ROW_ID]).equals(rows)


def test_an_import_that_is_not_committed_leaves_nothing(lake: Lake) -> None:
    with lake.writing(), lake.begin("history", Path("a"), user_id="ann", name="") as new:
        new.file("a.json", "list")
        new.stage("a.json", Chunk(PLAYS, play_rows(ONE)))
    assert lake.commits() == ()
    assert [path.name for path in lake.folder.rglob("*") if path.is_file()] == ["lock"]


@pytest.mark.parametrize("step", ["staged", "deduplicated", "move", "moved", "before manifest"])
def test_an_exception_at_any_step_rolls_back(lake: Lake, step: str) -> None:
    put(lake, {"a.json": [Chunk(PLAYS, play_rows(ONE))]})
    before = {path: path.read_bytes() for path in lake.folder.rglob("*.*") if path.is_file()}

    def fail(name: str) -> None:
        if name == step:
            raise RuntimeError("now")

    with pytest.raises(RuntimeError, match="now"):
        put(Lake(lake.folder, on_step=fail), {"b.json": [Chunk(PLAYS, play_rows(TWO, THREE))]})
    after = {path: path.read_bytes() for path in lake.folder.rglob("*.*") if path.is_file()}
    assert after == before


def test_writing_is_needed_to_begin(lake: Lake) -> None:
    with pytest.raises(WarehouseError, match="outside"):
        lake.begin("history", Path("a"), user_id="ann", name="")


def test_a_damaged_manifest_is_named_and_nothing_is_swept(lake: Lake) -> None:
    commit = put(lake, {"a.json": [Chunk(PLAYS, play_rows(ONE))]})
    manifest = lake.folder / "commits" / "00000001.json"
    manifest.write_text('{"version": 1')
    with pytest.raises(WarehouseError, match=manifest.name), lake.writing():
        pass
    assert commit.files[0].path.exists()


def test_a_missing_lake_file_is_named(lake: Lake) -> None:
    commit = put(lake, {"a.json": [Chunk(PLAYS, play_rows(ONE))]})
    commit.files[0].path.unlink()
    with pytest.raises(WarehouseError, match="missing or damaged"):
        put(lake, {"a.json": [Chunk(PLAYS, play_rows(ONE))]})
    assert len(lake.commits()) == 1


def test_one_flipped_bit_of_a_lake_file_is_noticed(lake: Lake) -> None:
    commit = put(
        lake, {"a.json": [Chunk(PLAYS, play_rows(ONE, TWO)), Chunk(PLAYS, play_rows(ONE))]}
    )
    (file,) = commit.files
    assert (file,) == lake.files("plays")
    require_intact(file)
    content = bytearray(file.path.read_bytes())
    content[len(content) // 2] ^= 1
    file.path.write_bytes(content)
    with pytest.raises(WarehouseError, match="has changed since it was written"):
        require_intact(file)
    require_intact(replace(file, crc32=None))  # a manifest that does not tell
    file.path.unlink()
    with pytest.raises(WarehouseError, match="is gone"):
        require_intact(file)


def test_the_sweep_takes_only_what_killed_imports_left(lake: Lake) -> None:
    commit = put(lake, {"a.json": [Chunk(PLAYS, play_rows(ONE))]})
    folder = commit.files[0].path.parent
    left = folder / "20260101T000000Z-0123456789abcdef-1.parquet"
    older = folder / "00000002-20260101T000000Z-1.parquet"
    foreign = folder / "mine.parquet"
    staged = lake.folder / "staging" / "00000002" / "1.parquet"
    draft = lake.folder / "commits" / ".00000002.json.draft"
    staged.parent.mkdir(parents=True)
    for path in (left, older, foreign, staged, draft):
        path.touch()
    with lake.writing():
        assert not left.exists()
        assert not older.exists()
        assert not staged.exists()
        assert not draft.exists()
        assert foreign.exists()
        assert commit.files[0].path.exists()


def test_a_lake_of_the_first_version_goes_on(lake: Lake) -> None:
    for play in (ONE, TWO):
        put(lake, {"a.json": [Chunk(PLAYS, play_rows(play))]})
    made_of_old(lake)
    older = Lake(lake.folder)
    with older.writing():
        assert [file.path.exists() for file in older.files("plays")] == [True, True]
    later = put(older, {"a.json": [Chunk(PLAYS, play_rows(TWO, THREE))]})
    assert later.total == Account(read=2, kept=1, duplicate=1)
    assert [commit.number for commit in older.commits()] == [1, 2, 3]
    pieces = [piece for file in older.files("plays") for piece in file.pieces]
    assert [piece.place for piece in pieces] == [1_000_001, 2_000_001, 3_000_001]
    assert older.compact(NOW).merged == 2  # those without a year stay apart from those with one
    assert older.verify() == ()
    again = put(older, {"a.json": [Chunk(PLAYS, play_rows(ONE, TWO, THREE))]})
    assert again.total == Account(read=3, duplicate=3)
    assert older.rows("plays")[c.TITLE].to_pylist() == ["One", "Two", "Three"]
    status = older.status(NOW)
    assert status.shares[0].bytes == sum(file.path.stat().st_size for file in older.files("plays"))
