"""Building on Spark, for real in this process's machine: the marts that one machine makes."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from segue.doors.cli.app import app
from segue.errors import NotReadyError
from segue.flows.build import build
from segue.flows.spark.build import ABOUT, DataSetReport, build_data_set
from segue.flows.training_marts import training_marts
from segue.flows.wiring import adapters
from segue.music.lake_tables import PLAYS, artist_ref, name_ref
from segue.progress import Silent
from segue.sources.base import Chunk
from segue.warehouse.base import Rules
from segue.warehouse.duckdb import DuckDBWarehouse
from segue.warehouse.lake import Lake
from segue.warehouse.lake_s3 import LakeS3, S3Options, S3Place
from segue.warehouse.snapshot_parts import read_index
from segue.warehouse.snapshots import SnapshotStore
from segue.warehouse.storage import checksum
from tests.flows.test_build import EXPORT, NOON, NOW, play
from tests.flows.test_equal_marts import SCENES, exactly
from tests.lake_files import HandLake
from tests.s3_server import S3Server
from tests.spark_session import LIGHT, SPARK
from tests.support import play_rows

pytest.importorskip("pyspark", reason="Spark is not installed")
pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java"),
    pytest.mark.xdist_group("spark"),
]


class Interrupted(Silent):
    """Whoever waits loses patience once parts are done."""

    def advance(self, amount: float = 1) -> None:
        raise KeyboardInterrupt


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> HandLake:
    lake = HandLake(tmp_path_factory.mktemp("spark") / "lake")
    for fill in SCENES["all"]:
        fill(lake)
    artist_only = {"track_ref": artist_ref("Artist"), "title": None}
    lake.add("plays", [play("only artists", EXPORT, 0, "x") | artist_only])
    lake.add("plays", [play("z", EXPORT, 300 * n, f"Song {n}") for n in range(3)])
    said = {"user_id": "z", "source": "segue", "kind": "track", "said_at": NOW}
    lake.add("feedback", [said | {"verb": "not_me", "track_ref": name_ref("Artist", "Song 1")}])
    lake.put_together("plays", 0, 2)
    return lake


def _on_spark(lake: HandLake, folder: Path, progress: Silent) -> DataSetReport:
    return build_data_set(
        lake=lake,
        data_sets=SnapshotStore(folder / "spark"),
        rules=Rules(),
        spark=SPARK,
        memory_limit="256MB",
        progress=progress,
        now=NOW,
        plays_a_part=40,
    )


def test_the_marts_are_those_of_one_machine(lake: HandLake, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _on_spark(lake, tmp_path, Interrupted())
    assert not (tmp_path / "spark").exists()
    (tmp_path / "spark-unfinished" / "kept" / "done" / "0001.json").unlink()
    report = _on_spark(lake, tmp_path, Silent())
    assert report.resumed == report.parts - 1 > 0
    assert sorted(path.name for path in (tmp_path / "spark-unfinished").iterdir()) == ["lock"]
    warehouse = DuckDBWarehouse(tmp_path / "warehouse" / "segue.duckdb")
    snapshots = SnapshotStore(tmp_path / "snapshots")
    build(lake=lake, warehouse=warehouse, snapshots=snapshots, progress=Silent(), now=NOW)
    ours, theirs = snapshots.current(), SnapshotStore(tmp_path / "spark").current()
    assert report.rows == {mart: ours.rows(mart) for mart in report.rows}
    for mart in report.rows:
        assert exactly(theirs.read(mart)) == exactly(ours.read(mart)), mart
    for part in (part for files in read_index(theirs.folder).values() for part in files.parts):
        assert checksum(theirs.folder / part.file) == part.crc32, part.file
    assert theirs.read("plays")["not_me"].to_pylist().count(True) == 1
    assert report.read == sum(file.rows for file in lake.files("plays"))
    assert report.rejected == {"names an artist only": 1}
    assert report.read == report.kept + report.duplicate + 1
    assert report.kept == report.rows["plays"]
    about = json.loads((theirs.folder / ABOUT).read_bytes())
    assert about["engine"].startswith("Spark ")
    assert about["kept"] == report.kept


def test_from_a_lake_in_s3_to_models(
    s3: S3Server, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = S3Place.parse(f"s3://{bucket}/segue")
    lake = Lake(LakeS3(place, S3Options(endpoint_url=s3.url), folder=tmp_path / "cache"))
    for user in ("ann", "bob"):
        plays = [(9 * n, "Ann", f"Song {n % 5}") for n in range(12)]
        with lake.writing(), lake.begin("history", Path("/in/a"), user_id=user, name="") as new:
            new.file("a.json", "list")
            new.stage("a.json", Chunk(PLAYS, play_rows(*plays, user_id=user, source=EXPORT)))
            new.commit(NOON)
    told = {
        "SEGUE_HOME": str(tmp_path / "home"),
        "SEGUE_LAKE": str(place),
        "SEGUE_S3__ENDPOINT_URL": s3.url,
        "SEGUE_SPARK__MASTER": SPARK.master,
        # the workers of this process began with its first session
        "SEGUE_SPARK__CONFIG": json.dumps(
            LIGHT
            | {
                "spark.executorEnv.AWS_ACCESS_KEY_ID": "tester",
                "spark.executorEnv.AWS_SECRET_ACCESS_KEY": "secret",
            }
        ),
        "SEGUE_TRAINING__LEFT_OUT": json.dumps(
            sorted(set(adapters("recommenders")) - {"popular", "most_played"})
        ),
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)

    def segue(*words: str) -> dict[str, Any]:
        answer = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
        found: dict[str, Any] = json.loads(answer.stdout)
        return found

    built = segue("build", "--engine", "spark")
    assert (built["read"], built["kept"], built["users"]) == (24, 24, 2)
    trained = segue("train")
    assert (trained["data"], trained["snapshot"]) == ("spark", built["snapshot"])
    assert (trained["users"], trained["tracks"]) == (2, 5)
    seen: dict[str, Any] = segue("status")
    assert seen["data_set"]["rows"] == {"plays": 24, "tracks": 5}
    assert seen["bundle"]["fresh"]  # though there are no marts yet


def test_what_a_training_reads(tmp_path: Path) -> None:
    marts, made = SnapshotStore(tmp_path / "marts"), SnapshotStore(tmp_path / "spark")
    with pytest.raises(NotReadyError, match="no data set") as caught:
        training_marts(marts, made, "spark")
    assert "segue build --engine spark" in caught.value.cure
    with pytest.raises(NotReadyError, match="nothing has been built"):
        training_marts(marts, made, "newest")

    def publish(store: SnapshotStore, hours: int) -> None:
        store.publish(
            lambda folder: (folder / "x").write_text(str(hours)), now=NOW + timedelta(hours=hours)
        )

    publish(made, 1)
    assert training_marts(marts, made, "newest") == (made.current(), "spark")
    publish(marts, 2)
    assert training_marts(marts, made, "newest") == (marts.current(), "marts")
    assert training_marts(marts, made, "spark") == (made.current(), "spark")
    publish(made, 3)
    assert training_marts(marts, made, "newest") == (made.current(), "spark")
    assert training_marts(marts, made, "marts") == (marts.current(), "marts")


def test_a_lake_without_plays_is_told_before_spark_starts(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="there are no plays to build from") as caught:
        _on_spark(HandLake(tmp_path / "lake"), tmp_path, Silent())
    assert "segue import" in caught.value.cure
