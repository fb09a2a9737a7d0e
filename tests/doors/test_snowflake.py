"""The whole journey in Snowflake (as fakesnow plays it), as a user makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.music.marts import MARTS
from segue.warehouse.snapshots import SnapshotStore
from tests.doors.home import Home
from tests.fakesnow.client import PASSWORD, shared_server

pytestmark = pytest.mark.xdist_group("snowflake_journey")


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """The environment of somebody who uses Snowflake's other programs, too."""
    made = shared_server().new_settings()
    return {
        "SEGUE_WAREHOUSE": "snowflake",
        "SEGUE_SNOWFLAKE__URL": made["url"],
        **{
            f"SNOWFLAKE_{name.upper()}": made[name]
            for name in ("account", "user", "password", "role", "database", "warehouse")
        },
    }


@pytest.fixture(scope="module")
def built(
    world: Path, export: Path, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Home:
    """A home whose marts were made there, of the same files as those of `trained`."""
    home = Home(tmp_path_factory.mktemp("server") / "home")
    home("import", export).ok()
    home("catalogue", "add", world / "catalogue.csv").ok()
    home("crowd", "add", world / "crowd.parquet").ok()
    answer = home("build", **settings).ok()
    assert f"Snowflake, account fakesnow, database {settings['SNOWFLAKE_DATABASE']}" in answer.out
    return home


def test_the_marts_are_those_of_duckdb(built: Home, trained: Home) -> None:
    found, wanted = (
        SnapshotStore(home.folder / "snapshots").current() for home in (built, trained)
    )
    for mart in MARTS:
        rows = [sorted(map(repr, snapshot.read(mart).to_pylist())) for snapshot in (found, wanted)]
        assert rows[0] == rows[1], mart
    assert found.rows("plays") > 1000


def test_what_follows_works_the_same(built: Home, settings: dict[str, str]) -> None:
    status = built("status", "--json", **settings).ok().json
    assert status["snapshot"]["fresh"]
    assert "account fakesnow" in status["warehouse"]
    built("train", **settings).ok()
    playlist = built("recommend", "--json", "--size", "5", **settings).ok().json
    assert len(playlist["tracks"]) == 5


def test_the_password_is_written_nowhere(built: Home, settings: dict[str, str]) -> None:
    answer = built("build", "--json", **settings).ok()
    assert PASSWORD not in answer.out + answer.err
    files = [path for path in built.folder.rglob("*") if path.is_file()]
    assert any(path.name == "profiles.yml" for path in files)
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]
    wrong = built("build", **settings | {"SNOWFLAKE_PASSWORD": "another secret"})
    wrong.refused("does not know this user", "SNOWFLAKE_PASSWORD", code=2)
    assert "another secret" not in wrong.out + wrong.err


def test_what_is_missing_is_said(built: Home, settings: dict[str, str]) -> None:
    without = {name: "" for name in settings if name.startswith("SNOWFLAKE_")}
    answer = built("build", **settings | without)
    answer.refused("account and user and database not set", "SNOWFLAKE_ACCOUNT", code=2)
