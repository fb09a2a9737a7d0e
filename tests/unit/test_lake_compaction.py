"""Putting small files together: nothing is lost, doubled, reordered or loaded again by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import BusyError, WarehouseError
from segue.flows.compact import compact_if_due
from segue.music import columns as c
from segue.music.account import Account
from segue.music.lake_tables import LIBRARY, PLAYS
from segue.progress import Silent
from segue.sources.base import Chunk
from segue.warehouse.lake import Commit, Lake
from segue.warehouse.lake_s3 import LakeS3, S3Options, S3Place
from segue.warehouse.loading import plan_load
from tests.s3_server import S3Server
from tests.support import NOW, lake_rows, play_rows

YEAR = 366 * 24 * 60  # minutes of 2024
LATER = NOW + timedelta(hours=25)


@dataclass
class Place:
    """Where a lake is, opened as often as a test likes."""

    open: Callable[[], Lake]

    @property
    def lake(self) -> Lake:
        return self.open()


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "folder":
        yield Place(lambda: Lake(tmp_path / "lake", threads=2))
        return
    server: S3Server = request.getfixturevalue("s3")
    where = S3Place(request.getfixturevalue("bucket"), "lake")
    options = S3Options(endpoint_url=server.url)
    yield Place(lambda: Lake(LakeS3(where, options, folder=tmp_path / "cache"), threads=2))


def put(
    lake: Lake, *plays: tuple[int, str, str], user: str = "ann", source: str = "list"
) -> Commit:
    with lake.writing(), lake.begin("history", Path("/in/a"), user_id=user, name="") as new:
        new.file("a.json", "list")
        new.stage("a.json", Chunk(PLAYS, play_rows(*plays, user_id=user, source=source)))
        return new.commit(NOW)


def song(number: int, at: int = 0) -> tuple[int, str, str]:
    return (at or number, "Ann", f"Song {number}")


def titles(lake: Lake) -> list[str]:
    """In the order of their imports."""
    told: list[str] = lake.rows("plays", [c.TITLE])[c.TITLE].to_pylist()
    return told


def pieces(lake: Lake) -> list[tuple[str, int, int]]:
    found = [piece for file in lake.files("plays") for piece in file.pieces]
    return sorted((piece.name, piece.place, piece.rows) for piece in found)


def test_small_files_become_one_and_nothing_is_loaded_again(place: Place) -> None:
    for number in range(1, 6):
        put(place.lake, song(number), song(100 + number))
    loaded, before = pieces(place.lake), titles(place.lake)
    report = place.lake.compact(NOW)
    assert (report.merged, report.made, report.rows, report.removed) == (5, 1, 10, 0)
    lake = place.lake
    (file,) = lake.files("plays")
    assert (file.rows, len(file.pieces), file.year) == (10, 5, "2024")
    assert pieces(lake) == loaded
    assert titles(lake) == before
    assert plan_load(loaded, lake.files("plays")).loads == ()
    (half,) = plan_load(loaded[:2], lake.files("plays")).loads
    assert half.rows == 6
    assert lake.verify() == ()
    assert lake.compact(NOW).merged == 0  # one small file is no reason
    assert put(lake, song(3), song(6)).total == Account(read=2, kept=1, duplicate=1)
    assert place.lake.compact(NOW).rows == 11
    assert titles(place.lake) == [*before, "Song 6"]
    assert pieces(place.lake)[:5] == loaded or set(loaded) < set(pieces(place.lake))


def test_users_sources_tables_and_years_stay_apart(place: Place) -> None:
    lake = place.lake
    for number in range(2):
        put(lake, song(number), song(number, at=YEAR + number))
        put(lake, song(number), user="ben")
        put(lake, song(number), source="other")
        saved = {c.USER_ID: "ann", c.SOURCE: "list", c.KIND: "saved_track"}
        row = lake_rows(LIBRARY, saved | {c.TRACK_REF: f"name:{number}"})
        with lake.writing(), lake.begin("history", Path("a"), user_id="ann", name="") as new:
            new.file("l.json", "list")
            new.stage("l.json", Chunk(LIBRARY, row))
            new.commit(NOW)
    report = lake.compact(NOW)
    assert (report.merged, report.made) == (10, 5)
    assert {(f.table, f.partition, f.user_id, f.year, f.rows) for f in lake.state().files} == {
        ("plays", "list", "ann", "2024", 2),
        ("plays", "list", "ann", "2025", 2),
        ("plays", "list", "ben", "2024", 2),
        ("plays", "other", "ann", "2024", 2),
        ("library", "list", "ann", "", 2),
    }
    shares = {(one.table, one.partition): one for one in lake.status(NOW).shares}
    assert shares["plays", "list"].users == 2
    assert (shares["plays", "list"].files, shares["plays", "list"].pieces) == (3, 6)


def test_what_was_replaced_stays_for_those_who_read_it(place: Place) -> None:
    for number in range(3):
        put(place.lake, song(number))
    reading = place.lake.files("plays")
    place.lake.compact(NOW)
    assert [pq.ParquetFile(file.path).metadata.num_rows for file in reading] == [1, 1, 1]
    status = place.lake.status(NOW)
    assert (status.replaced[0], status.orphans[0], status.removable) == (3, 0, 0)
    assert place.lake.status(LATER).removable == 3
    with place.lake.writing():  # an import does not take them away
        pass
    assert place.lake.status(LATER).removable == 3
    report = place.lake.compact(LATER)
    assert report.removed == 3
    assert report.removed_bytes > 0
    assert place.lake.status(LATER).replaced == (0, 0)
    assert len(titles(place.lake)) == 3
    assert place.lake.verify() == ()


STEPS = ["merged", "move", "moved", "before manifest", "manifest"]


@pytest.mark.parametrize("step", STEPS)
def test_stopped_at_any_step(place: Place, step: str) -> None:
    for number in range(3):
        put(place.lake, song(number))
    loaded, before = pieces(place.lake), titles(place.lake)

    def stop(name: str) -> None:
        if name == step:
            raise RuntimeError("now")

    lake = place.lake
    lake.on_step = stop
    with pytest.raises(RuntimeError, match="now"):
        lake.compact(NOW)
    assert titles(place.lake) == before
    assert pieces(place.lake) == loaded
    assert place.lake.verify() == ()
    lake = place.lake
    assert lake.compact(NOW).merged == (0 if step == "manifest" else 3)
    assert titles(lake) == before
    assert len(lake.files("plays")) == 1


def test_an_import_and_a_compaction_meanwhile(bucket: str, s3: S3Server, tmp_path: Path) -> None:
    def opened(name: str) -> Lake:
        options = S3Options(endpoint_url=s3.url)
        return Lake(LakeS3(S3Place(bucket, "lake"), options, folder=tmp_path / name), threads=2)

    for number in range(3):
        put(opened("a"), song(number))
    lake = opened("b")
    met: list[int] = []

    def meet(name: str) -> None:
        if name == "before manifest" and not met:
            put(opened("c"), song(2), song(3))
            met.append(opened("d").compact(NOW).rows)

    lake.on_step = meet
    assert lake.compact(NOW).merged == 0  # the other one was faster
    assert met == [4]
    assert titles(opened("e")) == [f"Song {number}" for number in range(4)]
    assert opened("e").status(NOW).orphans == (0, 0)
    collector = opened("f")
    met.clear()

    def meet_again(name: str) -> None:
        if name == "before manifest" and not met:
            put(opened("g"), song(4), song(5))
            met.append(opened("h").compact(NOW).rows)

    collector.on_step = meet_again
    assert put(collector, song(5), song(6)).total == Account(read=2, kept=1, duplicate=1)
    assert titles(opened("i")) == [f"Song {number}" for number in range(7)]
    assert opened("i").verify() == ()


def test_one_writer_at_a_time_in_a_folder(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    for number in range(2):
        put(lake, song(number))
    with lake.writing():
        with pytest.raises(BusyError):
            Lake(tmp_path).compact(NOW)
        report = compact_if_due(Lake(tmp_path), at_least=2, progress=Silent(), now=NOW)
        assert report is None
    assert compact_if_due(lake, at_least=3, progress=Silent(), now=NOW) is None
    assert compact_if_due(lake, at_least=0, progress=Silent(), now=NOW) is None
    report = compact_if_due(lake, at_least=2, progress=Silent(), now=NOW)
    assert report is not None
    assert report.merged == 2


def test_a_damaged_file_is_not_put_together(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    for number in range(2):
        put(lake, song(number))
    first = lake.files("plays")[0].path
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    first.write_bytes(content)
    with pytest.raises(WarehouseError, match="has changed"):
        lake.compact(NOW)
    assert len(lake.commits()) == 2
    assert len(lake.files("plays")) == 2
    (fault,) = lake.verify()
    assert fault.file == lake.files("plays")[0].name
    first.unlink()
    (tmp_path / "commits" / "00000001.json").unlink()
    assert [one.what for one in lake.verify()] == ["the manifest is gone"]


def test_a_file_from_before_a_column_was_added(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, song(1))
    put(lake, song(2))
    older = lake.files("plays")[0]
    pq.write_table(pq.ParquetFile(older.path).read().drop_columns([c.OFFLINE_AT]), older.path)
    manifest = tmp_path / "commits" / "00000001.json"
    manifest.write_text(manifest.read_text().replace(str(older.crc32), "null"))
    lake.compact(NOW)
    assert lake.rows("plays")[c.OFFLINE_AT].to_pylist() == [None, None]
    assert titles(lake) == ["Song 1", "Song 2"]


@settings(max_examples=15)
@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=6), min_size=2, max_size=6))
def test_any_imports_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, imports: list[list[int]]
) -> None:
    plain = Lake(tmp_path_factory.mktemp("plain"), threads=1)
    tidy = Lake(tmp_path_factory.mktemp("tidy"), threads=1)
    for numbers in imports:
        plays = [song(number, at=number * 40_000) for number in numbers]  # three years
        first, second = (put(lake, *plays).total for lake in (plain, tidy))
        assert first == second
        tidy.compact(NOW)
    columns = [c.ROW_ID, *PLAYS.schema.names]
    order = [("file_no", "ascending"), (c.ROW_ID, "ascending")]
    tables: list[pa.Table] = [
        lake.rows("plays").sort_by(order).select(columns) for lake in (plain, tidy)
    ]
    assert tables[0].equals(tables[1])


def test_a_lake_of_many_commits_is_read_from_its_checkpoint(place: Place) -> None:
    lake = place.lake
    with lake.writing():
        for number in range(66):
            with lake.begin("history", Path("/in/a"), user_id="ann", name="") as new:
                new.file("a.json", "list")
                new.stage("a.json", Chunk(PLAYS, play_rows(song(number))))
                new.commit(NOW)
    assert [one.name for one in lake.store.find("checkpoints")] == ["checkpoints/00000064.json.gz"]
    again = place.lake
    assert again.commits() == lake.commits()
    again.compact(NOW)
    assert len(again.files("plays")) == 1
    assert titles(place.lake) == [f"Song {number}" for number in range(66)]
    lake.store.replace("checkpoints/00000064.json.gz", b"not a checkpoint")
    assert titles(place.lake) == [f"Song {number}" for number in range(66)]
