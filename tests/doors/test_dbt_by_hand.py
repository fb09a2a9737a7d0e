"""dbt as a user runs it, from the folder and with the commands of docs/warehouse.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from segue.warehouse.dbt_runner import PROJECT
from tests.flows.test_build import EXPORT, House, play


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House(tmp_path_factory.mktemp("by hand"))
    house.lake.add(
        "plays", [play("u", EXPORT, at * 1_000, "A", ms_played=40_000) for at in range(9)]
    )
    house.build()
    return house


def dbt(house: House, *arguments: str) -> str:
    output = str(house.warehouse.path.parent / "by hand")
    program = str(Path(sys.executable).with_name("dbt"))
    places = ["--profiles-dir", ".", "--target-path", output, "--log-path", output]
    done = subprocess.run(
        [program, *arguments, *places],
        cwd=PROJECT,
        env={**os.environ, "SEGUE_DBT_FILE": str(house.warehouse.path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_docs_tell_of_every_model(house: House) -> None:
    dbt(house, "docs", "generate")
    output = house.warehouse.path.parent / "by hand"
    catalogue = json.loads((output / "catalog.json").read_text(encoding="utf-8"))
    manifest = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    assert (output / "index.html").stat().st_size > 100_000
    for name, node in manifest["nodes"].items():
        if node["resource_type"] == "model":
            assert node["description"]
            if node["schema"] == "marts":
                known = set(node["columns"])
                assert known == set(catalogue["nodes"][name]["columns"]), name
                assert all(column["description"] for column in node["columns"].values())
    assert {exposure["name"] for exposure in manifest["exposures"].values()} == {
        *("lightdash", "playlists", "statistics", "training", "web_page"),
    }
    assert not list(PROJECT.glob("target")), "dbt wrote into the project"


def test_freshness_is_that_of_the_last_import(house: House) -> None:
    """Files of this lake do not tell when they were imported: dbt warns that nobody did."""
    told = dbt(house, "source", "freshness")
    assert "WARN freshness of raw.plays" in told
    output = house.warehouse.path.parent / "by hand"
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-abc-1"
    with duckdb.connect(str(house.warehouse.path)) as connection:
        connection.execute("update raw.loads set piece = ?", [name])
    assert "PASS freshness of raw.plays" in dbt(house, "source", "freshness")
    [found] = json.loads((output / "sources.json").read_text(encoding="utf-8"))["results"]
    assert found["max_loaded_at_time_ago_in_s"] < 600
