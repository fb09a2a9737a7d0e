"""Builds that are killed, starved, hindered or given bad data, as somebody at a shell sees them."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pytest

from segue.music.marts import MARTS
from segue.warehouse.snapshots import Snapshot, SnapshotStore
from tests.doors.home import Home
from tests.once import own_copy

MOMENTS = 6
ANEW = (2, 4)
"""Of these builds, those that make everything; the others build what has changed."""


def _snapshot(home: Home) -> Snapshot:
    return SnapshotStore(home.folder / "snapshots").current()


def _marts(home: Home) -> dict[str, pa.Table]:
    return {mart: _snapshot(home).read(mart) for mart in MARTS}


def _listens(folder: Path, number: int) -> Path:
    """An export of a few plays on a day of their own."""
    lines = [
        json.dumps(
            {
                "listened_at": 1_700_000_000 + 86_400 * number + 240 * n,
                "track_metadata": {"artist_name": f"Artist {n % 5}", "track_name": f"Song {n}"},
            }
        )
        for n in range(30)
    ]
    path = folder / f"listens-{number}.jsonl"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def built(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that was built once; tests copy it."""

    def make(folder: Path) -> None:
        home = Home(folder / "home")
        home("import", export).ok()
        home("build").ok()

    return Home(own_copy(tmp_path_factory, "built", make) / "home")


@pytest.fixture
def copied(built: Home, tmp_path: Path) -> Home:
    """A copy of it, with one more import to build."""
    home = Home(tmp_path / "home")
    shutil.copytree(built.folder, home.folder, symlinks=True)
    home("import", _listens(tmp_path, 0)).ok()
    return home


def _timed(home: Home) -> float:
    began = time.monotonic()
    home("build").ok()
    return time.monotonic() - began


@pytest.fixture(scope="module")
def undisturbed(
    built: Home, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, pa.Table], float, float]:
    """The marts with all imports of this module, made in one go; and how long builds take.

    Of everything, and of what has changed.
    """
    folder = tmp_path_factory.mktemp("undisturbed")
    home = Home(folder / "home")
    shutil.copytree(built.folder / "lake", home.folder / "lake")
    home("import", *(_listens(folder, number) for number in range(MOMENTS))).ok()
    everything = _timed(home)
    return _marts(home), everything, _timed(home)


def test_killed_again_and_again(
    copied: Home, tmp_path: Path, undisturbed: tuple[dict[str, pa.Table], float, float]
) -> None:
    """Each build is killed a little later than the one before, with more to do each time."""
    expected, everything, changes = undisturbed
    plays = {_snapshot(copied).rows("plays")}
    for number in range(MOMENTS):
        if number:
            copied("import", _listens(tmp_path, number)).ok()
        if number in ANEW:
            shutil.rmtree(copied.folder / "warehouse")
        building = copied.start("build")
        with suppress(TimeoutError):  # it may be quicker
            building.wait((everything if number in ANEW else changes) * (number + 0.5) / MOMENTS)
        building.kill()
        building.wait()
        rows = _snapshot(copied).read("plays").num_rows  # what is published can be read
        assert rows == min(plays) or (rows - min(plays)) % 30 == 0
    copied("build").ok()
    found = _marts(copied)
    for mart, table in expected.items():
        assert found[mart].equals(table), mart
    assert not list((copied.folder / "snapshots").glob(".unfinished*"))


@contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[None]:
    """A disk of a few kilobytes in place of a folder."""
    folder.mkdir(exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], capture_output=True
    )
    if made.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize(
    ("part", "size"),
    [("warehouse", "300k"), ("warehouse", "1500k"), ("warehouse", "4m"), ("snapshots", "100k")],
    ids=["load", "match or dbt", "dbt", "publish"],
)
def test_the_disk_is_full(copied: Home, part: str, size: str) -> None:
    before = _marts(copied)
    place = copied.folder / part
    if part == "snapshots":
        with _small_disk(place, size):
            copied("build").refused(str(copied.folder), "full")
    else:
        with _small_disk(place, size):
            said = copied("build").refused(str(copied.folder), "again")
            assert "ree some space" in said.err
            status = copied("status").ok().out
            assert "Failed    build of" in status
            assert "ree some space" in status
    assert all(table.equals(before[mart]) for mart, table in _marts(copied).items())
    copied("build").ok()
    assert _snapshot(copied).rows("plays") == before["plays"].num_rows + 30
    assert "Failed" not in copied("status").ok().out


def test_a_file_may_not_grow_further(copied: Home) -> None:
    """A quota of the user, or of the process."""
    before = _marts(copied)
    shutil.rmtree(copied.folder / "warehouse")
    limited = subprocess.run(
        ["bash", "-c", 'ulimit -f 900; exec "$@"', "-", *copied.command("build")],
        capture_output=True,
        text=True,
        env=copied.environment(),
    )
    assert limited.returncode == 1, limited.stderr
    assert "Traceback" not in limited.stderr
    assert "ree some space" in limited.stderr
    assert all(table.equals(before[mart]) for mart, table in _marts(copied).items())
    copied("build").ok()
    assert _snapshot(copied).rows("plays") == before["plays"].num_rows + 30


def test_a_dbt_test_fails(copied: Home) -> None:
    """The lake holds a play twice, which no import would do."""
    before = _snapshot(copied)
    manifest = copied.folder / "lake" / "commits" / "00000002.json"
    told = json.loads(manifest.read_text())
    [file] = told["files"]
    original = copied.folder / "lake" / file["path"]
    twin = original.with_name(original.name.replace(told["token"], "0123456789abcdef"))
    shutil.copy(original, twin)
    forged = json.dumps(told).replace(told["token"], "0123456789abcdef")
    wrong = manifest.with_name("00000003.json")
    wrong.write_text(forged.replace("00000002", "00000003"))
    said = copied("build", "--json").refused("stays as it was", "grain_of_plays")
    assert said.json["error"]["kind"] == "WarehouseError"
    assert _snapshot(copied) == before
    test = "grain_of_plays"
    for _ in range(2):
        assert test in copied("status").ok().out
        assert test in copied("status", "--json").ok().json["failure"]["message"]
        test = "no_play_is_lost"  # the first that fails where everything is built
        copied("build").refused(test)
    wrong.unlink()
    twin.unlink()
    copied("build").ok()
    assert copied("status", "--json").ok().json["failure"] is None
    assert _snapshot(copied).rows("plays") == before.rows("plays") + 30


def test_two_builds_at_once(copied: Home) -> None:
    first = copied.start("build")
    lock = copied.folder / "warehouse" / "lock"
    try:
        while lock.read_text() != str(first.pid):
            assert first.poll() is None
            time.sleep(0.01)
        said = copied("build").refused("another build", f"process {first.pid}", "since 20")
        assert "Wait until it is done" in said.err
        assert "Failed" not in copied("status").ok().out
    finally:
        assert first.wait(120) == 0


@pytest.mark.parametrize("damage", ["a block", "the end", "garbage"])
def test_a_damaged_warehouse_file(copied: Home, damage: str) -> None:
    file = copied.folder / "warehouse" / "segue.duckdb"
    content = bytearray(file.read_bytes())
    if damage == "a block":  # in the middle of each: DuckDB has written 256 KiB at a time
        for at in range(12_288 + 131_072, len(content), 262_144):
            content[at : at + 64] = bytes(64)
    elif damage == "the end":
        del content[len(content) // 2 :]
    else:
        content[:] = b"garbage " * 5_000
    file.write_bytes(content)
    before = _snapshot(copied).rows("plays")
    assert "made again from the lake" in copied("build").ok().out
    assert _snapshot(copied).rows("plays") == before + 30
    assert "made again" not in copied("build").ok().out
