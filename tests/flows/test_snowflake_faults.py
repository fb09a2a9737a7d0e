"""What goes wrong with Snowflake: said in words, nothing lost, healed by the next build."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.errors import BusyError, ConfigError, SegueError, WarehouseError
from segue.flows.build import build
from segue.music.marts import MARTS
from segue.progress import Silent
from segue.warehouse.snapshots import SnapshotStore
from segue.warehouse.snowflake import SnowflakeWarehouse
from segue.warehouse.snowflake.stage import Staging
from tests.doors.home import Home
from tests.fakesnow.client import PASSWORD, serving, shared_server, warehouse
from tests.fakesnow.keys import private_pem, public_pem
from tests.lake_files import HandLake

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLAY = {
    "user_id": "u",
    "source": "s",
    "played_at": datetime(2025, 1, 1, tzinfo=UTC),
    "ms_played": 60_000,
    "track_ref": "id:1",
}


def plays(snapshots: SnapshotStore) -> int:
    return snapshots.current().rows("plays")


def run(made: SnowflakeWarehouse, lake: HandLake, snapshots: SnapshotStore) -> None:
    build(lake=lake, warehouse=made, snapshots=snapshots, progress=Silent(), now=NOW)


@pytest.fixture
def lake(tmp_path: Path) -> HandLake:
    return HandLake(tmp_path / "lake")


@pytest.fixture
def snapshots(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots")


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"password": "wrong"}, "snowflake.password", "does not know this user"),
        ({"user": "NOBODY"}, "snowflake.password", "does not know this user"),
        ({"role": "NO_ROLE"}, "snowflake.role", "grant role NO_ROLE to user SEGUE"),
        ({"warehouse": "NO_WH"}, "snowflake.warehouse", "grant usage on warehouse NO_WH"),
        ({"warehouse": None}, "snowflake.warehouse", "SNOWFLAKE_WAREHOUSE"),
        ({"database": "NO_DB"}, "snowflake.database", "create schema on database NO_DB"),
    ],
)
def test_refusals_name_setting_and_grant(
    tmp_path: Path, changes: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught, warehouse(tmp_path, **changes).writing():
        pass
    assert caught.value.field == field
    assert said in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_signing_in_with_a_key(tmp_path: Path, lake: HandLake, snapshots: SnapshotStore) -> None:
    lake.add("plays", [PLAY])
    key = tmp_path / "key.p8"
    key.write_text(private_pem("open sesame"))
    key.chmod(0o600)
    with_key = {
        "password": None,
        "private_key_path": str(key),
        "private_key_passphrase": "open sesame",
    }
    with serving(public_key=public_pem()) as server:
        settings = server.settings("KEYS") | with_key
        run(SnowflakeWarehouse(tmp_path / "home" / "x", threads=1, **settings), lake, snapshots)
    assert plays(snapshots) == 1
    profile = (tmp_path / "home" / "dbt" / "profiles.yml").read_text()
    assert "key.p8" in profile
    assert "sesame" not in profile
    with (  # a server that does not know the key
        pytest.raises(ConfigError, match="does not take this private key"),
        warehouse(tmp_path / "home", **with_key).writing(),
    ):
        pass


def test_nobody_there(tmp_path: Path) -> None:
    lost = warehouse(tmp_path, url="http://127.0.0.1:9", timeout_s=2)
    with pytest.raises(WarehouseError, match="cannot be made") as caught, lost.writing():
        pass
    assert "network" in caught.value.cure


def test_a_lost_connection(tmp_path: Path, lake: HandLake, snapshots: SnapshotStore) -> None:
    """Each build after a failure gets further than the one before, and the last to the end."""
    lake.add("plays", [PLAY])
    made = warehouse(tmp_path / "home", timeout_s=1)
    run(made, lake, snapshots)
    lake.add("plays", [PLAY | {"track_ref": f"id:{n}"} for n in range(2, 5)])
    server = shared_server()
    for matches in (
        "^put .*plays",
        "^copy into raw.plays",
        "create or replace.* table .*int_track_names",
    ):
        with server.failing({"matches": matches}), pytest.raises(SegueError) as caught:
            run(made, lake, snapshots)
        assert "Snowflake" in str(caught.value) or "stays as it was" in str(caught.value)
        assert caught.value.cure
        assert plays(snapshots) == 1
        server.hang_up()
    run(made, lake, snapshots)
    assert plays(snapshots) == 4


def test_a_commit_whose_answer_is_lost(
    tmp_path: Path, lake: HandLake, snapshots: SnapshotStore
) -> None:
    lake.add("plays", [PLAY])
    made = warehouse(tmp_path / "home", timeout_s=1)
    fault = {"matches": "^commit", "done": True, "after": 1}  # a catalogue comes before plays
    with shared_server().failing(fault), pytest.raises(SegueError):
        run(made, lake, snapshots)
    run(made, lake, snapshots)
    assert plays(snapshots) == 1


def test_privileges_that_are_missing(tmp_path: Path) -> None:
    fault = {
        "matches": "^create .*schema",
        "code": "003001",
        "message": "SQL access control error:\nInsufficient privileges to operate on database",
    }
    made = warehouse(tmp_path)
    with (
        shared_server().failing(fault),
        pytest.raises(WarehouseError, match="Insufficient privileges") as caught,
        made.writing(),
    ):
        pass
    assert "docs/warehouse.md" in caught.value.cure


@pytest.mark.parametrize("matches", ["^copy into raw.plays"])
def test_a_killed_build(
    matches: str, tmp_path: Path, lake: HandLake, snapshots: SnapshotStore
) -> None:
    server = shared_server()
    settings = server.settings(f"KILLED_{abs(hash(matches))}")
    home = Home(tmp_path / "home")
    lastfm = tmp_path / "scrobbles.csv"
    lastfm.write_text("".join(f"A,B,Song {n},01 Jan 2024 10:{n:02d}\n" for n in range(9)))
    home("import", lastfm).ok()
    environment = {
        "SEGUE_WAREHOUSE": "snowflake",
        "SNOWFLAKE_PASSWORD": str(settings.pop("password")),
        **{f"SEGUE_SNOWFLAKE__{name.upper()}": str(value) for name, value in settings.items()},
    }
    with server.failing({"matches": matches, "wait": 60}):
        server.asked()
        building = subprocess.Popen(
            home.command("build"), env=home.environment(**environment), stderr=subprocess.DEVNULL
        )
        server.until_waiting()
        building.kill()
        building.wait()
    server.hang_up()
    home("build", **environment).ok()
    assert plays(SnapshotStore(home.folder / "snapshots")) == 9
    assert not list((home.folder / "warehouse" / "staged").glob("*"))


def test_another_home_waits_for_the_lease(tmp_path: Path) -> None:
    settings = shared_server().new_settings()
    one, other = (SnowflakeWarehouse(tmp_path / name / "x", threads=1, **settings) for name in "ab")
    with one.writing(), pytest.raises(BusyError, match="another build is under way") as caught:
        other.writing().__enter__()
    assert str(tmp_path / "a") in str(caught.value)
    assert "UTC" in caught.value.cure
    with other.writing():
        pass


def test_a_lease_ends(tmp_path: Path, lake: HandLake) -> None:
    settings = shared_server().new_settings()
    one, other = (SnowflakeWarehouse(tmp_path / name / "x", threads=1, **settings) for name in "ab")
    lake.add("plays", [PLAY])
    with one.writing():
        shared_server().ask(settings, "update raw.building set held_until = '2001-01-01'")
        with other.writing():
            pass
        with pytest.raises(WarehouseError, match="another build has begun"):
            one.load("plays", lake.files("plays"))


def test_tables_of_others_are_not_touched(tmp_path: Path) -> None:
    server = shared_server()
    settings = server.new_settings()
    server.ask(settings, "create schema marts")
    server.ask(settings, "create table marts.precious (x int)")
    made = SnowflakeWarehouse(tmp_path / "x", threads=1, **settings)
    with pytest.raises(WarehouseError, match=r"MARTS holds .* PRECIOUS") as caught, made.writing():
        pass
    assert "SNOWFLAKE_SCHEMA" in caught.value.cure
    prefixed = SnowflakeWarehouse(tmp_path / "x", threads=1, **settings, schema_prefix="SEGUE")
    with prefixed.writing():
        prefixed.clear()
    assert server.ask(settings, "select count(*) from marts.precious") == [(0,)]


def test_schemas_with_a_prefix_and_tagged_statements(
    tmp_path: Path, lake: HandLake, snapshots: SnapshotStore
) -> None:
    lake.add("plays", [PLAY])
    server = shared_server()
    settings = server.new_settings()
    made = SnowflakeWarehouse(tmp_path / "x", threads=2, **settings, schema_prefix="SEGUE")
    server.asked()
    run(made, lake, snapshots)
    tags = {tag for tag, sql in server.asked() if sql.lower().startswith(("copy", "create or"))}
    assert tags == {
        "segue: opening the warehouse",
        "segue: loading plays",
        "segue: matching tracks",
        "segue: shaping marts",
    }
    assert plays(snapshots) == 1
    found = server.ask(settings, "select distinct table_schema from information_schema.tables")
    assert {name for (name,) in found} == {"SEGUE_RAW", "SEGUE_INTERMEDIATE", "SEGUE_MARTS"}
    lake.add("plays", [PLAY | {"played_at": datetime(2025, 1, 2, tzinfo=UTC)}])
    run(made, lake, snapshots)  # only what is new
    assert plays(snapshots) == 2


def test_a_load_is_one_statement(tmp_path: Path, lake: HandLake) -> None:
    for n in range(3):
        lake.add("plays", [PLAY | {"track_ref": f"id:{n}"}])
    server = shared_server()
    made = warehouse(tmp_path)
    with made.writing():
        server.asked()
        assert made.load("plays", lake.files("plays")).rows == 3
        asked = [sql for _, sql in server.asked()]
    assert sum(sql.startswith("copy") for sql in asked) == 1


def test_large_loads_are_staged_in_parts(tmp_path: Path) -> None:
    parts: list[int] = []

    def put(statement: str) -> None:
        parts.append(pq.read_metadata(statement.split("'")[1].removeprefix("file://")).num_rows)

    staging = Staging(tmp_path / "staged", config={}, put=put, part_bytes=1)
    for n in range(3):
        staging.add_rows(
            "artist_names", pa.table({"artist": [f"A{n}", "B"], "artist_id": ["a", "b"]})
        )
    staging.finish()
    staging.close()
    assert parts == [2, 2, 2]
    assert staging.rows == {"artist_names": 6}
    assert not list((tmp_path / "staged").iterdir())


def test_a_table_that_is_gone_from_the_lake(
    tmp_path: Path, lake: HandLake, snapshots: SnapshotStore
) -> None:
    lake.add("plays", [PLAY])
    made = warehouse(tmp_path)
    with made.writing():
        assert made.load("plays", lake.files("plays")).rows == 1
    lake.written.clear()
    lake.add("library", [{"user_id": "v", "source": "l", "kind": "x", "track_ref": "id:1"}])
    run(made, lake, snapshots)
    rows = {mart: snapshots.current().rows(mart) for mart in MARTS}
    assert (rows["plays"], rows["library"]) == (0, 1)
