"""One to four processes of the API side by side: what they answer a second, and what holds them.

They share events and keys on a PostgreSQL that flushes, and fetch their models from S3, as on as
many hosts; here they share this machine's cores, too. So each row says what a thousand requests
cost in processor seconds, and of whom: that holds whatever else the machine is doing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.postgres_server import OwnServer
from tests.s3_server import S3Server, keys, s3_server

from bench.load import Flood, flood
from bench.processes import busy_s, children_s, process_s, tree_s
from bench.serve import event
from bench.service_home import make_home, user_name

__all__ = ["Fleet", "fleet", "run"]

_MOST: Final = 4
_SECONDS: Final = 6
_ROUNDS: Final = 2
_TRACKS: Final = 100_000
_USERS: Final = 10_000
_FEW: Final = 100
_SHARE: Final = _USERS // _MOST // _ROUNDS // _MOST
"""Users that one replica may be asked for in one of the floods, so that it never knew them."""
_BATCH: Final = 100
_PLACE: Final = "s3://made/here"
_ALONE: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "SEGUE_SERVICE__AHEAD": "0"}
_PROGRAM: Final = str(Path(sys.executable).with_name("segue"))


@dataclass(frozen=True)
class _Kind:
    """What is asked: Lua that makes the body of `request`, and how many ask at a time."""

    title: str
    unit: str
    connections: int
    request: str
    a_request: int = 1


def _kinds() -> Sequence[_Kind]:
    one = json.dumps({**event("%s"), "user_id": "user%06d"})
    events = f"""
    local form = '{one}'
    local function one()
      n = n + 1
      return string.format(form, run .. '-' .. who .. '-' .. n, n * 7919 % {_USERS})
    end
    headers["content-type"] = "application/json"
    """
    many = f"local l = {{}}; for at = 1, {_BATCH} do l[at] = one() end"
    ask = "n = n + 1; return wrk.format('GET', '/recommendations?k=30&user_id=' .. %s, headers)"
    post = "return wrk.format('POST', '/events', headers, %s)"
    listed = post % "'[' .. table.concat(l, ',') .. ']'"
    single = post % "one()"
    return (
        _Kind(
            "Answers that still hold",
            "answers",
            32,
            "function request() "
            + ask % f"string.format('user%06d', (n + who * 37) % {_FEW})"
            + " end",
        ),
        _Kind(
            "Answers that are made anew",
            "answers",
            32,
            "function request() "
            + ask % f"string.format('user%06d', (first + who * {_SHARE} + n) % {_USERS})"
            + " end",
        ),
        _Kind(
            f"Events in batches of {_BATCH}",
            "events",
            32,
            f"{events} function request() {many}; {listed} end",
            _BATCH,
        ),
        _Kind(
            "Events one by one, 256 at a time",
            "events",
            256,
            f"{events} function request() {single} end",
        ),
    )


@dataclass
class Fleet:
    """Replicas, each in a home of its own.

    Args:
        token: Opens all of them.
        server: Where PostgreSQL is.
    """

    folder: Path
    environment: dict[str, str]
    server: OwnServer
    token: str = field(default="", repr=False)
    ports: list[int] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def home(self, name: str) -> Path:
        """A home that has nothing but settings."""
        home = self.folder / name
        home.mkdir(mode=0o700)
        home.joinpath("segue.toml").write_text(
            f'lake = "s3://lake/here"\n[service]\nstore = "postgresql"\nrate = 0\n'
            f'url = "{self.server.at.url()}"\nfollow = "{_PLACE}"\n[web]\nenabled = false\n'
        )
        return home

    def segue(self, home: Path, *words: str) -> str:
        """Run a command to its end; what it prints."""
        done = subprocess.run(
            [_PROGRAM, "--home", str(home), *words],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def start(self, home: Path) -> int:
        """Start a replica; its port, once it is ready."""
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [_PROGRAM, "--home", str(home), "serve", "--port", "0"],
                env={**os.environ, **_ALONE, **self.environment},
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.processes.append(process)
        assert process.stdout is not None
        said = process.stdout.readline().decode()
        if "http://" not in said:
            raise RuntimeError((home / "log").read_text())
        self.ports.append(int(said.rpartition(":")[2]))
        return self.ports[-1]

    def ask(self, port: int, path: str) -> Any:
        """What a replica answers."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    @property
    def server_id(self) -> int:
        """The process of PostgreSQL."""
        data = self.folder / "server" / "data"
        return int((data / "postmaster.pid").read_text().split()[0])


@contextmanager
def fleet(folder: Path, *, made: Path, replicas: int) -> Iterator[Fleet]:
    """Replicas that share a PostgreSQL of their own, and models that were brought to S3.

    Args:
        folder: For all that they need.
        made: A home with models and marts.
    """
    folder.chmod(0o755)
    server = OwnServer(folder / "server", {})
    server.start()
    with ExitStack() as stack:
        stack.callback(server.stop)
        s3: S3Server = stack.enter_context(s3_server())
        for bucket in ("made", "lake"):
            s3.bucket(bucket)
        found = Fleet(folder, {**keys(), "AWS_ENDPOINT_URL_S3": s3.url}, server)
        stack.callback(_end, found.processes)
        found.segue(made, "aws", "publish", "--to", _PLACE)
        homes = [found.home(f"replica{number}") for number in range(replicas)]
        told = found.segue(homes[0], "keys", "create", "bench", "--scope", "admin", "--json")
        found.token = json.loads(told)["token"]
        for home in homes:
            found.start(home)
        yield found


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(60)


@dataclass(frozen=True)
class _Taken:
    """One flood: what came of it, seconds of processor of each side, and what appenders did."""

    flood: Flood
    seconds: float
    api: float
    consumers: float
    server: float
    client: float
    machine: float
    waits: Counter[str]
    writes: int


def run(made: Path | None = None) -> list[str]:
    """A table for each kind of request.

    Args:
        made: A home with models and 10,000 users, kept for the next time; made anew by default.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        maker = made or folder / "made"
        make_home(maker, n_tracks=_TRACKS, n_users=_USERS)
        with fleet(folder, made=maker, replicas=_MOST) as found:
            for port in found.ports:
                for number in range(_FEW):
                    found.ask(port, f"/recommendations?k=30&user_id={user_name(number)}")
            lines: list[str] = []
            for kind in _kinds():
                lines += [*_table(kind, _measured(found, kind)), ""]
    return lines


def _measured(found: Fleet, kind: _Kind) -> dict[int, list[_Taken]]:
    """Floods of one to all replicas, in turn."""
    taken: dict[int, list[_Taken]] = {number: [] for number in range(1, _MOST + 1)}
    for turn in range(_ROUNDS):
        for number, rounds in taken.items():
            time.sleep(1)  # consumers catch up, as far as they can
            rounds.append(_one(found, kind, number, turn))
    return taken


def _one(found: Fleet, kind: _Kind, number: int, turn: int) -> _Taken:
    places = ",".join(f'"{port}"' for port in found.ports[:number])
    first = _FEW + ((number - 1) * _ROUNDS + turn) * _SHARE * _MOST
    lua = f"""
    local ports, begun = {{{places}}}, 0
    function setup(thread)
      thread.addr = wrk.lookup("127.0.0.1", ports[begun % #ports + 1])[1]
      thread:set("who", begun)
      begun = begun + 1
    end
    n, first, run = 0, {first}, "{kind.connections}-{number}-{turn}"
    local headers = {{["Authorization"] = "Bearer {found.token}"}}
    {kind.request}
    """
    writes = _writes(found)
    before, began = _processors(found, number), time.perf_counter()
    with _watched(found) as waits:
        told = flood(
            found.ports[0], lua, seconds=_SECONDS, connections=kind.connections, threads=number
        )
    seconds = time.perf_counter() - began
    after = _processors(found, number)
    api, consumers, server, client, machine = (
        later - earlier for earlier, later in zip(before, after, strict=True)
    )
    return _Taken(
        *(told, seconds, api, consumers, server, client, machine, waits),
        writes=_writes(found) - writes,
    )


def _processors(found: Fleet, number: int) -> tuple[float, float, float, float, float]:
    """Seconds so far: of who answers, of consumers, of the server, of wrk, of the machine."""
    api = sum(process_s(one.pid) for one in found.processes[:number])
    trees = sum(tree_s(one.pid) - process_s(one.pid) for one in found.processes)
    return api, trees, tree_s(found.server_id), children_s(), busy_s()


def _writes(found: Fleet) -> int:
    """Transactions that wrote events, so far."""
    return int(_asked(found, "select count(distinct written_as) from live.events")[0][0])


def _asked(found: Fleet, sql: str) -> list[tuple[Any, ...]]:
    import psycopg

    with psycopg.connect(found.server.at.url(), autocommit=True) as connection:
        return connection.execute(sql.encode()).fetchall()


@contextmanager
def _watched(found: Fleet) -> Iterator[Counter[str]]:
    """What connections that write events were at, looked at twenty times a second."""
    waits, stop = Counter[str](), threading.Event()
    sql = (
        "select coalesce(wait_event, 'at work') from pg_stat_activity where state = 'active'"
        " and query like 'with locked as materialized%'"
    )

    def watch() -> None:
        import psycopg

        with psycopg.connect(found.server.at.url(), autocommit=True) as connection:
            while not stop.wait(0.05):
                waits.update(one for (one,) in connection.execute(sql).fetchall())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield waits
    finally:
        stop.set()
        thread.join()


def _table(kind: _Kind, taken: dict[int, list[_Taken]]) -> list[str]:
    appends = kind.unit == "events"
    lines = [
        f"**{kind.title}**",
        "",
        f"| replicas | {kind.unit} a second | processor of 1,000 requests: replicas | PostgreSQL "
        "| consumers | who asks | cores at work for it | for others |"
        + (" events a commit | who appends waits for |" if appends else ""),
        f"|{'---:|' * 8}" + ("---:|---|" if appends else ""),
    ]
    lines += [_row(kind, number, rounds, appends) for number, rounds in taken.items()]
    failed = sum(one.flood.failed for rounds in taken.values() for one in rounds)
    return [*lines, "", f"{failed} requests failed."]


def _row(kind: _Kind, number: int, rounds: Sequence[_Taken], appends: bool) -> str:
    best = max(rounds, key=lambda one: one.flood.per_second)
    thousands = max(1, sum(one.flood.requests for one in rounds)) / 1000
    seconds = sum(one.seconds for one in rounds)
    sides = [
        sum(getattr(one, name) for one in rounds)
        for name in ("api", "server", "consumers", "client")
    ]
    own = sum(sides)
    others = max(0.0, sum(one.machine for one in rounds) - own)
    cells = [
        f"{number}",
        f"{best.flood.per_second * kind.a_request:,.0f}",
        *(f"{side / thousands:.2f} s" for side in sides),
        f"{own / seconds:.1f}",
        f"{others / seconds:.1f}",
    ]
    if appends:
        written = sum(one.flood.requests for one in rounds) * kind.a_request
        cells.append(f"{written / max(1, sum(one.writes for one in rounds)):,.0f}")
        cells.append(_words(sum((one.waits for one in rounds), Counter[str]())))
    return f"| {' | '.join(cells)} |"


def _words(waits: Counter[str]) -> str:
    shares = [(name, n / max(1, waits.total())) for name, n in waits.most_common(3)]
    return ", ".join(f"{name} {share:.0%}" for name, share in shares if share >= 0.05)


if __name__ == "__main__":
    print("\n".join(run(Path(sys.argv[1]) if len(sys.argv) > 1 else None)))
