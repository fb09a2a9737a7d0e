"""The lake under kills, full disks, read-only folders and a second writer: all or nothing."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from segue.errors import BusyError, StorageError
from segue.sources.inputs import open_input
from segue.warehouse.lake import Lake
from tests.support import NOW
from tests.unit.lake_worker import ROWS

REPO = Path(__file__).parents[2]


def start(
    folder: Path, number: int, fault: str = "none", limit: Callable[[], None] | None = None
) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": f"{REPO / 'src'}{os.pathsep}{REPO}"}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.unit.lake_worker", str(folder), str(number), fault],
        cwd=REPO,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out + err


def check_whole(folder: Path) -> int:
    """Every commit is complete; returns how many there are."""
    lake = Lake(folder)
    for commit in lake.commits():
        assert commit.total.kept == ROWS
        assert sum(pq.ParquetFile(file.path).read().num_rows for file in commit.files) == ROWS
        assert sum(pq.ParquetFile(one.path).read().num_rows for one in commit.rejects) == 8
    return len(lake.commits())


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


STEPS = ["staged", "deduplicated", "move", "moved", "before manifest", "manifest"]


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_all_or_nothing(tmp_path: Path, step: str) -> None:
    assert finish(start(tmp_path, 1))[0] == 0
    before = files_of(tmp_path)
    assert finish(start(tmp_path, 2, f"kill:{step}"))[0] == -signal.SIGKILL
    assert check_whole(tmp_path) == (2 if step == "manifest" else 1)
    with Lake(tmp_path).writing():
        pass
    if step != "manifest":
        assert files_of(tmp_path) == before
    assert finish(start(tmp_path, 2))[0] == 0  # trying again brings all of it
    assert sum(commit.total.kept for commit in Lake(tmp_path).commits()) == 2 * ROWS


@pytest.mark.parametrize("step", ["merged", "move", "before manifest", "manifest"])
def test_a_compaction_killed_at_a_step(tmp_path: Path, step: str) -> None:
    for number in (1, 2):
        assert finish(start(tmp_path, number))[0] == 0
    lake = Lake(tmp_path)
    before = lake.rows("plays")
    pieces = sorted(piece.name for file in lake.files("plays") for piece in file.pieces)
    assert finish(start(tmp_path, 0, f"compact:{step}"))[0] == -signal.SIGKILL
    assert len(lake.files("plays")) == (1 if step == "manifest" else len(pieces))
    assert lake.rows("plays").equals(before)
    report = lake.compact(NOW)
    assert report.merged == (0 if step == "manifest" else len(pieces))
    assert lake.rows("plays").equals(before)
    assert sorted(piece.name for file in lake.files("plays") for piece in file.pieces) == pieces
    assert lake.verify() == ()
    assert lake.status(NOW).orphans == (0, 0)


def test_killed_at_random_moments(tmp_path: Path) -> None:
    rng = random.Random(7)
    for number in range(8):
        process = start(tmp_path, number)
        assert process.stdout is not None
        process.stdout.readline()  # it is writing now
        time.sleep(rng.uniform(0, 0.08))
        process.kill()
        finish(process)
        check_whole(tmp_path)
    with Lake(tmp_path).writing():
        named = {file.path for commit in Lake(tmp_path).commits() for file in commit.files}
        assert set((tmp_path / "plays").rglob("*.parquet")) == named


def test_two_imports_at_once(tmp_path: Path) -> None:
    holder = start(tmp_path, 1, "hold")
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "writing\n"
        with pytest.raises(BusyError, match=rf"process {holder.pid}, since 2") as busy:
            Lake(tmp_path).writing().__enter__()
        assert "try again" in busy.value.cure
        code, out = finish(start(tmp_path, 2))
        assert code == 3
        assert out.startswith("writing") is False
        assert "BusyError" in out
    finally:
        holder.kill()
        finish(holder)
    assert finish(start(tmp_path, 2))[0] == 0  # a dead process holds nothing
    assert check_whole(tmp_path) == 1


def test_a_second_writer_in_the_same_process(tmp_path: Path) -> None:
    with Lake(tmp_path).writing(), pytest.raises(BusyError), Lake(tmp_path).writing():
        pass


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system is not permitted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk(tiny_disk: Path) -> None:
    folder = tiny_disk / "lake"
    assert finish(start(folder, 1))[0] == 0
    number = 2
    while True:  # each import takes some of the 64 kB; soon there is no room for another
        before = files_of(folder)
        code, out = finish(start(folder, number))
        if code:
            break
        number += 1
        assert number < 20
    assert "StorageError" in out
    assert "is full" in out
    assert code == 3
    assert files_of(folder) == before
    assert check_whole(folder) == number - 1


def test_a_disk_too_full_to_unpack_on(tiny_disk: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", os.urandom(200_000))
    with (
        open_input(path, temp_folder=tiny_disk / "temp") as opened,
        pytest.raises(StorageError, match="no room"),
        opened.files[0].on_disk(),
    ):
        pass
    assert not list((tiny_disk / "temp").iterdir())


def test_files_may_not_grow(tmp_path: Path) -> None:
    assert finish(start(tmp_path, 1))[0] == 0
    before = files_of(tmp_path)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    code, out = finish(start(tmp_path, 2, limit=limit))
    assert (code, "StorageError" in out, "is full" in out) == (3, True, True), out
    assert files_of(tmp_path) == before
    assert check_whole(tmp_path) == 1


def test_a_file_in_the_way_of_the_home(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("mine")
    with (
        pytest.raises(StorageError, match="in the way"),
        Lake(tmp_path / "home" / "lake").writing(),
    ):
        pass
    assert (tmp_path / "home").read_text() == "mine"


def test_a_read_only_home(tmp_path: Path) -> None:
    assert finish(start(tmp_path, 1))[0] == 0
    if subprocess.run(["mount", "--bind", tmp_path, tmp_path], check=False).returncode:
        pytest.skip("mounting a read-only folder is not permitted here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", tmp_path], check=True)
        code, out = finish(start(tmp_path, 2))
        assert (code, "may not be written" in out) == (3, True), out
        assert check_whole(tmp_path) == 1
    finally:
        subprocess.run(["umount", tmp_path], check=True)
