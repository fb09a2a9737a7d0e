"""Killing the event path, many times: what was acknowledged, what is there, what was counted."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from dataclasses import fields
from pathlib import Path
from typing import Final

from tests.event_storm import Counts, storm

__all__ = ["KILLS", "run"]

KILLS: Final = 200
_SEED: Final = 5
_SERVER_TOO: Final = 10
"""At each so many kills of a worker, the server is killed, too, and started again."""


def run(kills: int = KILLS) -> list[str]:
    """A table of counts for each store; lost and doubled have to be nothing but noughts.

    Each worker reports events on two threads while a consumer keeps profiles and another one
    writes the lake; it is killed (SIGKILL) at a random moment of its first second. The next one
    sends again what nobody acknowledged, and a little more. PostgreSQL itself is killed with all
    its processes every tenth time, and mends itself while the worker goes on trying.
    """
    from tests.postgres_server import OwnServer

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        server = OwnServer(folder / "server", {})
        server.start()

        def between(kill: int) -> None:
            if kill % _SERVER_TOO == _SERVER_TOO - 1:
                threading.Event().wait(0.1)
                server.kill()
                server.start()

        began = time.monotonic()
        found = {
            "SQLite": storm(
                str(folder / "events.sqlite"),
                folder / "lake-sqlite",
                kills,
                random.Random(_SEED),
            ),
            "PostgreSQL": storm(
                server.at.url(),
                folder / "lake-postgresql",
                kills,
                random.Random(_SEED),
                between=between,
            ),
        }
        server.stop()
    minutes = (time.monotonic() - began) / 60
    return [*_table(found), "", f"In {minutes:.0f} minutes."]


def _table(found: dict[str, Counts]) -> list[str]:
    names = [one.name for one in fields(Counts) if one.name != "notes"]
    lines = [
        f"| | {' | '.join(name.replace('_', ' ') for name in names)} |",
        f"|{'---|' * (len(names) + 1)}",
    ]
    for store, counts in found.items():
        cells = [f"{getattr(counts, name):,}" for name in names]
        lines.append(f"| {store} | {' | '.join(cells)} |")
        lines += counts.notes
    return lines
