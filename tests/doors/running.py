"""A real `segue serve`, in a process of its own, with somebody to talk to it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from segue.flows.keys import create_key
from segue.flows.wiring import Wiring
from segue.settings import load_settings
from tests.doors.forked import Forked, start_forked
from tests.flows.world import world
from tests.once import own_copy
from tests.tiny import days_ago

__all__ = ["HOLDERS", "Running", "event", "own_small_home", "serving", "small_home"]

ROCK: Final = [f"r{i:02}" for i in range(24)]
JAZZ: Final = [f"j{i:02}" for i in range(24)]

HOLDERS: Final[dict[str, dict[str, Any]]] = {
    "admin": {"scopes": ["admin"]},
    "ingest": {"scopes": ["ingest"]},
    "recommend": {"scopes": ["recommend"]},
    "ann": {"scopes": ["ingest", "recommend"], "user_id": "ann"},
    "pinned": {"scopes": ["ingest"], "source": "spotify_api"},
    "slow": {"scopes": ["recommend"], "rate": 0.5},
    "tester": {"scopes": ["admin"], "rate": 1e6},
}
"""Who has a key, and what it may do."""


def small_home(folder: Path, *, listeners: int = 20) -> Path:
    """Two users, ann and bob, who hear rock; jazz is there, too. Published and trained.

    Args:
        listeners: Others, of each of both: with more or fewer the models are others.
    """
    catalogue = [
        {
            "track_id": track,
            "title": f"{genre} song {i}",
            "artist": f"{genre} artist {i // 2}",
            "artists": [f"{genre} artist {i // 2}"],
            "artist_id": f"{genre}-{i // 2}",
            "genres": [genre],
            "year": 1980 + i,
            "popularity": float((i * 7) % 100),
            "tempo": 80.0 + i,
            "duration_ms": 200_000,
            "energy": energy,
            "spotify_uri": f"spotify:track:{track:0>22}",
        }
        for camp, genre, energy in ((ROCK, "rock", 0.7), (JAZZ, "jazz", 0.2))
        for i, track in enumerate(camp)
    ]
    plays = [
        (user, track, days_ago(30 - day) + timedelta(minutes=4 * n))
        for user, tracks in (("ann", ROCK[:8]), ("bob", ROCK[6:14]))
        for n, track in enumerate(tracks)
        for day in range(3)
    ]
    crowd: list[tuple[str, str | None, str | None, float]] = [
        (f"{name}{i:02}", track, None, 2.0)
        for camp, name in ((ROCK, "r"), (JAZZ, "j"))
        for i in range(listeners)
        for n, track in enumerate(camp)
        if (n + i) % 4
    ]
    world(folder, catalogue, plays, crowd=crowd)
    return folder


def own_small_home(factory: pytest.TempPathFactory) -> Path:
    """The home of `small_home`, trained once in a test run, and a copy of it for who asks."""
    return own_copy(factory, "small_home", small_home)


def event(number: object, user: str = "zoe", track: str = "j03", **more: Any) -> dict[str, Any]:
    """An event as a client reports it, of a minute ago."""
    at = datetime.now(UTC) - timedelta(minutes=1)
    return {
        "event_id": f"e{number}",
        "user_id": user,
        "track_id": track,
        "event_type": "play",
        "timestamp": at.isoformat(),
        **more,
    }


@dataclass
class Running:
    """A service that runs.

    Args:
        url: Where it listens.
        tokens: Holder -> token.
        log: The file of its standard error.
    """

    url: str
    home: Path
    process: Forked
    log: Path
    tokens: dict[str, str] = field(default_factory=dict)

    def client(self, holder: str | None = None, **more: Any) -> httpx2.Client:
        """A client with somebody's key, or none."""
        headers = {"authorization": f"Bearer {self.tokens[holder]}"} if holder else {}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=30, **more)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it, and tell its exit code."""
        self.process.send(number)
        return self.process.wait(timeout=60)


@contextmanager
def serving(
    home: Path, *options: str, holders: Sequence[str] = (), **environment: str
) -> Iterator[Running]:
    """Run it until the block ends.

    Args:
        options: Of `segue serve`.
        holders: Who gets a key before it starts.
    """
    tokens = _keys(home, holders)
    log = home / f"serve-{time.monotonic_ns()}.log"
    alone = {"SEGUE_SERVICE__AHEAD": "0"}  # nothing beside what a test asks for
    variables = {**os.environ, "SEGUE_HOME": str(home), **alone, **environment}
    reader, writer = os.pipe()
    with os.fdopen(reader) as told:
        with log.open("wb") as err, os.fdopen(writer, "wb") as out:
            words = ["serve", "--port", "0", *options]
            process = start_forked(words, cwd=home, env=variables, out=out, err=err)
        try:
            said = told.readline()
            assert "http://" in said, log.read_text()
            running = Running(said.split()[-1], home, process, log, tokens)
            _wait(running)
            yield running
        finally:
            process.send(signal.SIGTERM)
            try:
                process.wait(timeout=60)
            except TimeoutError:
                process.kill()
                process.wait()


def _keys(home: Path, holders: Sequence[str]) -> dict[str, str]:
    if not holders:
        return {}
    store = Wiring(load_settings(home=home)).open_keys(home)
    now = datetime.now(UTC)
    tokens = {
        holder: create_key(store, holder, now=now, **HOLDERS[holder])[1].text for holder in holders
    }
    store.close()
    return tokens


def _wait(running: Running) -> None:
    """Until it answers: with several workers it listens before they do."""
    until = time.monotonic() + 30
    while True:
        try:
            httpx2.get(f"{running.url}/health/live", timeout=5).raise_for_status()
            return
        except httpx2.HTTPError:
            assert running.process.poll() is None, running.log.read_text()
            assert time.monotonic() < until, running.log.read_text()
            time.sleep(0.05)
