"""The whole journey on a PostgreSQL server, as a user makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.music.marts import MARTS
from segue.warehouse.snapshots import SnapshotStore
from tests.doors.home import Home
from tests.postgres_server import PASSWORD, database_of, server_of_tests

pytestmark = pytest.mark.xdist_group("postgresql_journey")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of somebody whose warehouse is on a server that asks for a password."""
    server = server_of_tests()
    return {
        "SEGUE_WAREHOUSE": "postgresql",
        "SEGUE_POSTGRESQL__HOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGUSER": server.superuser,
        "SEGUE_POSTGRESQL__DATABASE": database_of(tmp_path_factory.mktemp("journey")),
        "SEGUE_POSTGRESQL__PASSWORD": PASSWORD,
    }


@pytest.fixture(scope="module")
def built(
    world: Path, export: Path, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Home:
    """A home whose marts were made on the server, of the same files as those of `trained`."""
    home = Home(tmp_path_factory.mktemp("server") / "home")
    home("import", export).ok()
    home("catalogue", "add", world / "catalogue.csv").ok()
    home("crowd", "add", world / "crowd.parquet").ok()
    answer = home("build", **settings).ok()
    server = f"PostgreSQL at 127.0.0.1:{settings['PGPORT']}"
    assert server in answer.out
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
    assert f"127.0.0.1:{settings['PGPORT']}" in status["warehouse"]
    built("train", **settings).ok()
    playlist = built("recommend", "--json", "--size", "5", **settings).ok().json
    assert len(playlist["tracks"]) == 5


def test_the_password_is_written_nowhere(built: Home, settings: dict[str, str]) -> None:
    answer = built("build", "--json", **settings).ok()
    assert PASSWORD not in answer.out + answer.err
    files = [path for path in built.folder.rglob("*") if path.is_file()]
    assert any(path.name == "profiles.yml" for path in files)
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]
    wrong = built("build", **settings | {"SEGUE_POSTGRESQL__PASSWORD": "another secret"})
    wrong.refused("password authentication failed", "~/.pgpass")
    assert "another secret" not in wrong.out + wrong.err
