"""Ten minutes of the live service under steady load: whether its memory stays as it is."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.load import paced
from bench.serve import event, home_of, segue_serving
from bench.service_home import N_USERS, make_home, user_name

__all__ = ["run"]

_MINUTES: Final = 10
_RATE: Final = 20.0
_USERS: Final = 3_000
_EVENTS: Final = 0.3
_SEED: Final = 23


def run(folder: Path | None = None, minutes: int = _MINUTES) -> list[str]:
    """Ask and tell for some minutes, and say each minute what memory the service has to itself.

    Args:
        folder: A home of `bench.service_home`, made before; made anew by default.
    """
    rng = np.random.default_rng(_SEED)
    with tempfile.TemporaryDirectory() as scratch:
        made = folder or Path(scratch) / "made"
        make_home(made)
        lines = ["| minute | memory | p50 | p99 | failed |", "|---|---|---|---|---|"]
        with segue_serving(home_of(made, Path(scratch) / "home")) as server:
            for minute in range(minutes):
                requests = [_request(rng, minute, n) for n in range(int(60 * _RATE))]
                told = paced(server.port, requests, per_second=_RATE)
                row = f"| {minute + 1} | {server.own_mib:.0f} MiB | {told.p50:.1f} ms "
                lines.append(f"{row}| {told.p99:.1f} ms | {told.failed} |")
                print(lines[-1], file=sys.stderr, flush=True)
    return lines


def _request(rng: np.random.Generator, minute: int, number: int) -> bytes:
    """A question of one of some thousand users, or an event of theirs."""
    user = user_name(int(rng.integers(0, _USERS)) * (N_USERS // _USERS))
    if rng.random() >= _EVENTS:
        return f"GET /recommendations?user_id={user} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    told: dict[str, Any] = {**event(f"{minute}-{number}"), "user_id": user}
    body = json.dumps(told)
    return (
        "POST /events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


if __name__ == "__main__":
    print("\n".join(run(Path(sys.argv[1]) if len(sys.argv) > 1 else None)))
