"""`segue forget`: nothing of whoever is forgotten is left anywhere, and all else is."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.events.sqlite_log import SqliteLog
from segue.music.event import Event
from segue.music.lake_tables import LAKE_TABLES, PLAYS
from segue.sources.base import Chunk
from segue.warehouse.experiments import Experiment, ExperimentStore, Record
from segue.warehouse.lake import Lake
from tests.doors.home import Home
from tests.support import play_rows

pytestmark = pytest.mark.xdist_group("forget")

ANNA = "anna-karenina"
AT = datetime(2026, 1, 1, tzinfo=UTC)
SONG = "Zanzibar Unheard Of"
REPO = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def full(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which two people have left something in every place there is."""
    folder = tmp_path_factory.mktemp("full")
    home = Home(folder / "home")
    home("import", export).ok()
    lines = "".join(f"Band,Album,{SONG},{day:02d} Jan 2024 10:00\n" for day in range(1, 20))
    head, bad = "artist,album,track,date\n", f"Band,Album,{SONG},not a time\n"
    (folder / f"{ANNA}.csv").write_text(head + lines + bad)
    home("import", "--user", ANNA, folder / f"{ANNA}.csv").ok()
    home("build").ok()
    home("feedback", "like", "--user", ANNA, f"Band - {SONG}").ok()
    experiments = ExperimentStore(home.folder / "experiments")
    for name, users in (("both", ("me", ANNA)), ("hers", (ANNA,))):
        experiments.start(Experiment(name, "als", "ease", "daily", 1, (), 1, AT))
        for user in users:
            experiments.add(name, partial(_record, user))
    log = SqliteLog(home.folder / "events" / "events.sqlite")
    events = [Event(f"{user} 1", user, "t1", "play", AT) for user in (ANNA, "me")]
    log.append(events, AT).result()
    log.close()
    bundle = "models/0123456789abcdef"
    for name in (
        "tuning/als.jsonl",
        "snapshots/failed.json",
        "fault.log",
        f"{bundle}/als/users.npy",
        f"playlists/u-{ANNA}/published/spotify=p1.json",
        f"playlists/u-{ANNA}/archive/spotify_x.jsonl",
        "models/current",
    ):
        (home.folder / name).parent.mkdir(exist_ok=True, parents=True)
        (home.folder / name).write_text(f"{ANNA} {SONG}")
    return home


def _record(user_id: str, number: int) -> Record:
    return Record(number, user_id, AT, ())


@pytest.fixture
def home(full: Home, tmp_path: Path) -> Home:
    """A copy of it, to change."""
    shutil.copytree(full.folder, tmp_path / "home")
    return Home(tmp_path / "home")


def traces(folder: Path, *words: str) -> set[str]:
    """Files that hold one of the words, in their bytes or in what Parquet unpacks to."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += repr(pq.read_table(path, partitioning=None).to_pydict()).encode()
            if any(word.encode() in content for word in words):
                found.add(path.relative_to(folder).as_posix())
    return found


def rows_of(home: Home) -> list[tuple[str, dict[str, Any]]]:
    """All rows of the lake that are not hers."""
    lake = Lake(home.folder / "lake")
    return [
        (table, row)
        for table in LAKE_TABLES
        for row in lake.rows(table).drop_columns(["file_no"]).to_pylist()
        if row.get("user_id") != ANNA
    ]


def check_gone(home: Home, before: list[tuple[str, dict[str, Any]]]) -> None:
    """Nothing of hers is here; everything else is, and can be built."""
    assert traces(home.folder, ANNA, SONG) == set()
    assert not (home.folder / "unfinished.json").exists()
    assert rows_of(home) == before
    assert not list((home.folder / "snapshots").glob("*/*"))
    assert not list((home.folder / "models").glob("*/*"))
    assert not list((home.folder / "warehouse").glob("segue*"))
    assert [path.name for path in (home.folder / "experiments" / "both").glob("playlist*")] == [
        "playlist-000001.json"
    ]
    assert not (home.folder / "experiments" / "hers").exists()
    log = SqliteLog(home.folder / "events" / "events.sqlite")
    assert [one.event.user_id for one in log.read(0)] == ["me"]
    log.close()


def test_nothing_of_a_user_is_left(full: Home, home: Home, tmp_path: Path) -> None:
    before = rows_of(home)
    where = {name.partition("/")[0] for name in traces(home.folder, ANNA, SONG)}
    everywhere = {"lake", "warehouse", "snapshots", "models", "experiments"}
    assert where == everywhere | {"events", "playlists", "tuning", "fault.log"}
    shown = home("forget", "--user", ANNA, "--dry-run").ok().out
    assert "19  plays from lastfm" in shown
    assert traces(home.folder, ANNA) == traces(full.folder, ANNA)
    told = home("forget", "--user", ANNA, "--yes", "--json").ok().json
    assert told["done"] is True
    assert {(row["table"], row["rows"]) for row in told["rows"]} == {("plays", 19), ("feedback", 1)}
    assert (told["rejects"], told["experiments"], told["events"]) == (1, 2, True)
    assert told["left"] == ["me"]
    check_gone(home, before)
    home("recommend").refused("segue train")
    home("build").ok()
    assert [
        user["user_id"] for user in home("status", "--json").ok().json["snapshot"]["users"]
    ] == ["me"]
    assert traces(home.folder, ANNA, SONG) == set()
    home("forget", "--user", ANNA, "--yes").refused("no user", "Known are: me")
    export = next(full.folder.parent.glob("*.csv"))
    assert home("import", "--user", ANNA, export, "--json").ok().json["total"]["kept"] == 19


def test_of_one_source_only(home: Home) -> None:
    """Hers from Last.fm goes, from everywhere; her words stay."""
    before = rows_of(home)
    home("forget", "--user", ANNA, "--source", "koito", "--yes").refused(
        "nothing of user", "from: lastfm, segue", code=2
    )
    told = home("forget", "--source", "lastfm", "--yes", "--json").ok().json
    assert (told["user"], told["rejects"], told["experiments"]) == (None, 1, 0)
    assert rows_of(home) == before
    left = {name for name in traces(home.folder, ANNA, SONG) if not name.startswith("lake/")}
    assert left <= {"events/events.sqlite"} | {
        name for name in left if name.startswith(("experiments/", "playlists/"))
    }
    (feedback,) = (home.folder / "lake" / "feedback").rglob("*.parquet")
    assert pq.read_table(feedback, partitioning=None)["user_id"].to_pylist() == [ANNA]
    home("build").ok()
    home("forget", "--source", "lastfm", "--yes").refused("nothing from “lastfm”", code=2)


STEPS = "noted manifest manifests files lake warehouse snapshots models person"


@pytest.mark.parametrize("step", STEPS.split())
def test_killed_at_a_step(home: Home, step: str) -> None:
    before = rows_of(home)
    killed = subprocess.run(
        [sys.executable, "-m", "tests.doors.forget_worker", str(home.folder), ANNA, step],
        cwd=REPO,
        env=os.environ | {"PYTHONPATH": f"{REPO / 'src'}{os.pathsep}{REPO}"},
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (home.folder / "unfinished.json").exists()
    said = home("status").ok()
    assert "Finishing an interrupted forget" in said.err
    check_gone(home, before)


@pytest.mark.parametrize("step", ["thinned", "before manifest", "manifest", "manifests"])
def test_killed_while_files_of_many_users_are_written_again(home: Home, step: str) -> None:
    lake = Lake(home.folder / "lake")
    for minute in (1, 2):
        crowd = [
            play_rows((minute, "Band", f"Song {n}"), user_id=f"u{n}", source="app")
            for n in range(20)
        ]
        crowd.append(play_rows((minute, "Band", SONG), user_id=ANNA, source="app"))
        with lake.writing(), lake.begin("events", lake.folder, user_id="", name="events") as new:
            new.file("events", "events")
            new.stage("events", Chunk(PLAYS, pa.concat_tables(crowd)))
            new.commit(AT)
    before = rows_of(home)
    shown = home("forget", "--user", ANNA, "--dry-run", "--json").ok().json
    assert {(row["source"], row["rows"]) for row in shown["rows"]} >= {("app", 2)}
    assert len(shown["left"]) == 21
    test_killed_at_a_step(home, step)
    assert rows_of(home) == before
    home("forget", "--user", "u1", "--source", "lastfm", "--yes").refused("from: app", code=2)
    if step == "manifest":  # of the same rows as after any other
        home("build").ok()
        assert len(home("status", "--json").ok().json["snapshot"]["users"]) == 21


def test_killed_at_any_moment(home: Home, full: Home) -> None:
    before = rows_of(home)
    for wait in (0.0, 0.03, 0.1):
        running = home.start("-q", "forget", "--user", ANNA, "--yes")
        while not (home.folder / "unfinished.json").exists() and running.poll() is None:
            time.sleep(0.0005)
        time.sleep(wait)
        running.kill()
        running.wait()
        home("status", "--json").ok()
        check_gone(home, before)
        shutil.rmtree(home.folder)
        shutil.copytree(full.folder, home.folder)


def test_a_person_is_asked_and_a_program_must_say_yes(home: Home) -> None:
    trace = traces(home.folder, ANNA)
    home("forget", "--user", ANNA).refused("nobody has agreed", "--yes", code=2)
    home("forget", "--user", ANNA, "--json").refused("nobody has agreed", code=2)
    home("forget").refused("nobody is named", code=2)
    assert traces(home.folder, ANNA) == trace
    for answer, code in ((b"n\n", 1), (b"y\n", 0)):
        ours, theirs = pty.openpty()
        os.write(ours, answer)
        done = subprocess.run(
            home.command("forget", "--user", ANNA),
            stdin=theirs,
            capture_output=True,
            text=True,
            env=home.environment(),
        )
        os.close(ours)
        os.close(theirs)
        assert "Remove it for good?" in done.stderr
        assert "will go" in done.stdout
        assert done.returncode == code, done.stderr
        assert (traces(home.folder, ANNA) == trace) == (code == 1)


def test_older_homes_in_the_home_forget_too(home: Home, tmp_path: Path) -> None:
    home("backup", tmp_path / "b.tar").ok()
    home("restore", tmp_path / "b.tar", "--replace").ok()
    (aside,) = home.folder.glob("before-*")
    assert traces(aside, ANNA)
    told = home("forget", "--user", ANNA, "--yes", "--json").ok().json
    assert told["asides"] == [aside.name]
    assert traces(home.folder, ANNA, SONG) == set()
    assert Lake(aside / "lake").verify() == ()
    assert rows_of(Home(aside)) == rows_of(home)


def test_whoever_is_alone_takes_the_playlists_along(home: Home) -> None:
    (home.folder / "playlists").mkdir(exist_ok=True)
    (home.folder / "playlists" / "mine.m3u").write_text("a song")
    home("forget", "--user", ANNA, "--yes").ok()
    assert list((home.folder / "playlists").iterdir())
    said = home("forget", "--user", "me", "--yes").ok().out
    assert "1  files of playlists" in said
    assert not list((home.folder / "playlists").iterdir())
    assert [row for row in rows_of(home) if "user_id" in row[1]] == []
    home("status").ok()


@pytest.fixture
def holder(home: Home) -> Iterator[subprocess.Popen[str]]:
    """Another command that is at work in the home for a while."""
    code = (
        "import sys; from pathlib import Path; from segue.warehouse.home_lock import HomeLock\n"
        "here = HomeLock(Path(sys.argv[1])); print('in', flush=True); sys.stdin.readline()"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code, str(home.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=home.environment(),
    )
    assert running.stdout is not None
    running.stdout.readline()
    yield running
    running.kill()
    running.communicate()


def test_what_others_use_is_forgotten_after_them(home: Home, holder: subprocess.Popen[str]) -> None:
    trace = traces(home.folder, ANNA)
    home("forget", "--user", ANNA, "--yes").refused("are in use", "run this again")
    assert set(trace) - set(traces(home.folder, ANNA)) == {"events/events.sqlite"}
    assert holder.poll() is None
    home("status").ok()


def test_a_damaged_lake_is_not_touched(home: Home) -> None:
    manifest = min((home.folder / "lake" / "commits").iterdir())
    manifest.write_text("{")
    trace = traces(home.folder, ANNA)
    home("forget", "--user", ANNA, "--yes").refused("cannot be read")
    assert traces(home.folder, ANNA) == trace
    assert not (home.folder / "unfinished.json").exists()
