"""`segue backup` and `segue restore` as a person uses them."""

from __future__ import annotations

import os
import pty
import resource
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.home import Home


@pytest.fixture(scope="module")
def filled(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with one import and settings; tests only read it."""
    home = Home(tmp_path_factory.mktemp("filled") / "home")
    home("import", export).ok()
    (home.folder / "segue.toml").write_text('[postgresql]\npassword = "hush"\n[plays]\n')
    return home


def lake_of(home: Home) -> dict[str, bytes]:
    lake = home.folder / "lake"
    files = [path for path in lake.rglob("*") if path.is_file() and path.name != "lock"]
    return {path.relative_to(lake).as_posix(): path.read_bytes() for path in files}


def test_there_and_back(filled: Home, home: Home, tmp_path: Path) -> None:
    told = filled("backup", tmp_path / "b.tar", "--json").ok().json
    assert told["facts"]["imports"] == 1
    assert told["left_out"] == ["postgresql.password"]
    assert told["bytes"] == (tmp_path / "b.tar").stat().st_size
    assert stat.S_IMODE((tmp_path / "b.tar").stat().st_mode) == 0o600
    assert "Verified" in home("backup", tmp_path / "b.tar", "--verify").ok().out
    said = home("restore", tmp_path / "b.tar").ok().out
    assert "Restored 1 imports" in said
    assert "Next: segue build" in said
    assert lake_of(home) == lake_of(filled)
    assert (home.folder / "segue.toml").read_text() == "[postgresql]\n[plays]\n"
    home("restore", tmp_path / "b.tar", "--json").refused("not empty", "--replace")
    again = home("restore", tmp_path / "b.tar", "--replace", "--build", "--json").ok()
    assert again.json["rows"]["plays"] > 0
    (aside,) = home.folder.glob("before-*")
    assert (aside / "segue.toml").exists()


def test_a_folder_gets_a_file_that_says_the_time(filled: Home, tmp_path: Path) -> None:
    filled("backup", tmp_path, "--with-secrets").ok()
    (made,) = tmp_path.glob("segue-2*Z.tar")
    assert b"hush" in made.read_bytes()


def test_through_a_pipe(filled: Home, home: Home) -> None:
    done = subprocess.run(
        filled.command("-q", "backup", "-"), capture_output=True, env=filled.environment()
    )
    assert (done.returncode, done.stderr) == (0, b"")
    for command in (("backup", "--verify", "-"), ("restore", "-")):
        got = subprocess.run(
            home.command(*command), input=done.stdout, capture_output=True, env=home.environment()
        )
        assert got.returncode == 0, got.stderr
    assert lake_of(home) == lake_of(filled)
    filled("backup", "-", "--json").refused("standard output", code=2)


@pytest.mark.xdist_group("trained")
def test_with_models_a_restored_home_can_recommend_at_once(
    trained: Home, home: Home, tmp_path: Path
) -> None:
    trained("backup", tmp_path / "b.tar", "--with-models").ok()
    home("restore", tmp_path / "b.tar").ok()
    size = ("--size", "10", "--json")
    assert home("recommend", *size).ok().json == trained("recommend", *size).ok().json


def test_nothing_to_back_up_and_nothing_to_restore(home: Home, tmp_path: Path) -> None:
    home("backup", tmp_path / "b.tar").refused("nothing to back up")
    home("restore", tmp_path / "b.tar").refused("cannot be read", "No such file")
    (tmp_path / "x.tar").write_text("hello")
    home("restore", tmp_path / "x.tar").refused("no backup of Segue")
    home("backup", tmp_path / "x.tar", "--verify").refused("no backup of Segue")
    home("restore", tmp_path).refused("cannot be read")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "x.tar"]


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 1), (b"y\n", 0)])
def test_a_person_is_asked(filled: Home, tmp_path: Path, answer: bytes, code: int) -> None:
    filled("backup", tmp_path / "b.tar").ok()
    home = Home(tmp_path / "home")
    shutil.copytree(filled.folder, home.folder)
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    done = subprocess.run(
        home.command("restore", tmp_path / "b.tar"),
        stdin=theirs,
        capture_output=True,
        text=True,
        env=home.environment(),
    )
    os.close(ours)
    os.close(theirs)
    assert "Put that aside and restore the backup?" in done.stderr
    assert done.returncode == code, done.stderr
    assert len(list(home.folder.glob("before-*"))) == (code == 0)
    assert lake_of(home) == lake_of(filled)


def test_an_interrupted_backup_leaves_nothing(filled: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(filled.folder, home.folder)
    running = subprocess.Popen(
        home.command("backup", tmp_path / "b.tar"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=home.environment(),
    )
    while not (tmp_path / ".b.tar.draft").exists() and running.poll() is None:
        time.sleep(0.001)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode in (0, 130), said
    assert not list(tmp_path.glob(".b.tar*"))
    assert (tmp_path / "b.tar").exists() == (running.returncode == 0)


def test_killed_backups_leave_the_older_one(filled: Home, tmp_path: Path) -> None:
    target = tmp_path / "b.tar"
    filled("backup", target).ok()
    before = target.read_bytes()
    for wait in (0.0, 0.002, 0.004, 0.008, 0.02):
        running = subprocess.Popen(
            filled.command("-q", "backup", target),
            stdout=subprocess.DEVNULL,
            env=filled.environment(),
        )
        while not (tmp_path / ".b.tar.draft").exists() and running.poll() is None:
            time.sleep(0.0005)
        time.sleep(wait)
        running.kill()
        running.wait()
        filled("backup", target, "--verify").ok()
    filled("backup", target).ok()
    assert len(target.read_bytes()) == len(before)
    assert [path.name for path in tmp_path.iterdir()] == ["b.tar"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 300 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(disk)], capture_output=True
    )
    if made.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk(filled: Home, small_disk: Path, tmp_path: Path) -> None:
    filled("backup", tmp_path / "b.tar").ok()
    (small_disk / "filler").write_bytes(b"x" * 200_000)
    filled("backup", small_disk / "b.tar").refused("do not fit", "nothing was changed")
    home = Home(small_disk / "home")
    home("restore", tmp_path / "b.tar").refused("do not fit")
    fed = subprocess.run(  # from a pipe, whose size nobody knows before
        home.command("restore", "-"),
        input=(tmp_path / "b.tar").read_bytes(),
        capture_output=True,
        env=home.environment(),
    )
    assert fed.returncode == 1
    assert b"is full" in fed.stderr
    assert [path.name for path in (small_disk / "home").iterdir()] == ["lock"]


def test_files_may_not_grow(filled: Home, tmp_path: Path) -> None:
    done = subprocess.run(
        filled.command("backup", tmp_path / "b.tar"),
        capture_output=True,
        text=True,
        env=filled.environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    assert done.returncode == 1
    assert "the disk is full; nothing of it was left there" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_two_at_once(filled: Home, tmp_path: Path) -> None:
    both = [
        subprocess.Popen(
            filled.command("-q", "backup", tmp_path / "b.tar"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=filled.environment(),
        )
        for _ in range(2)
    ]
    for one in both:
        _, said = one.communicate(timeout=60)
        assert one.returncode == 0 or "another backup is writing" in said
    assert 0 in [one.returncode for one in both]
    filled("backup", tmp_path / "b.tar", "--verify").ok()
    assert [path.name for path in tmp_path.iterdir()] == ["b.tar"]


def test_an_import_goes_on_while_a_backup_is_made(
    filled: Home, world: Path, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(filled.folder, home.folder)
    importing = subprocess.Popen(
        home.command("-q", "catalogue", "add", world / "catalogue.csv"),
        stdout=subprocess.DEVNULL,
        env=home.environment(),
    )
    made = 0
    while importing.poll() is None or not made:
        made += 1
        home("backup", tmp_path / f"{made}.tar").ok()
    assert importing.returncode == 0
    for number in range(1, made + 1):
        copy = Home(tmp_path / f"copy{number}")
        copy("restore", tmp_path / f"{number}.tar").ok()
        assert copy("status", "--json").ok().json["imports"][0]["kind"] == "history"
