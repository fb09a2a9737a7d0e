"""Builds that are killed, damaged or run twice: the next one heals, and nothing leaks."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from segue.errors import BusyError, WarehouseError
from segue.music.marts import MARTS
from segue.progress import Silent
from segue.warehouse.dbt_runner import PROJECT, DbtProject
from tests.flows.test_build import EXPORT, LASTFM, House, play
from tests.flows.test_changes import built_changes, marts
from tests.once import once_a_run, own_copy


def fill(house: House) -> None:
    plays = [
        play("u", EXPORT, 300 * n, f"Song {n % 7}", ms_played=60_000, reason_end="trackdone")
        for n in range(40)
    ]
    house.lake.add("plays", plays)
    house.lake.add("plays", [play("u", LASTFM, 300 * n + 2, f"Song {n % 7}") for n in range(50)])


def more(house: House) -> None:
    """What a second build finds to be new."""
    house.lake.add("plays", [play("u", LASTFM, 300 * n, f"Song {n % 7}") for n in range(60, 70)])


def content(house: House) -> dict[str, pa.Table]:
    return {mart: house.snapshot.read(mart) for mart in MARTS}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> House:
    def make(folder: Path) -> None:
        house = House(folder)
        fill(house)
        house.build()

    return House(own_copy(tmp_path_factory, "clean", make))


KILLED = textwrap.dedent("""
    import os, signal, sys
    from pathlib import Path
    from tests.flows.test_build import House
    from tests.flows import test_build_faults as told

    stage, wanted = sys.argv[2], int(sys.argv[3])

    class Killer:
        def start(self, label, total=None, unit=""):
            self.label, self.steps = label, 0
            self.advance(0)
        def advance(self, amount=1):
            if self.label == stage and self.steps == wanted:
                os.kill(os.getpid(), signal.SIGKILL)
            self.steps += 1
        def done(self, note=""):
            pass

    import tests.flows.test_build as flow
    house = House(Path(sys.argv[1]))
    for name in sys.argv[4:]:
        getattr(told, name)(house)
    flow.build(lake=house.lake, warehouse=house.warehouse, snapshots=house.snapshots,
               progress=Killer(), now=flow.NOW)
""")


@pytest.mark.parametrize(
    ("stage", "steps"),
    [("loading the lake", 2), ("dbt", 4), ("dbt", 15), ("publishing", 0)],
)
def test_killed_then_healed(tmp_path: Path, clean: House, stage: str, steps: int) -> None:
    killed_at(tmp_path, stage, steps, "fill")
    house = House(tmp_path)
    fill(house)
    house.build()
    assert content(house) == content(clean)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    """The marts with what is new, built at once."""

    def make(folder: Path) -> None:
        house = House(folder)
        fill(house)
        more(house)
        house.build()

    return content(House(once_a_run(tmp_path_factory, "grown", make)))


@pytest.mark.parametrize("steps", [1, 40, 70])
def test_killed_among_changes_then_healed(
    tmp_path: Path, clean: House, grown: dict[str, pa.Table], steps: int
) -> None:
    """Nothing of it was made; the next build is one of changes, too."""
    shutil.copytree(clean.warehouse.folder, tmp_path / "warehouse")
    killed_at(tmp_path, "dbt", steps, "fill", "more")
    house = House(tmp_path)
    assert marts(house) == marts(clean)
    fill(house)
    more(house)
    house.build()
    assert built_changes(house)
    assert content(house) == grown


def test_a_test_that_fails_among_changes(
    tmp_path: Path, clean: House, grown: dict[str, pa.Table]
) -> None:
    """Nothing of it was made; the next build makes everything."""
    shutil.copytree(clean.warehouse.folder, tmp_path / "warehouse")
    house = House(tmp_path)
    fill(house)
    house.build()
    plan = tmp_path / "warehouse" / "dbt" / "changes.json"
    told = json.loads(plan.read_text())
    [test] = [step for step in told["steps"] if step["name"] == "grain_of_plays"]
    test["sql"] = "select 1"
    plan.write_text(json.dumps(told))
    more(house)
    with pytest.raises(
        WarehouseError, match=r"stays as it was; dbt test grain_of_plays: rows that break it: 1"
    ):
        house.build()
    assert marts(house) == marts(clean)
    house.build()
    assert not built_changes(house)
    assert content(house) == grown


@pytest.mark.parametrize("damage", ["garbage", "of other models", "gone"])
def test_a_plan_of_no_use_is_made_again(tmp_path: Path, clean: House, damage: str) -> None:
    shutil.copytree(clean.warehouse.folder, tmp_path / "warehouse")
    house = House(tmp_path)
    fill(house)
    house.build()
    plan = tmp_path / "warehouse" / "dbt" / "changes.json"
    good = plan.read_text()
    if damage == "garbage":
        plan.write_text(good[:1000])
    elif damage == "of other models":
        plan.write_text(good.replace(json.loads(good)["made_from"], "0123"))
    else:
        plan.unlink()
    house.build()
    assert built_changes(house)
    assert step_names(plan.read_text()) == step_names(good)


def step_names(plan: str) -> list[str]:
    return [step["name"] for step in json.loads(plan)["steps"]]


def killed_at(folder: Path, stage: str, steps: int, *fillings: str) -> None:
    """Fill a house and build it, up to a step of a stage."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), stage, str(steps), *fillings],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()


@pytest.mark.parametrize("damage", ["garbage", "truncated", "older"])
def test_a_damaged_warehouse_is_made_again(tmp_path: Path, clean: House, damage: str) -> None:
    house = House(tmp_path)
    fill(house)
    file = house.warehouse.path
    file.parent.mkdir(parents=True)
    if damage == "garbage":
        file.write_bytes(b"not a database" * 1000)
    else:
        with duckdb.connect(str(file)) as connection:
            connection.execute("create schema raw; create table raw.about as select 1 as name")
        if damage == "truncated":
            file.write_bytes(file.read_bytes()[:5000])
    house.build()
    assert content(house) == content(clean)


def test_somebody_has_the_file_open(tmp_path: Path) -> None:
    house = House(tmp_path)
    fill(house)
    house.warehouse.path.parent.mkdir(parents=True)
    script = (
        "import duckdb, sys, time\n"
        "held = duckdb.connect(sys.argv[1])\nprint('open', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(house.warehouse.path)], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(BusyError, match="another program"):
            house.build()
        other.kill()


def test_a_build_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    house = House(tmp_path)
    fill(house)
    root = logging.getLogger()
    before = (dict(os.environ), list(root.handlers), root.level, Path.cwd())
    handler = signal.getsignal(signal.SIGINT)
    house.build()
    assert (dict(os.environ), list(root.handlers), root.level, Path.cwd()) == before
    assert signal.getsignal(signal.SIGINT) is handler
    assert not [path for path in PROJECT.rglob("*") if path.name in ("target", "logs")]
    # nothing holds the file any more
    with duckdb.connect(str(house.warehouse.path), read_only=True) as connection:
        assert connection.execute("select count(*) from marts.plays").fetchone() == (50,)


def test_dbt_unit_tests_pass(tmp_path: Path) -> None:
    house = House(tmp_path)
    fill(house)
    house.build()
    project = DbtProject(
        output=lambda: (
            {"type": "duckdb", "path": str(house.warehouse.path), "threads": 2}
            | {"settings": {"TimeZone": "UTC"}}
        ),
        folder=tmp_path / "dbt",
        variables={},
    )
    done = project.run(("test", "--select", "test_type:unit"), Silent())
    told = "".join(path.read_text() for path in PROJECT.glob("models/*/unit_tests.yml"))
    assert done.tests == told.count("\n    given:\n") > 0


def test_two_builds_at_once(tmp_path: Path) -> None:
    house, other = House(tmp_path), House(tmp_path)
    fill(house)
    other.lake = house.lake
    with house.warehouse.writing(), pytest.raises(BusyError, match="another build"):
        other.build()
