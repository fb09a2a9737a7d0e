"""Restoring: whatever happens, the home is the old one or the new one, and never a mix."""

from __future__ import annotations

import io
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.doors.cli.context import Call
from segue.errors import BusyError, ConfigError, NotReadyError, StorageError, WarehouseError
from segue.flows.backup import Wanted, backup, backup_to_stream, verify
from segue.flows.restore import restore
from segue.flows.unfinished import finish
from segue.flows.wiring import Wiring
from segue.music.lake_tables import PLAYS
from segue.progress import Silent
from segue.settings import Settings
from segue.sources.base import Chunk
from segue.warehouse.archive_format import About
from segue.warehouse.archive_writer import InMemory, write_archive
from segue.warehouse.home_journal import JOURNAL, STAGED
from segue.warehouse.home_lock import HomeLock
from segue.warehouse.lake import Lake
from segue.warehouse.lake_folder import LakeFolder
from tests.support import NOW, play_rows, reject_rows

REPO = Path(__file__).parents[2]
QUIET = Silent()


def fill(home: Path, song: str) -> None:
    """One import, an experiment, a playlist and settings, all of which tell the song."""
    lake = Lake(home / "lake", threads=1)
    with lake.writing(), lake.begin("history", Path("a"), user_id="ann", name="") as new:
        new.file("a.json", "list")
        rejects = reject_rows(("a.json", 2, "podcast"))
        new.stage("a.json", Chunk(PLAYS, play_rows((0, "Nina", song)), rejects))
        new.commit(NOW)
    for name in ("experiments/a/experiment.json", "playlists/Küche 1.m3u8", "tuning/als.jsonl"):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(song)
    (home / "segue.toml").write_text(f'user_id = "{song}"\n')


def content(home: Path) -> dict[str, bytes]:
    """Every file that counts; those put aside and locks do not."""
    files = [path for path in home.rglob("*") if path.is_file() and path.name != "lock"]
    names = {path: path.relative_to(home).as_posix() for path in files}
    return {
        names[path]: path.read_bytes() for path in files if not names[path].startswith("before-")
    }


def archive_of(home: Path, target: Path, what: Wanted | None = None) -> Path:
    backup(
        home, target, lake=LakeFolder(home / "lake"), what=what or Wanted(), progress=QUIET, now=NOW
    )
    return target


def bring(home: Path, archive: Path, *, replace: bool = False) -> None:
    home.mkdir(exist_ok=True)
    with archive.open("rb") as stream:
        restore(
            HomeLock(home), stream, archive, replace=replace, size=None, progress=QUIET, now=NOW
        )


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40)
KEPT = st.dictionaries(
    st.tuples(st.sampled_from(["experiments", "tuning", "playlists"]), NAMES, NAMES).filter(
        lambda path: not any(part.startswith(".") or part == "lock" for part in path)
    ),
    st.binary(max_size=2000),
    max_size=4,
)


@settings(deadline=None, max_examples=25)
@given(files=KEPT, toml=st.none() | st.sampled_from(['user_id = "ann"\n', "# nothing\n"]))
def test_any_small_home_there_and_back(
    tmp_path_factory: pytest.TempPathFactory, files: dict[tuple[str, ...], bytes], toml: str | None
) -> None:
    folder = tmp_path_factory.mktemp("any")
    home = folder / "home"
    for parts, written in files.items():
        home.joinpath(*parts).parent.mkdir(parents=True, exist_ok=True)
        home.joinpath(*parts).write_bytes(written)
    if toml is not None:
        home.mkdir(exist_ok=True)
        (home / "segue.toml").write_text(toml)
    if not files and toml is None:
        with pytest.raises(NotReadyError, match="nothing to back up"):
            archive_of(home, folder / "b.tar")
        return
    bring(folder / "back", archive_of(home, folder / "b.tar"))
    assert content(folder / "back") == content(home)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    fill(tmp_path / "home", "Old")
    (tmp_path / "home" / "warehouse").mkdir()
    (tmp_path / "home" / "warehouse" / "segue.duckdb").write_text("Old")
    return tmp_path / "home"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    fill(tmp_path / "other", "New")
    return archive_of(tmp_path / "other", tmp_path / "b.tar")


def test_an_empty_home_becomes_what_was_backed_up(tmp_path: Path, archive: Path) -> None:
    bring(tmp_path / "home", archive)
    assert content(tmp_path / "home") == content(tmp_path / "other")
    assert len(Lake(tmp_path / "home" / "lake").rows("plays")) == 1
    for path in (tmp_path / "home").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600


def test_a_home_that_holds_something_is_refused_or_put_aside(old: Path, archive: Path) -> None:
    before = content(old)
    with pytest.raises(WarehouseError, match=r"not empty: it holds .*lake.*segue\.toml"):
        bring(old, archive)
    assert content(old) == before
    bring(old, archive, replace=True)
    assert content(old) == content(old.parent / "other")
    bring(old, archive, replace=True)
    first, second = sorted(path for path in old.iterdir() if path.name.startswith("before-"))
    assert content(first) == before
    assert content(second) == content(old)


@pytest.mark.parametrize(
    ("step", "times", "is_new"),
    [
        ("staged", 1, False),
        ("noted", 1, True),
        *[("put aside", times, True) for times in range(1, 7)],
        *[("put in place", times, True) for times in range(1, 6)],
        ("before the end", 1, True),
    ],
)
def test_killed_at_a_step(old: Path, archive: Path, step: str, times: int, is_new: bool) -> None:
    before = content(old)
    worker = [sys.executable, "-m", "tests.unit.restore_worker"]
    command = [*worker, str(old), str(archive), step, str(times)]
    environment = os.environ | {"PYTHONPATH": f"{REPO / 'src'}{os.pathsep}{REPO}"}
    killed = subprocess.run(command, cwd=REPO, env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    Call(home=old, quiet=True).settings()  # what every command begins with
    assert not (old / JOURNAL).exists()
    assert not (old / STAGED).exists()
    assert content(old) == (content(old.parent / "other") if is_new else before)
    if is_new:
        (aside,) = [path for path in old.iterdir() if path.name.startswith("before-")]
        assert content(aside) == before


@pytest.mark.parametrize("length", [0.1, 0.5, 0.9, 0.999])
def test_a_backup_that_is_cut_changes_nothing(old: Path, archive: Path, length: float) -> None:
    before = content(old)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * length)])
    with pytest.raises(WarehouseError, match="damaged"):
        bring(old, archive, replace=True)
    assert content(old) == before
    assert not [path for path in old.iterdir() if path.name.startswith((".", "before-"))]


def test_a_backup_whose_lake_is_of_a_newer_segue(tmp_path: Path, archive: Path) -> None:
    (manifest,) = (tmp_path / "other" / "lake" / "commits").iterdir()
    stream = io.BytesIO()
    lake = LakeFolder(tmp_path / "other" / "lake")
    backup_to_stream(tmp_path / "other", stream, lake=lake, what=Wanted(), progress=QUIET, now=NOW)
    assert stream.getvalue() == archive.read_bytes()
    newer = re.sub(rb'"version": \d', b'"version": 99', manifest.read_bytes())
    with archive.open("wb") as out:
        name = f"lake/commits/{manifest.name}"
        write_archive(out, About("9.0", NOW, ("lake",)), [InMemory(name, newer)])
    with pytest.raises(WarehouseError, match=r"cannot be used.*version 99.*nothing was restored"):
        bring(tmp_path / "home", archive)
    missing = manifest.read_bytes()
    with archive.open("wb") as out:
        write_archive(out, About("9.0", NOW, ("lake",)), [InMemory(name, missing)])
    with pytest.raises(WarehouseError, match=r"does not hold .*parquet"):
        bring(tmp_path / "home", archive)
    assert content(tmp_path / "home") == {}


def test_a_home_in_use_is_left_alone(old: Path, archive: Path) -> None:
    other = HomeLock(old)
    with pytest.raises(BusyError):
        bring(old, archive, replace=True)
    del other
    with HomeLock(old).alone("restore"), pytest.raises(BusyError, match="restore"):
        Wiring(Settings(home=old)).lake.commits()


def test_what_a_killed_restore_left_does_not_keep_others_out(old: Path) -> None:
    (old / STAGED / "lake").mkdir(parents=True)
    other = HomeLock(old)
    Call(home=old, quiet=True).settings()
    assert (old / STAGED).exists()
    del other
    Call(home=old, quiet=True).settings()
    assert not (old / STAGED).exists()


def test_what_a_newer_segue_began_is_left_to_it(old: Path) -> None:
    (old / JOURNAL).write_text('{"verb": "teleport"}')
    before = content(old)
    with pytest.raises(WarehouseError, match="newer Segue began with “teleport”"):
        finish(Settings(home=old), QUIET)
    assert content(old) == before


def test_an_older_backup_is_replaced_and_nothing_else_is(tmp_path: Path, archive: Path) -> None:
    before = archive.read_bytes()
    (tmp_path / "other" / "segue.toml").write_text('user_id = "third"\n')
    archive_of(tmp_path / "other", archive)
    assert archive.read_bytes() != before
    (tmp_path / "letter.doc").write_text("Dear Ann")
    (tmp_path / "link.tar").symlink_to(archive)
    for name in ("letter.doc", "link.tar"):
        with pytest.raises(ConfigError, match="no backup of Segue"):
            archive_of(tmp_path / "other", tmp_path / name)
    assert (tmp_path / "letter.doc").read_text() == "Dear Ann"
    with pytest.raises(StorageError, match="there is no folder"):
        archive_of(tmp_path / "other", tmp_path / "nowhere" / "b.tar")
    assert sorted(path.name for path in tmp_path.glob("*.tar")) == ["b.tar", "link.tar"]
    assert not list(tmp_path.glob(".*"))


def test_a_damaged_file_of_the_lake_is_not_backed_up(old: Path, tmp_path: Path) -> None:
    (plays,) = (old / "lake" / "plays").rglob("*.parquet")
    plays.write_bytes(plays.read_bytes()[:-1] + b"x")
    with pytest.raises(WarehouseError, match="has changed since it was written"):
        archive_of(old, tmp_path / "b.tar")
    plays.unlink()
    with pytest.raises(BusyError, match="taken away"):
        archive_of(old, tmp_path / "b.tar")
    assert not list(tmp_path.glob("*.tar")) and not list(tmp_path.glob(".*"))


def test_verify_says_what_is_in_it(archive: Path) -> None:
    with archive.open("rb") as stream:
        report = verify(stream, archive, size=None, progress=QUIET)
    assert report.bytes == archive.stat().st_size
    assert report.about.facts == {
        "imports": 1,
        "last_import": "00000001-20260115T120000Z",
        "rows": 1,
    }
    assert report.about.parts == ("lake", "segue.toml", "experiments", "tuning", "playlists")
