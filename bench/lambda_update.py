"""The weekly update as a function, on a catalogue of 100,000 tracks: does it fit 30 s and 512 MB.

Everything is real but the services: moto's server stands for S3, Secrets Manager and SNS, the fake
Spotify for Spotify. The function is a process in a control group that may use so much memory and
no more, files that it has read or written included; where there are none, RLIMIT_DATA limits what
it allocates. `--share` also limits the processor, as Lambda does in proportion to the memory.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.s3_server import S3Server, keys, s3_server

from segue.fakes.catalogue import Catalogue
from segue.fakes.spotify import FakeSpotify, World
from segue.flows.simulate import simulate
from segue.progress import Silent
from segue.sources.simulation import SimulationSettings

__all__ = ["run"]

TRACKS: Final = 100_000
PLAYS: Final = 30_000
MEMORY_MB: Final = 512
FIRST_MB: Final = 2048
_BUCKET: Final = "segue"
_GROUPS: Final = Path("/sys/fs/cgroup")
_TOLD: Final = 50  # plays that Spotify still tells of a week


def run(memory_mb: int = MEMORY_MB, share: float = 0.0, tracks: int = TRACKS) -> list[str]:
    """A line an invocation: the first ever, then weeks cold and warm, with and without training."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        s3 = stack.enter_context(s3_server())
        spotify = stack.enter_context(_spotify())
        group = stack.enter_context(_group(memory_mb, share))
        large = stack.enter_context(_group(FIRST_MB, 0.0))
        bench = _Bench(folder, s3, spotify, group, _environment(folder, s3, spotify, memory_mb))
        bench.fill_lake(tracks)
        lines = [
            f"{group.words}; {tracks:,} tracks, {PLAYS:,} plays.",
            "",
            "| invocation | start | handler | CPU of both | peak memory | requests to Spotify |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        lines += replace(bench, group=large).invoked(f"first of all, with {FIRST_MB} MB", "cold")
        lines += bench.invoked("a week later, nothing to train", "cold", "warm", train_days=7)
        lines += bench.invoked("a week later, models are due", "cold", "warm", train_days=0)
        return lines


@dataclass
class _Bench:
    folder: Path
    s3: S3Server
    spotify: FakeSpotify
    group: _Group
    environment: dict[str, str]
    tracks: list[str] = field(default_factory=list)
    weeks: int = 0

    def fill_lake(self, tracks: int) -> None:
        """A catalogue and a history, whose tracks the fake Spotify knows."""
        world = self.folder / "world"
        settings = SimulationSettings(
            end=datetime.now(tz=UTC) - timedelta(days=7),
            users=1,
            tracks=tracks,
            history_plays=PLAYS,
            days=1500,
        )
        report = simulate(settings, world, Silent())
        (export,) = report.histories.values()
        self.tracks = _ids(world / "catalogue.csv")
        self.s3.bucket(_BUCKET)
        home = self.folder / "own computer"
        for words in (("import", str(export)), ("catalogue", "add", str(world / "catalogue.csv"))):
            environment = {**self.environment, "SEGUE_HOME": str(home)}
            program = [sys.executable, "-m", "segue.doors.cli", "--quiet", *words]
            subprocess.run(program, env=environment, check=True, stdout=subprocess.DEVNULL)

    def invoked(self, what: str, *starts: str, train_days: float = 7) -> list[str]:
        """A line for each of the invocations of one process, the first of which is cold."""
        shutil.rmtree(self.folder / "home", ignore_errors=True)
        environment = {**self.environment, "SEGUE_UPDATE__TRAIN_DAYS": str(train_days)}
        lines = []
        with self.group.process([sys.executable, "-m", "bench.lambda_update"], environment) as one:
            for start in starts:
                self._week()
                self.group.forget_peak()
                assert one.stdin is not None
                assert one.stdout is not None
                one.stdin.write("go\n")
                one.stdin.flush()
                told = json.loads(one.stdout.readline() or '{"failed": "killed"}')
                if "failed" in told:
                    lines.append(f"| {what}, {start} | | {told['failed']} | | | |")
                    break
                steps = ", ".join(
                    f"{step} {s:.1f}" for step, s in told["steps"].items() if s > 0.05
                )
                lines.append(
                    f"| {what}, {start} ({steps}) | {told['start']:.1f} s | {told['wall']:.1f} s |"
                    f" {told['cpu']:.1f} s | {self.group.peak(told['peak'])} |"
                    f" {told['requests']} |"
                )
        return lines

    def _week(self) -> None:
        """Fifty plays, some of tracks that were never heard, up to now."""
        player, now = self.spotify.world.players["alice"], datetime.now(tz=UTC)
        for n in range(_TOLD):
            track = self.tracks[(self.weeks * _TOLD + n) * 37 % len(self.tracks)]
            player.played(f"spotify:track:{track}", now - timedelta(seconds=(_TOLD - n) * 2))
        self.weeks += 1


def _environment(
    folder: Path, s3: S3Server, spotify: FakeSpotify, memory_mb: int
) -> dict[str, str]:
    app, user = spotify.world.apps["the-app"], spotify.world.users["alice"]
    import boto3

    sns = boto3.client("sns", endpoint_url=s3.url, region_name="us-east-1", **_KEYS)
    told = {
        "AWS_ENDPOINT_URL": s3.url,
        "AWS_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
        "SEGUE_HOME": str(folder / "home"),
        "SEGUE_LAKE": f"s3://{_BUCKET}/lake",
        "SEGUE_STATE": f"s3://{_BUCKET}/home",
        "SEGUE_PLAYLISTS": '[{"when": "every 1 minutes"}]',
        "SEGUE_RECOMMEND__RECENT_HOURS": "0",
        "SEGUE_TRAINING__SOURCES": '["spotify_export", "spotify_api"]',
        "SEGUE_SPOTIFY__API_URL": f"{spotify.url}/v1",
        "SEGUE_SPOTIFY__ACCOUNTS_URL": spotify.url,
        "SPOTIFY_CLIENT_ID": app.client_id,
        "SPOTIFY_REFRESH_TOKEN": spotify.world.grant(app, user),
        "SPOTIFY_PLAYLIST_ID": spotify.world.add_playlist(user, "Week").id,
        "SNS_TOPIC_ARN": sns.create_topic(Name="segue")["TopicArn"],
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    return {**os.environ, **keys(), **told}


_KEYS: Final = {"aws_access_key_id": "tester", "aws_secret_access_key": "secret"}


@contextmanager
def _spotify() -> Iterator[FakeSpotify]:
    world = World(Catalogue(invents=True))
    world.add_user("alice")
    world.add_app("the-app")
    with FakeSpotify(world) as spotify:
        yield spotify


def _ids(catalogue: Path) -> list[str]:
    """Of the tracks of a simulated world; the fake Spotify takes each for one of its own."""
    with catalogue.open(encoding="utf-8", newline="") as file:
        return list(dict.fromkeys(row["track_id"] for row in csv.DictReader(file)))


# --- limits -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Group:
    """A control group, or what can be had instead.

    Args:
        words: What is limited, and how.
        folders: Of its controllers, in either version; none: there is no group.
        enter: Run in the process before it begins.
    """

    words: str
    memory: Path | None
    folders: tuple[Path, ...]
    enter: Callable[[], None]

    @contextmanager
    def process(
        self, command: list[str], environment: dict[str, str]
    ) -> Iterator[subprocess.Popen[str]]:
        """A process within the limits, ended with the context."""
        with subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=self.enter,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def forget_peak(self) -> None:
        """Let the highest use be that from now on, where the system can."""
        for name in ("memory.max_usage_in_bytes", "memory.peak"):
            with suppress(OSError):
                if self.memory is not None and (self.memory / name).exists():
                    (self.memory / name).write_text("0")

    def peak(self, resident_mb: float) -> str:
        """The highest use: of the process, and of the group with its files."""
        if self.memory is None:
            return f"{resident_mb:.0f} MiB"
        for name in ("memory.max_usage_in_bytes", "memory.peak"):
            if (self.memory / name).exists():
                all_of_it = int((self.memory / name).read_text()) >> 20
                return f"{resident_mb:.0f} MiB, with files {all_of_it} MiB"
        return f"{resident_mb:.0f} MiB"


@contextmanager
def _group(memory_mb: int, share: float) -> Iterator[_Group]:
    """Limits of either version of control groups; they need root."""
    name = f"segue-bench-{os.getpid()}-{memory_mb}"
    first = (_GROUPS / "memory").is_dir()
    memory = (_GROUPS / "memory" / name) if first else _GROUPS / name
    cpu = (_GROUPS / "cpu" / name) if first else memory
    folders = (memory, cpu) if first and share else (memory,)
    try:
        for folder in folders:
            folder.mkdir()
        limit = "memory.limit_in_bytes" if first else "memory.max"
        (memory / limit).write_text(str(memory_mb << 20))
        if share and first:
            (cpu / "cpu.cfs_quota_us").write_text(str(int(share * 100_000)))
        elif share:
            (cpu / "cpu.max").write_text(f"{int(share * 100_000)} 100000")
    except OSError:

        def rlimit() -> None:
            resource.setrlimit(resource.RLIMIT_DATA, (memory_mb << 20, memory_mb << 20))

        words = f"Memory limited to {memory_mb} MiB by RLIMIT_DATA (no control groups here)"
        yield _Group(words, None, (), rlimit)
        return

    def enter() -> None:
        for folder in folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    part = f", processor limited to {share:.2f} of a core" if share else ""
    try:
        words = f"Memory limited to {memory_mb} MiB by a control group, files included{part}"
        yield _Group(words, memory, folders, enter)
    finally:
        time.sleep(0.2)
        for folder in folders:
            folder.rmdir()


# --- the function -------------------------------------------------------------------------------


def _function() -> None:
    """Be the function: an invocation for each line of standard input."""
    began = time.perf_counter()
    used = _cpu()
    from segue.doors.aws.update import handler

    started = time.perf_counter() - began
    for _ in sys.stdin:
        before = time.perf_counter()
        try:
            report = handler({}, None)
            told = {
                "start": started,
                "wall": time.perf_counter() - before,
                "cpu": _cpu() - used,
                "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "steps": {one["step"]: one["seconds"] for one in report["steps"]},
                "requests": report["requests"].get("Spotify", 0),
            }
        except Exception as error:
            told = {"failed": f"{type(error).__name__}: {error}"}
        started, used = 0.0, _cpu()
        print(json.dumps(told), flush=True)


def _cpu() -> float:
    facts = resource.getrusage(resource.RUSAGE_SELF)
    return facts.ru_utime + facts.ru_stime


if __name__ == "__main__":
    if len(sys.argv) == 1:
        _function()
    else:
        parser = argparse.ArgumentParser(prog="python -m bench.lambda_update")
        parser.add_argument("--memory", type=int, default=MEMORY_MB)
        parser.add_argument("--share", type=float, default=0.0, help="of a core; 0: no limit")
        parser.add_argument("--tracks", type=int, default=TRACKS)
        given = parser.parse_args()
        print("\n".join(run(given.memory, given.share, given.tracks)))
