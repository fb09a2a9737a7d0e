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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.load import Flood, flood, paced
from bench.service_home import N_USERS, make_home, user_name
from segue.flows.online import Service
from segue.flows.online.ahead_making import answer_ahead
from segue.flows.wiring import Wiring
from segue.settings import Settings

__all__ = ["cold", "event", "home_of", "run", "segue_serving"]

_RATE: Final = 100.0
_PACED: Final = 3_000
_ROUNDS: Final = 2
_SEED: Final = 17
_K: Final = 30
_BATCH: Final = 100
_CHANGES: Final = 100
_MANY: Final = 256
_AHEAD: Final = 3_500
_HEAD: Final = (
    f"| {_RATE:g} requests a second, 2 cores | p50 | p99 | worst | at the end "
    "| processor, a request | how |",
    "|---|---|---|---|---|---|---|",
)
_ALONE: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "SEGUE_SERVICE__AHEAD": "0"}


@dataclass(frozen=True)
class _Server:
    """A server under load: how long it took to answer first, and where it listens."""

    process: subprocess.Popen[bytes]
    port: int
    seconds: float
    workers: int = 1

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
    def cpu_s(self) -> float:
        """Seconds of processor that it has taken; with its children where those answer."""
        pid = self.process.pid
        children = _children(pid) if self.workers > 1 else []
        return _cpu_s(pid) + sum(_cpu_s(child) for child in children)

    @property
    def beside_cpu_s(self) -> float:
        """Seconds of processor of what works beside those who answer: consumers of events."""
        return sum(_cpu_s(one) for one in _descendants(self.process.pid))

    @property
    def own_mib(self) -> float:
        """Memory that is this process's alone, files it has mapped not counted."""
        told = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        rows = dict(line.split(":", 1) for line in told.splitlines()[1:])
        return int(rows["Private_Dirty"].split()[0]) / 1024


def _cpu_s(pid: int) -> float:
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _descendants(pid: int) -> list[int]:
    found = _children(pid)
    return found + [one for child in found for one in _descendants(child)]


def run(folder: Path | None = None) -> list[str]:
    """Measure on a home of a million tracks and 100,000 users.

    Args:
        folder: Such a home, made before; made anew by default (ten minutes).
    """
    with tempfile.TemporaryDirectory() as scratch:
        made = folder or Path(scratch) / "made"
        make_home(made)
        homes = [home_of(made, Path(scratch) / name) for name in ("events", "answers")]
        lines: list[str] = []
        for part, of in ((_events, homes[0]), (_recommendations, homes[1]), (_naive, made)):
            lines += [*part(of), ""]
            print("\n".join(lines), file=sys.stderr, flush=True)
        return lines[:-1]


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
def _server(
    command: Sequence[str], port: int, ready: str, more: Mapping[str, str] | None = None
) -> Iterator[_Server]:
    serving, _ = _cores()
    began = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            stdout=said,
            stderr=said,
            env={**os.environ, **_ALONE, **(more or {})},
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
def segue_serving(
    home: Path, *, workers: int = 1, more: Mapping[str, str] | None = None
) -> Iterator[_Server]:
    """`segue serve` on a home, on two cores, ready; nothing is answered ahead meanwhile.

    Args:
        more: Of its environment.
    """
    port = _free_port()
    program = str(Path(sys.executable).with_name("segue"))
    command = [program, "--home", str(home), "serve", "--port", str(port)]
    command += ["--workers", str(workers)]
    with _server(command, port, "/health/ready", more) as server:
        yield replace(server, workers=workers)


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
    batches, singles, bare, cpu = [], [], [], _Cpu()
    beside = _Cpu(lambda server: server.beside_cpu_s)
    with segue_serving(home) as server:
        size = len(server.post("/events", event("sized")))
    with _bare(size) as yardstick, segue_serving(home) as server:
        for turn in range(_ROUNDS):
            _settle(server)
            posts = [_posts(f"{kind}{turn}", n) for kind, n in (("b", _BATCH), ("s", 1), ("x", 1))]
            batches.append(flood(server.port, posts[0], cores=asking))
            _settle(server)
            with cpu.of(server), beside.of(server):
                singles.append(flood(server.port, posts[1], connections=_MANY, cores=asking))
            _settle(server)
            with cpu.of(yardstick):
                bare.append(flood(yardstick.port, posts[2], connections=_MANY, cores=asking))
        mib = server.own_mib
    many = _BATCH * max(one.per_second for one in batches)
    one = max(one.per_second for one in singles)
    least = max(one.per_second for one in bare)
    failed = sum(one.failed for one in batches + singles)
    return [
        "| events | a second | of bare | processor, a request |",
        "|---|---|---|---|",
        f"| batches of {_BATCH} | {many:,.0f} | | |",
        f"| one by one, {_MANY} at a time | {one:,.0f} | {one / least:.0%} "
        f"| {cpu.us(singles, 0):.0f} µs, and {beside.us(singles, 0, 1):.0f} µs to consume it |",
        f"| bare app, the same requests | {least:,.0f} | | {cpu.us(bare, 1):.0f} µs |",
        "",
        f"{failed} requests failed. Afterwards the process has {mib:.0f} MiB to itself.",
    ]


class _Cpu:
    """Seconds of processor that servers took, in turn."""

    def __init__(self, read: Callable[[_Server], float] = lambda server: server.cpu_s) -> None:
        self._read = read
        self._took: list[float] = []

    @contextmanager
    def of(self, server: _Server) -> Iterator[None]:
        """Measure a server while this is open."""
        before = self._read(server)
        yield
        self._took.append(self._read(server) - before)

    def us(self, floods: Sequence[Flood], turn: int, of: int = 2) -> float:
        """Microseconds for each request of floods that took turns with another server's."""
        return 1e6 * sum(self._took[turn::of]) / sum(one.requests for one in floods)


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
    users = _some_users()
    lines = [
        *_HEAD,
        _first_time(home, users, "users nobody knows of in memory, nothing made ahead"),
        _first_time(home, users, "the same, two workers", workers=2),
        _first_time(home, _answered_ahead(home), "users whose answers were made ahead"),
    ]
    same, bare, cpu = [], [], _Cpu()
    with segue_serving(home) as server:
        began = server.seconds
        at_once = _changes(server, users[:_CHANGES])
        _settle(server)
        changed = _changes(server, users[_CHANGES : 4 * _CHANGES])
        path = f"/recommendations?user_id={users[0]}&k={_K}"
        size = len(server.get(path))
        with _bare(size) as yardstick:
            for _ in range(_ROUNDS):
                with cpu.of(server):
                    same.append(flood(server.port, f"wrk.path = '{path}'", cores=asking))
                with cpu.of(yardstick):
                    bare.append(flood(yardstick.port, f"wrk.path = '{path}'", cores=asking))
        for user in users:
            server.get(f"/recommendations?user_id={user}&k={_K}")
        mib = server.own_mib
    best, least = max(one.per_second for one in same), max(one.per_second for one in bare)
    return [
        *lines,
        "",
        f"From an event to the changed answer: p50, p99, worst {_ms(changed)}; of the first "
        f"{_CHANGES} after the start {_ms(at_once)}.",
        f"Unchanged: {best:,.0f} a second, {best / least:.0%} of {least:,.0f} of the bare app with "
        f"the same {size:,} bytes; {cpu.us(same, 0):.0f} and {cpu.us(bare, 1):.0f} µs of CPU.",
        f"Ready after {began:.2f} s. After {len(users):,} users the process has {mib:.0f} MiB to "
        "itself.",
    ]


def _answered_ahead(home: Path) -> list[str]:
    """Have answers made ahead for whoever was active last; some of these, in any order."""
    wiring = Wiring(Settings(home=home))
    answer_ahead(wiring, clock=lambda: datetime.now(UTC), most=_AHEAD)
    service = Service.open(wiring, clock=lambda: datetime.now(UTC))
    try:
        known = service.lately_active(_AHEAD)
    finally:
        service.close()
    order = np.random.default_rng(_SEED).permutation(len(known))[:_PACED]
    return [known[at] for at in order.tolist()]


def _settle(server: _Server) -> None:
    """Wait until what it does by itself is done: reading models through, taking events."""
    before, until = -1.0, time.monotonic() + 60
    while (now := server.cpu_s + server.beside_cpu_s) - before > 0.05 and time.monotonic() < until:
        before = now
        time.sleep(1)


def cold(folder: Path) -> list[str]:
    """Only users of whom nothing is in memory, and how they are answered.

    Args:
        folder: A home of a million tracks and 100,000 users; read only.
    """
    with tempfile.TemporaryDirectory() as scratch:
        home = home_of(folder, Path(scratch) / "cold")
        users = _some_users()
        began = os.getloadavg()[0]
        endless = {"SEGUE_SERVICE__PATIENCE_MS": "1e9", "SEGUE_SERVICE__WAIT_MS": "1e9"}
        rows = [
            _first_time(home, users, "full answers, however long they wait", more=endless),
            _first_time(home, users, "as it is"),
            _first_time(home, users, "as it is, two workers", workers=2),
        ]
        load = f"Load of the machine: {began:.1f} at first, {os.getloadavg()[0]:.1f} at the end."
        return [*_HEAD, *rows, "", load]


def _some_users() -> list[str]:
    rng = np.random.default_rng(_SEED)
    return [user_name(number) for number in rng.permutation(N_USERS)[:_PACED].tolist()]


def _first_time(
    home: Path,
    users: Sequence[str],
    what: str,
    *,
    workers: int = 1,
    more: Mapping[str, str] | None = None,
) -> str:
    """A row about users of whom the process has nothing in memory."""
    _, asking = _cores()
    asks = [_get(f"/recommendations?user_id={user}&k={_K}") for user in users]
    with segue_serving(home, workers=workers, more=more) as server:
        for user in users[:20]:
            server.get(f"/recommendations?user_id={user}&k={_K}")
        _settle(server)
        before = server.cpu_s
        told = paced(server.port, asks[20:], per_second=_RATE, cores=asking)
        cpu = 1000 * (server.cpu_s - before) / told.requests
    failed = told.failed - told.refused
    how = [f"{number / told.requests:.1%} {made}" for made, number in sorted(told.made.items())]
    how += [f"{told.refused} sent away"] if told.refused else []
    how += [f"{failed} failed"] if failed else []
    return (
        f"| {what} | {told.p50:.1f} ms | {told.p99:.1f} ms | {told.worst:,.0f} ms "
        f"| {told.last:,.1f} ms | {cpu:.1f} ms | {', '.join(how)} |"
    )


def _changes(server: _Server, users: Sequence[str]) -> list[float]:
    """Milliseconds from telling an event to having another answer: p50, p99, worst."""
    taken = []
    for user in users:
        path = f"/recommendations?user_id={user}&k={_K}"
        before = json.loads(server.get(path))
        first = before["tracks"][0]["track_id"]
        heard = {"user_id": user, "event_type": "complete", "track_id": first}
        began = time.perf_counter()
        server.post("/events", {**event(f"c-{user}"), **heard})
        after = json.loads(server.get(path))
        taken.append(1000 * (time.perf_counter() - began))
        if after["recommendation_id"] == before["recommendation_id"]:
            raise RuntimeError(f"the answer for {user} did not change")
    return [float(mark) for mark in np.percentile(taken, (50, 99, 100))]


def _ms(marks: Sequence[float]) -> str:
    return ", ".join(f"{mark:.1f}" for mark in marks) + " ms"


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


# --- the first idea -------------------------------------------------------------------------------


def _naive(home: Path) -> list[str]:
    """What implicit behind FastAPI does on the same home."""
    _, asking = _cores()
    users = _some_users()
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
    if sys.argv[1:2] == ["cold"]:
        print("\n".join(cold(Path(sys.argv[2]))))
    else:
        print("\n".join(run(Path(sys.argv[1]) if len(sys.argv) > 1 else None)))
