"""The live service under load, beside a bare ASGI app and the service one would write first."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.load import flood, paced
from bench.service_home import N_USERS, make_home, user_name

__all__ = ["event", "home_of", "run", "segue_serving"]

_RATE: Final = 100.0
_PACED: Final = 3_000
_ROUNDS: Final = 2
_SEED: Final = 17
_K: Final = 30
_BATCH: Final = 100
_CHANGES: Final = 100
_MANY: Final = 256


@dataclass(frozen=True)
class _Server:
    """A server under load: how long it took to answer first, and where it listens."""

    process: subprocess.Popen[bytes]
    port: int
    seconds: float

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return bytes(answer.read())

    def post(self, path: str, body: object) -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())

    @property
    def own_mib(self) -> float:
        """Memory that is this process's alone, files it has mapped not counted."""
        told = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        rows = dict(line.split(":", 1) for line in told.splitlines()[1:])
        return int(rows["Private_Dirty"].split()[0]) / 1024


def run(folder: Path | None = None) -> list[str]:
    """Measure on a home of a million tracks and 100,000 users.

    Args:
        folder: Such a home, made before; made anew by default (ten minutes).
    """
    with tempfile.TemporaryDirectory() as scratch:
        made = folder or Path(scratch) / "made"
        make_home(made)
        homes = [home_of(made, Path(scratch) / name) for name in ("events", "answers")]
        return [*_events(homes[0]), "", *_recommendations(homes[1]), "", *_naive(made)]


def home_of(made: Path, home: Path) -> Path:
    """A home of its own with the same models and histories: events of one are not the other's."""
    home.mkdir(mode=0o700)
    for name in ("models", "snapshots"):
        (home / name).symlink_to((made / name).resolve())
    return home


def _cores() -> tuple[list[int], list[int]]:
    """Two cores for the server, the others for whoever asks."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[:2], cores[2:] or cores


@contextmanager
def _server(command: Sequence[str], port: int, ready: str) -> Iterator[_Server]:
    serving, _ = _cores()
    began = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            stdout=said,
            stderr=said,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            preexec_fn=lambda: os.sched_setaffinity(0, serving),
        )
        try:
            server = _Server(process, port, 0.0)
            while True:
                try:
                    server.get(ready)
                    break
                except OSError as error:
                    if process.poll() is not None:
                        said.seek(0)
                        raise RuntimeError(said.read().decode()) from error
                    time.sleep(0.01)
            yield _Server(process, port, time.perf_counter() - began)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def segue_serving(home: Path) -> Iterator[_Server]:
    """`segue serve` on a home, on two cores, ready."""
    port = _free_port()
    program = str(Path(sys.executable).with_name("segue"))
    command = [program, "--home", str(home), "serve", "--port", str(port)]
    with _server(command, port, "/health/ready") as server:
        yield server


@contextmanager
def _bare(size: int) -> Iterator[_Server]:
    port = _free_port()
    command = [sys.executable, "-m", "bench.bare_app", str(port), str(size)]
    with _server(command, port, "/") as server:
        yield server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- events ---------------------------------------------------------------------------------------


def _events(home: Path) -> list[str]:
    """Durable events a second: in batches of 100, and one by one beside the bare app."""
    _, asking = _cores()
    batches, singles, bare = [], [], []
    with segue_serving(home) as server:
        size = len(server.post("/events", event("sized")))
    with _bare(size) as yardstick, segue_serving(home) as server:
        for turn in range(_ROUNDS):
            posts = [_posts(f"{kind}{turn}", n) for kind, n in (("b", _BATCH), ("s", 1), ("x", 1))]
            batches.append(flood(server.port, posts[0], cores=asking))
            singles.append(flood(server.port, posts[1], connections=_MANY, cores=asking))
            bare.append(flood(yardstick.port, posts[2], connections=_MANY, cores=asking))
        mib = server.own_mib
    many = _BATCH * max(one.per_second for one in batches)
    one = max(one.per_second for one in singles)
    least = max(one.per_second for one in bare)
    failed = sum(one.failed for one in batches + singles)
    return [
        "| events | a second | of bare |",
        "|---|---|---|",
        f"| batches of {_BATCH} | {many:,.0f} | |",
        f"| one by one, {_MANY} at a time | {one:,.0f} | {one / least:.0%} |",
        f"| bare app, the same requests | {least:,.0f} | |",
        "",
        f"{failed} requests failed. Afterwards the process has {mib:.0f} MiB to itself.",
    ]


def event(number: str) -> dict[str, Any]:
    """A play that begins now, as `POST /events` takes it."""
    return {
        "event_id": f"bench-{number}",
        "user_id": user_name(0),
        "track_id": "t0000000000000000",
        "event_type": "play",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _posts(run_id: str, batch: int) -> str:
    """Lua: every request a new event, or so many."""
    sample = event("%s")
    one = json.dumps({**sample, "user_id": "user%06d"})
    body = (
        f"one({N_USERS})"
        if batch == 1
        else f"'[' .. table.concat(many({batch}, {N_USERS}), ',') .. ']'"
    )
    return f"""
    local n = 0
    local form = '{one}'
    function one(users)
      n = n + 1
      return string.format(form, '{run_id}-{os.getpid()}-' .. n, n * 7919 % users)
    end
    function many(size, users)
      local found = {{}}
      for at = 1, size do found[at] = one(users) end
      return found
    end
    local headers = {{["content-type"] = "application/json"}}
    function request() return wrk.format("POST", "/events", headers, {body}) end
    """


# --- recommendations ------------------------------------------------------------------------------


def _recommendations(home: Path) -> list[str]:
    """Users who come for the first time, users who did something, users who did nothing."""
    _, asking = _cores()
    rng = np.random.default_rng(_SEED)
    users = [user_name(number) for number in rng.permutation(N_USERS)[:_PACED].tolist()]
    with segue_serving(home) as server:
        began = server.seconds
        for user in users[:20]:
            server.get(f"/recommendations?user_id={user}&k={_K}")
        asks = [_get(f"/recommendations?user_id={user}&k={_K}") for user in users[20:]]
        fresh = paced(server.port, asks, per_second=_RATE, cores=asking)
        changed = _changes(server, users[:_CHANGES])
        path = f"/recommendations?user_id={users[0]}&k={_K}"
        size = len(server.get(path))
        same, bare = [], []
        with _bare(size) as yardstick:
            for _ in range(_ROUNDS):
                same.append(flood(server.port, f"wrk.path = '{path}'", cores=asking).per_second)
                bare.append(flood(yardstick.port, f"wrk.path = '{path}'", cores=asking).per_second)
        mib = server.own_mib
    return [
        "| recommendations | p50 | p99 | worst |",
        "|---|---|---|---|",
        f"| first time, {_RATE:g} a second, 2 cores | {fresh.p50:.1f} ms | {fresh.p99:.1f} ms "
        f"| {fresh.worst:.0f} ms |",
        f"| from an event to the changed answer | {changed[0]:.1f} ms | {changed[1]:.1f} ms "
        f"| {changed[2]:.0f} ms |",
        "",
        f"Unchanged: {max(same):,.0f} a second, {max(same) / max(bare):.0%} of {max(bare):,.0f} "
        f"of the bare app with the same {size:,} bytes.",
        f"Ready after {began:.2f} s. {fresh.failed} of {fresh.requests} requests failed. "
        f"The process has {mib:.0f} MiB to itself.",
    ]


def _changes(server: _Server, users: Sequence[str]) -> list[float]:
    """Milliseconds from telling an event to having another answer: p50, p99, worst."""
    taken = []
    for number, user in enumerate(users):
        path = f"/recommendations?user_id={user}&k={_K}"
        before = json.loads(server.get(path))
        first = before["tracks"][0]["track_id"]
        heard = {"user_id": user, "event_type": "complete", "track_id": first}
        began = time.perf_counter()
        server.post("/events", {**event(f"c{number}"), **heard})
        after = json.loads(server.get(path))
        taken.append(1000 * (time.perf_counter() - began))
        if after["recommendation_id"] == before["recommendation_id"]:
            raise RuntimeError(f"the answer for {user} did not change")
    return [float(mark) for mark in np.percentile(taken, (50, 99, 100))]


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


# --- the first idea -------------------------------------------------------------------------------


def _naive(home: Path) -> list[str]:
    """What implicit behind FastAPI does on the same home."""
    _, asking = _cores()
    rng = np.random.default_rng(_SEED)
    users = [user_name(number) for number in rng.permutation(N_USERS)[:_PACED].tolist()]
    port = _free_port()
    command = [sys.executable, "-m", "bench.naive_service", str(port), str(home)]
    with _server(command, port, "/docs") as server:
        asks = [_get(f"/recommendations?user_id={user}&k={_K}") for user in users]
        there = paced(port, asks, per_second=_RATE, cores=asking)
        path = f"/recommendations?user_id={users[0]}&k={_K}"
        same = flood(port, f"wrk.path = '{path}'", cores=asking)
        return [
            "| implicit + FastAPI | |",
            "|---|---|",
            f"| {_RATE:g} a second: p50, p99 | {there.p50:.1f} ms, {there.p99:.1f} ms |",
            f"| one user, as fast as it goes | {same.per_second:,.0f} a second |",
            f"| memory of its own | {server.own_mib:,.0f} MiB |",
            f"| from start (training included) to ready | {server.seconds:.0f} s |",
        ]


if __name__ == "__main__":
    print("\n".join(run(Path(sys.argv[1]) if len(sys.argv) > 1 else None)))
