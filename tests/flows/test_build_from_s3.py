"""A lake on S3, from import to marts: the same as from a folder, tidy or not, replayed or not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from segue.flows.build import build
from segue.music import columns as c
from segue.music.lake_tables import CATALOGUE, PLAYS
from segue.music.marts import MARTS
from segue.progress import Silent
from segue.sources.base import Chunk
from segue.warehouse.base import BuildReport
from segue.warehouse.duckdb import DuckDBWarehouse
from segue.warehouse.lake import Lake
from segue.warehouse.lake_s3 import LakeS3, S3Options, S3Place
from segue.warehouse.snapshots import SnapshotStore
from tests.s3_server import Fault, Proxy, S3Server
from tests.support import NOW, lake_rows, play_rows


def collect(lake: Lake, hours: range) -> None:
    """An hour of plays a commit; the titles of a song are not always spelled the same."""
    for hour in hours:
        plays = [(60 * hour + 7 * n, "Ann", f"Song {(hour + n) % 9}") for n in range(4)]
        plays.append((60 * hour + 50, "Bob", "The  Song" if hour % 2 else "the song"))
        with lake.writing(), lake.begin("history", Path("/in/a"), user_id="ann", name="") as new:
            new.file(f"{hour}.json", "list")
            new.stage(f"{hour}.json", Chunk(PLAYS, play_rows(*plays)))
            new.commit(NOW + timedelta(hours=hour))


def catalogue(lake: Lake) -> None:
    songs = [{c.CATALOGUE: "mine", c.TRACK_REF: "id:1", c.TITLE: "Song 1", c.ARTIST: "Ann"}]
    with lake.writing(), lake.begin("catalogue", Path("/in/c"), user_id="", name="mine") as new:
        new.file("c.csv", "list")
        new.stage("c.csv", Chunk(CATALOGUE, lake_rows(CATALOGUE, *songs)))
        new.commit(NOW)


class Home:
    def __init__(self, folder: Path, lake: Lake) -> None:
        self.lake = lake
        self.warehouse = DuckDBWarehouse(folder / "warehouse" / "segue.duckdb", threads=1)
        self.snapshots = SnapshotStore(folder / "snapshots")

    def build(self, *, replay: bool = False) -> BuildReport:
        return build(
            lake=self.lake,
            warehouse=self.warehouse,
            snapshots=self.snapshots,
            progress=Silent(),
            now=NOW,
            replay=replay,
        )

    def marts(self) -> dict[str, pa.Table]:
        snapshot = self.snapshots.current()
        return {mart: snapshot.read(mart) for mart in MARTS}


@pytest.fixture
def on_s3(bucket: str, proxy: Proxy, tmp_path: Path) -> Home:
    options = S3Options(endpoint_url=proxy.url)
    store = LakeS3(S3Place(bucket, "lake"), options, folder=tmp_path / "cache")
    return Home(tmp_path / "s3", Lake(store, threads=2))


def test_the_marts_are_the_same_wherever_the_lake_is_and_however_tidy(
    on_s3: Home, s3: S3Server, proxy: Proxy, tmp_path: Path
) -> None:
    plain = Home(tmp_path / "plain", Lake(tmp_path / "plain" / "lake", threads=2))
    for home in (plain, on_s3):
        collect(home.lake, range(4))
        catalogue(home.lake)
    wanted = on_s3.build().rows
    assert plain.build().rows == wanted
    assert on_s3.marts() == plain.marts()

    assert on_s3.lake.compact(NOW).merged == 4
    for home in (plain, on_s3):
        collect(home.lake, range(4, 6))
    proxy.seen.clear()
    on_s3.build()
    fetched = [one.path for one in proxy.seen if ".parquet" in one.path and one.method == "GET"]
    assert len(fetched) == 2  # what is new; what was put together was loaded before
    plain.build()
    assert on_s3.marts() == plain.marts()

    on_s3.lake.compact(NOW + timedelta(hours=25))
    assert len(on_s3.lake.files("plays")) == 1
    on_s3.build(replay=True)
    assert on_s3.marts() == plain.marts()


def test_a_connection_that_breaks_in_a_build(on_s3: Home, proxy: Proxy) -> None:
    collect(on_s3.lake, range(3))
    proxy.fault = lambda one: Fault(half=True) if one.path.endswith("-1.parquet") else None
    with pytest.raises(Exception, match="does not answer"):
        on_s3.build()
    proxy.fault = lambda one: None
    assert on_s3.build().rows["plays"] == 15
