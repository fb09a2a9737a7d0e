"""Faults around a command: signals, pipes, full devices, locales, strange homes, damage."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.home import Home

NAMES = "Sigur Rós – Ára bátur"


def _started(home: Home, *arguments: str | Path, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        home.command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=home.environment(**more),
        start_new_session=True,
    )


def _shell(home: Home, line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A command line of bash in which $SEGUE stands for the command."""
    segue = subprocess.list2cmdline(home.command())
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'segue() {{ {segue} "$@"; }}\n{line}'],
        capture_output=True,
        env=home.environment(**environment),
        timeout=120,
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(disk)], capture_output=True
    )
    if made.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def _fill(disk: Path) -> None:
    handle = os.open(disk / "filler", os.O_WRONLY | os.O_CREAT)
    try:
        with pytest.raises(OSError, match="No space"):
            while True:
                os.write(handle, b"x" * 4096)
    finally:
        os.close(handle)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_simulation_ends_at_once_with_its_workers(
    home: Home, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    size = ("--users", "3000", "--tracks", "20000", "--histories", "8", "--workers", "2")
    running = _started(home, "simulate", tmp_path / "world", *size, "--history-plays", "90000")
    assert running.stderr is not None
    while "catalogue" not in running.stderr.readline():
        assert running.poll() is None
    time.sleep(1)
    began = time.monotonic()
    os.killpg(running.pid, number)
    _, said = running.communicate(timeout=30)  # would wait for ever for a worker that stayed
    assert time.monotonic() - began < 5
    assert running.returncode == code
    assert said.count("safe") == 1
    assert "Traceback" not in said
    assert "Exception" not in said
    assert not (tmp_path / "world").exists()


def test_the_workers_of_a_killed_simulation_leave_too(home: Home, tmp_path: Path) -> None:
    size = ("--users", "3000", "--tracks", "20000", "--histories", "8", "--workers", "2")
    running = _started(home, "simulate", tmp_path / "world", *size, "--history-plays", "90000")
    assert running.stderr is not None
    while "catalogue" not in running.stderr.readline():
        assert running.poll() is None
    time.sleep(1)
    running.kill()
    running.communicate(timeout=30)
    home("simulate", tmp_path / "world", "--users", "3", "--tracks", "200", "--workers", "2").ok()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["world"]


def test_an_interrupted_import_leaves_nothing(home: Home, export: Path) -> None:
    for wait in (0.4, 0.6, 0.8, 1.0):
        running = _started(home, "import", export)
        time.sleep(wait)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
        if running.returncode == 0:
            break  # it was done before
        assert running.returncode == 130
        assert "interrupted" in said
        assert "Traceback" not in said
        assert not (home.folder / "lake" / "staging").exists()
    total = home("import", "--json", export).ok().json["total"]
    assert total["kept"] in (0, total["read"] - sum(total["rejected"].values()))


@pytest.mark.xdist_group("trained")
@pytest.mark.parametrize("arguments", ["recommend", "recommend --size 1000 --json", "status"])
def test_a_reader_that_leaves_early_is_no_error(trained: Home, arguments: str) -> None:
    done = _shell(trained, f"segue {arguments} | head -c 20")
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    assert len(done.stdout) == 20


@pytest.mark.xdist_group("trained")
@pytest.mark.parametrize(
    "arguments", ["recommend", "recommend --json", "status --json", "--version"]
)
def test_output_that_cannot_be_written_is_an_error_in_words(trained: Home, arguments: str) -> None:
    done = _shell(trained, f"segue {arguments} > /dev/full")
    assert done.returncode == 1
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.xdist_group("trained")
@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&- <&-", "2>/dev/full"])
def test_closed_streams_are_no_error(trained: Home, streams: str) -> None:
    assert _shell(trained, f"segue status {streams}").returncode == 0
    assert _shell(trained, f"segue recommend --json {streams}").returncode == 0


@pytest.mark.xdist_group("trained")
@pytest.mark.parametrize(
    "locale",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
)
def test_names_are_printed_in_any_locale(trained: Home, locale: dict[str, str]) -> None:
    usual = trained("recommend", "--json").ok()
    assert trained("recommend", "--json", **locale).ok().json == usual.json
    assert trained("status", "--json", **locale).ok().json
    assert "Discover" in trained("recommend", **locale).ok().out
    trained("recommend", "--format", "m3u", **locale).ok()
    refused = trained("recommend", "--user", NAMES, "--mix", "rediscover", **locale)
    assert "Traceback" not in refused.err
    assert refused.code in (1, 2)  # 2: bytes that this locale cannot mean


def test_json_is_one_document_when_the_command_line_is_wrong(home: Home) -> None:
    for wrong in (("recommend", "--size", "0"), ("nothing",), ("import",), ("status", "--what")):
        answer = home(*wrong, "--json").refused(code=2)
        assert answer.json["error"]["kind"] == "UsageError"
        assert answer.json["error"]["message"]


def test_an_empty_segue_home_is_as_good_as_none(home: Home, tmp_path: Path) -> None:
    said = home("status", "--json", SEGUE_HOME="", XDG_DATA_HOME=str(tmp_path)).ok().json
    assert said["home"] == str(tmp_path / "segue")


@pytest.mark.xdist_group("trained")
def test_only_the_owner_may_look_into_a_home(trained: Home, tmp_path: Path) -> None:
    for folder in (trained.folder, *trained.folder.iterdir()):
        assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0, folder
    for name in ("mix.txt", "mix.m3u"):  # what is written elsewhere is like any file
        trained("recommend", "-o", tmp_path / name).ok()
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.xdist_group("trained")
def test_a_full_disk_leaves_the_old_playlist(trained: Home, small_disk: Path) -> None:
    for name in ("mix.txt", "mix.m3u"):
        trained("recommend", "--size", "3", "-o", small_disk / name).ok()
        before = (small_disk / name).read_bytes()
        _fill(small_disk)
        trained("recommend", "-o", small_disk / name).refused("No space left")
        assert (small_disk / name).read_bytes() == before
        (small_disk / "filler").unlink()
        assert sorted(path.suffix for path in small_disk.iterdir() if name in path.name) == [
            Path(name).suffix
        ]


def test_a_disk_too_small_for_anything(export: Path, world: Path, small_disk: Path) -> None:
    home = Home(small_disk / "home")
    answer = home("import", "--json", export)
    if answer.code == 0:
        answer = home("build", "--json")
    answer.refused()
    assert "full" in answer.err or "No space left" in answer.err
    assert json.loads(answer.out)
    assert home("status").code == 0
    Home(small_disk / "other")("simulate", small_disk / "world").refused("No space left")
    assert not (small_disk / "world").exists()


def test_a_manifest_of_another_version_is_not_guessed_at(home: Home, export: Path) -> None:
    home("import", export).ok()
    (manifest,) = (home.folder / "lake" / "commits").glob("*.json")
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(told | {"version": 9}))
    for command in (("status",), ("build",), ("import", export)):
        home(*command).refused("version 9", manifest.name)


def test_status_shows_what_is_damaged_and_all_the_rest(trained: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(trained.folder, home.folder)
    (snapshot,) = (home.folder / "snapshots").glob("*/plays.parquet")
    snapshot.write_bytes(b"not Parquet")
    said = home("status").ok().out
    assert "plays.parquet cannot be read" in said
    assert "rows kept" in said
    assert "Trained   bundle" in said
    assert "Next: segue build" in said
    (bundle,) = (home.folder / "models").glob("*/bundle.json")
    bundle.write_text("{")
    assert set(home("status", "--json").ok().json["damaged"]) == {"snapshot", "bundle"}


def test_a_fault_of_ours_goes_to_the_home_that_was_asked_for(home: Home, tmp_path: Path) -> None:
    (tmp_path / "plug.py").write_text("def broken():\n    raise RuntimeError('sorry')\n")
    plugin = tmp_path / "plug-1.dist-info"
    plugin.mkdir()
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1\n")
    (plugin / "entry_points.txt").write_text("[segue.sources]\nplug = plug:broken\n")
    path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    (tmp_path / "in").mkdir()
    for arguments in (("--home", "one"), ("--home=two",)):
        asked = tmp_path / arguments[-1].rpartition("=")[2]
        named = [word.replace(asked.name, str(asked)) for word in arguments]
        said = home(*named, "import", tmp_path / "in", PYTHONPATH=path)
        said.refused("fault inside Segue", str(asked / "fault.log"), code=70)
        assert "sorry" in (asked / "fault.log").read_text()
    assert not (home.folder / "fault.log").exists()


def test_two_demos_at_once(home: Home) -> None:
    first = _started(home, "demo")
    try:
        while not (home.folder / "demo.lock").exists():
            assert first.poll() is None
            time.sleep(0.02)
        time.sleep(0.1)
        home("demo").refused("another demo")
    finally:
        first.terminate()
        _, said = first.communicate(timeout=30)
    assert first.returncode == 143
    assert "Traceback" not in said
