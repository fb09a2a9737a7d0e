"""dbt on PostgreSQL by hand, as docs/warehouse.md says: models, tests and unit tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from segue.warehouse.dbt_runner import PROJECT
from tests.flows.test_postgresql_faults import House
from tests.postgres_server import database_of, server_of_tests


def test_everything_is_built_and_tested_by_hand(tmp_path: Path) -> None:
    house = House(tmp_path).fill()
    house.build()
    server = server_of_tests()
    dbt = [sys.executable, "-c", "from dbt.cli.main import cli; cli()"]
    files = ["--target-path", str(tmp_path / "dbt"), "--log-path", str(tmp_path / "dbt")]
    target = ["--profiles-dir", ".", "--target", "postgresql", "--no-use-colors"]
    done = subprocess.run(
        [*dbt, "build", *target, *files],
        cwd=PROJECT,
        env={
            **os.environ,
            "PGHOST": server.socket,
            "PGPORT": str(server.port),
            "PGUSER": server.superuser,
            "PGDATABASE": database_of(tmp_path / "warehouse"),
            "DO_NOT_TRACK": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    assert " unit_tests" in done.stdout or " unit tests" in done.stdout, done.stdout
    assert "ERROR=0 SKIP=0" in done.stdout
