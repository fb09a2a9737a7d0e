"""Load for an HTTP server on this machine, from other processes: unbounded, or at a steady rate."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import httptools
import numpy as np
import uvloop

__all__ = ["Flood", "Paced", "flood", "paced"]

_CONNECTIONS: Final = 32
_MOST: Final = 1_500
_LATE_S: Final = 10.0
_MADE: Final = re.compile(rb'"made":"(\w+)"')
_AWAY: Final = (429, 503)


@dataclass(frozen=True, slots=True)
class Flood:
    """What a server does when it is always asked: requests a second, those that failed, and all."""

    per_second: float
    failed: int
    requests: int


@dataclass(frozen=True, slots=True)
class Paced:
    """How long answers took at a steady rate, in milliseconds, waiting for a turn included.

    Args:
        last: The median of the last fiftieth: above the others, requests pile up.
        made: How recommendations were made -> how many were so: “full”, “quick”, “before”.
        refused: Of those that failed, how many the server sent away for now: 503, 429.
    """

    p50: float
    p99: float
    worst: float
    last: float
    requests: int
    failed: int
    made: Mapping[str, int]
    refused: int


def flood(
    port: int,
    lines: str,
    *,
    seconds: float = 8,
    connections: int = _CONNECTIONS,
    threads: int = 1,
    cores: Sequence[int] = (),
) -> Flood:
    """Ask with wrk, each connection its next request as soon as it has its answer.

    Args:
        lines: Lua of wrk that says what is asked.
        threads: Of wrk, which share the connections.
        cores: Where wrk runs; everywhere by default.

    Raises:
        RuntimeError: wrk is not installed.
    """
    program = shutil.which("wrk")
    if program is None:
        raise RuntimeError("this benchmark needs wrk: apt-get install wrk")
    report = """
    done = function(summary)
      local e = summary.errors
      io.write(string.format('\\n{"requests":%d,"us":%d,"failed":%d}\\n', summary.requests,
        summary.duration, e.connect + e.read + e.write + e.status + e.timeout))
    end
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(lines + report)
        script.flush()
        done = subprocess.run(
            [
                *(
                    program,
                    f"-t{threads}",
                    f"-c{connections}",
                    f"-d{seconds:g}s",
                    "--timeout",
                    "10s",
                ),
                *("-s", script.name, f"http://127.0.0.1:{port}"),
            ],
            check=True,
            capture_output=True,
            text=True,
            preexec_fn=(lambda: os.sched_setaffinity(0, cores)) if cores else None,
        )
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return Flood(1e6 * told["requests"] / told["us"], told["failed"], told["requests"])


def paced(
    port: int, requests: Sequence[bytes], *, per_second: float, cores: Sequence[int] = ()
) -> Paced:
    """Ask at a steady rate, whatever the answers take: a slow one makes the next ones late, too.

    Whoever finds no connection free opens another, as callers do who do not know of each other.

    Args:
        requests: Whole HTTP requests, sent in turn.
    """
    with tempfile.NamedTemporaryFile() as file:
        told = json.dumps([request.decode() for request in requests]).encode()
        Path(file.name).write_bytes(told)
        done = subprocess.run(
            [sys.executable, "-m", "bench.load", str(port), str(per_second), file.name],
            check=True,
            stdout=subprocess.PIPE,
            preexec_fn=(lambda: os.sched_setaffinity(0, cores)) if cores else None,
        )
    answers = json.loads(done.stdout)
    p50, p99, worst = np.percentile(answers["ms"], (50, 99, 100)).tolist()
    last = float(np.median(answers["ms"][-max(1, len(answers["ms"]) // 50) :]))
    return Paced(
        p50,
        p99,
        worst,
        last,
        len(answers["ms"]),
        answers["failed"],
        answers["made"],
        answers["refused"],
    )


class _Connection(asyncio.Protocol):
    """Asks one request at a time."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[int] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self.made = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is of no such class

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        if found := _MADE.search(body):
            self.made = found[1].decode()

    def on_message_complete(self) -> None:
        if self.answered is not None and not self.answered.done():  # nobody waits so long
            self.answered.set_result(self._parser.get_status_code())
        self._parser = httptools.HttpResponseParser(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(error or ConnectionError("the server hung up"))

    @property
    def is_open(self) -> bool:
        """Whether the server has not hung up, as it does on who asks nothing for some seconds."""
        return not self._transport.is_closing()

    async def ask(self, request: bytes) -> int:
        self.answered = asyncio.get_running_loop().create_future()
        self.made = ""
        self._transport.write(request)
        return await asyncio.wait_for(self.answered, _LATE_S)


async def _ask_all(port: int, requests: Sequence[bytes], per_second: float) -> dict[str, object]:
    loop = asyncio.get_running_loop()
    idle: asyncio.LifoQueue[_Connection] = asyncio.LifoQueue()
    for _ in range(_CONNECTIONS):
        idle.put_nowait((await loop.create_connection(_Connection, "127.0.0.1", port))[1])
    n_open = _CONNECTIONS
    taken: list[float] = []
    failed = refused = 0
    made: Counter[str] = Counter()

    async def one(request: bytes, due: float) -> None:
        nonlocal failed, refused, n_open
        if idle.empty() and n_open < _MOST:
            n_open += 1
            idle.put_nowait((await loop.create_connection(_Connection, "127.0.0.1", port))[1])
        connection = await idle.get()
        if not connection.is_open:
            connection = (await loop.create_connection(_Connection, "127.0.0.1", port))[1]
        try:
            status = await connection.ask(request)
            failed += status >= 400
            refused += status in _AWAY
            made.update([connection.made] if connection.made else [])
            idle.put_nowait(connection)
        except (ConnectionError, TimeoutError):
            failed += 1
            idle.put_nowait((await loop.create_connection(_Connection, "127.0.0.1", port))[1])
        taken.append(1000 * (time.perf_counter() - due))

    began = time.perf_counter() + 0.1
    async with asyncio.TaskGroup() as group:
        for number, request in enumerate(requests):
            due = began + number / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(request, due))
    return {"ms": taken, "failed": failed, "made": made, "refused": refused}


if __name__ == "__main__":
    _requests = [line.encode() for line in json.loads(Path(sys.argv[3]).read_bytes())]
    print(json.dumps(uvloop.run(_ask_all(int(sys.argv[1]), _requests, float(sys.argv[2])))))
