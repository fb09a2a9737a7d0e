"""Jobs: commands beside whoever asked, whatever becomes of either."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from segue.errors import BusyError, ConfigError, StorageError, UnknownJobError
from segue.flows.jobs import cancel_job, job, job_log, jobs, start_job, wait_for_job
from segue.jobs import launch, record
from segue.jobs.base import Job
from segue.jobs.report import JobReport
from segue.jobs.store import JobStore

NOW: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
LASTS: Final = ("dev", "fake-spotify", "--port", "0")
SOON_S: Final = 60.0


def _begun(home: Path, found: Job) -> int:
    """The number of its process, once it has said something."""
    path = home / "jobs" / f"{found.job_id}.job"
    while not job_log(home, found.job_id).text:
        assert not job(home, found.job_id).is_over, job_log(home, found.job_id).text
    return record.read(path).pid


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home; what runs in it is ended with the test."""
    yield tmp_path
    for one in jobs(tmp_path):
        cancel_job(tmp_path, one.job_id)


def test_what_a_job_did_and_said_is_kept(home: Path) -> None:
    good = start_job(home, "look", ("--version",), now=NOW, user="ann")
    bad = start_job(home, "build", ("build",), now=NOW + timedelta(seconds=1))
    assert good.state == "waiting"
    assert wait_for_job(home, good.job_id, seconds=SOON_S).state == "done"
    failed = wait_for_job(home, bad.job_id, seconds=SOON_S)
    assert (failed.state, failed.exit_code) == ("failed", 1)
    assert failed.words == "there is nothing to build from yet"
    assert job_log(home, good.job_id).text.startswith("segue ")
    assert job_log(home, good.job_id).is_all
    said = job_log(home, bad.job_id).text
    assert job_log(home, bad.job_id, after=7).text == said[7:]
    assert [one.kind for one in jobs(home)] == ["build", "look"]
    assert [one.user for one in jobs(home, kind="look")] == ["ann"]
    for path in (home / "jobs").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    JobStore(home / "jobs").forget("ann")
    assert [one.kind for one in jobs(home)] == ["build"]
    assert not list((home / "jobs").glob("*look*"))


def test_one_of_a_kind_runs_at_a_time_and_can_be_ended(home: Path) -> None:
    first = start_job(home, "stand-in", LASTS, now=NOW)
    with pytest.raises(BusyError, match=first.job_id):
        start_job(home, "stand-in", LASTS, now=NOW)
    _begun(home, first)
    assert job(home, first.job_id).state == "running"
    ended = cancel_job(home, first.job_id)
    assert (ended.state, ended.exit_code) == ("cancelled", 128 + signal.SIGTERM)
    assert cancel_job(home, first.job_id) == ended


def test_a_job_that_was_killed_is_lost_and_in_nobodys_way(home: Path) -> None:
    first = start_job(home, "stand-in", LASTS, now=NOW)
    os.kill(_begun(home, first), signal.SIGKILL)
    lost = wait_for_job(home, first.job_id, seconds=SOON_S)
    assert (lost.state, lost.exit_code) == ("lost", None)
    assert "never said how it ended" in lost.words
    again = start_job(home, "stand-in", ("--version",), now=NOW + timedelta(seconds=1))
    assert wait_for_job(home, again.job_id, seconds=SOON_S).state == "done"
    assert job(home, first.job_id).state == "lost"


def _open_and_die(folder: Path) -> None:
    JobStore(folder).open("build", ("build",), user="", now=NOW)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_starter_that_is_killed_leaves_a_lost_job_and_no_block(home: Path) -> None:
    killed = multiprocessing.get_context("fork").Process(
        target=_open_and_die, args=(home / "jobs",)
    )
    killed.start()
    killed.join(60)
    assert killed.exitcode == -signal.SIGKILL
    store = JobStore(home / "jobs")
    _, handle = store.open("build", ("build",), user="", now=NOW)
    os.close(handle)
    assert [one.state for one in jobs(home)] == ["lost", "lost"]


def test_a_job_outlives_the_process_that_began_it(home: Path) -> None:
    starts = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from segue.flows.jobs import start_job\n"
        f"begun = start_job(Path(sys.argv[1]), 'stand-in', {LASTS!r}, now=datetime.now(UTC))\n"
        "print(begun.job_id)"
    )
    done = subprocess.run(
        [sys.executable, "-c", starts, str(home)], capture_output=True, text=True, check=True
    )
    found = job(home, done.stdout.strip())
    pid = _begun(home, found)
    assert os.getsid(pid) == pid, "no hang-up and no Ctrl-C reaches it"
    assert job(home, found.job_id).state == "running"


def test_a_job_in_another_container_is_told_by_a_file_and_no_number_is_trusted(home: Path) -> None:
    found = start_job(home, "stand-in", LASTS, now=NOW)
    _begun(home, found)
    path = home / "jobs" / f"{found.job_id}.job"
    assert record.read(path).place == record.here() != ""
    launch.end(path, here="another")
    ended = wait_for_job(home, found.job_id, seconds=SOON_S)
    assert (ended.state, ended.exit_code) == ("failed", 143), "nobody has asked the store"
    other = start_job(home, "stand-in", LASTS, now=NOW)
    _begun(home, other)
    launch.end(home / "jobs" / f"{other.job_id}.job", at_once=True, here="another")
    assert wait_for_job(home, other.job_id, seconds=SOON_S).state == "lost"


def test_the_wish_of_another_container_goes_nowhere_when_a_job_is_over(home: Path) -> None:
    begun, handle = JobStore(home / "jobs").open("build", ("build",), user="", now=NOW)
    path = home / "jobs" / f"{begun.job_id}.job"
    record.write(handle, record.LifeRecord(os.getpid(), "another", started_us=1))
    os.close(handle)
    launch.end(path, at_once=True)
    assert not record.wish_path(path).exists()


def test_of_many_starts_at_once_one_wins(home: Path) -> None:
    store, won, refused = JobStore(home / "jobs"), [], []
    go = threading.Barrier(6)

    def start() -> None:
        go.wait()
        try:
            won.append(store.open("build", ("build",), user="", now=NOW))
        except BusyError:
            refused.append(1)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(refused)) == (1, 5)
    assert len(list((home / "jobs").glob("*.job"))) == 1, "nothing is left of the others"
    os.close(won[0][1])


def test_progress_and_the_end_are_told(home: Path) -> None:
    store = JobStore(home / "jobs")
    begun, handle = store.open("train", ("train",), user="", now=NOW)
    report = JobReport(handle, lambda: NOW + timedelta(seconds=5))
    report.say("Training: 3 of 4", 0.75, at_once=True)
    seen = store.one(begun.job_id)
    assert (seen.state, seen.progress, seen.words) == ("running", 0.75, "Training: 3 of 4")
    report.end(0)
    report.end(70)
    report.say("too late", None, at_once=True)
    assert store.one(begun.job_id).state == "running", "until its process is gone"
    os.close(handle)
    done = store.one(begun.job_id)
    assert (done.state, done.words) == ("done", "Training: 3 of 4")
    assert done.ended_at == NOW + timedelta(seconds=5)
    assert json.loads(json.dumps(done.as_dict()))["asked_at"] == "2026-11-20T12:00:00+00:00"


def test_a_full_disk_is_told_and_begins_nothing(home: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    soft = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StorageError, match="no job was begun"):
            start_job(home, "build", ("build",), now=NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((home / "jobs").iterdir())
    begun, handle = JobStore(home / "jobs").open("build", ("build",), user="", now=NOW)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        JobReport(handle, lambda: NOW).end(1, "the disk is full")
        os.close(handle)
        found = job(home, begun.job_id)  # which cannot be noted now
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (found.state, found.words) == ("failed", "the disk is full")
    assert job(home, begun.job_id) == found


def test_old_jobs_and_stray_files_go(home: Path) -> None:
    store = JobStore(home / "jobs")
    for days in (100, 3):
        begun, handle = store.open("build", ("build",), user="", now=NOW - timedelta(days=days))
        os.close(handle)
        assert store.one(begun.job_id).state == "lost"
    stray = home / "jobs" / "nobody.log"
    stray.write_text("…")
    os.utime(stray, (0, 0))
    begun, handle = store.open("build", ("build",), user="", now=NOW)
    os.close(handle)
    assert [one.asked_at for one in store.all()] == [NOW, NOW - timedelta(days=3)]
    assert not stray.exists()
    assert len(list((home / "jobs").glob("*.job"))) == 2


@pytest.mark.parametrize("kind", ["", "Build", "a b", "../x", "-", "a" * 41])
def test_kinds_are_plain_names(home: Path, kind: str) -> None:
    with pytest.raises(ConfigError, match="a job cannot be called"):
        start_job(home, kind, ("build",), now=NOW)


def test_what_is_not_there_is_told(home: Path) -> None:
    assert jobs(home) == ()
    for ask in (job, job_log, cancel_job, wait_for_job):
        with pytest.raises(UnknownJobError, match=r"no job “\.\./\.\./etc”"):
            ask(home, "../../etc")
    with pytest.raises(ConfigError, match="needs a command"):
        start_job(home, "build", (), now=NOW)
    assert not (home / "jobs").exists(), "looking makes nothing"


def test_a_log_is_read_in_parts_that_are_whole_characters(home: Path) -> None:
    store = JobStore(home / "jobs")
    begun, handle = store.open("build", ("build",), user="", now=NOW)
    log = store.log_path(begun.job_id)
    log.write_bytes("né".encode()[:2])
    part = job_log(home, begun.job_id)
    assert (part.text, part.after, part.is_all) == ("n", 1, False)
    log.write_bytes("né".encode())
    assert job_log(home, begun.job_id, part.after).text == "é"
    os.close(handle)
    log.write_bytes(b"n\xc3")
    assert job_log(home, begun.job_id, 1).text == "�"
    assert job_log(home, begun.job_id, 99).text == ""
