"""The users of a run: who did anything, and what their profiles tell."""

from __future__ import annotations

import csv
import heapq
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from segue.events.profiles import Profile, wanted_weights
from segue.flows.personalize.daily.interactions import day_entry
from segue.flows.personalize.daily.ledger import Ledger, Run
from segue.flows.personalize.daily.places import Work
from segue.flows.personalize.daily.tracks import fetch_references
from segue.flows.personalize.datasets import dataset_named
from segue.warehouse.event_files import open_scratch
from segue.warehouse.user_genres import UserGenres, all_users

__all__ = ["make_users", "users_entry"]

_AT_ONCE: Final = 4_000  # users in memory together
_HEAVIEST: Final = 200  # tracks of a user that say which genres they like
_MOST_NEW: Final = 900_000_000  # bytes in a folder
_A_STEP_SECONDS: Final = 60.0  # to be left before another chunk is begun


def users_entry(run: Run) -> str:
    """The ledger's entry of a run's users."""
    return f"{run.folder}/users.json"


def make_users(work: Work, ledger: Ledger, run: Run) -> bool:
    """Make rows of users, some thousand at a time; whether all are made.

    What is made stays: the next process goes on behind the last user that was written.
    """
    told = ledger.get(users_entry(run)) or {"rows": 0, "files": [], "unknown": 0, "behind": ""}
    if work.places.profiles is None or told.get("done"):
        ledger.put(users_entry(run), {**told, "done": True})
        return True
    work.progress.start("users")
    settings = work.settings
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "active").mkdir()
        connection = open_scratch(
            folder, memory_limit=settings.memory_limit, threads=settings.threads
        )
        try:
            active = ledger.files.download(_active(ledger, run), folder / "active")
            genres = UserGenres(connection, fetch_references(work, ledger, run, folder))
            for chunk in all_users(connection, active, behind=told["behind"], at_once=_AT_ONCE):
                told = _chunk(work, run, told, chunk, genres, folder)
                ledger.put(users_entry(run), told)
                if work.seconds_left() < _A_STEP_SECONDS:
                    work.progress.done(f"{told['rows']:,} users so far")
                    return False
        finally:
            connection.close()
    ledger.put(users_entry(run), {**told, "done": True})
    work.progress.done(f"{told['rows']:,} users")
    return True


def _active(ledger: Ledger, run: Run) -> list[str]:
    """Files that name who did anything."""
    return [
        name for one in run.days for name in (ledger.get(day_entry(run, one.day)) or {})["users"]
    ]


def _chunk(
    work: Work,
    run: Run,
    told: Mapping[str, Any],
    users: Sequence[str],
    genres: UserGenres,
    folder: Path,
) -> dict[str, Any]:
    """Write some users; the entry with them in it."""
    assert work.places.profiles is not None
    records = work.places.profiles.read(users)
    plays: dict[str, int] = {}
    heaviest: dict[str, list[tuple[str, float]]] = {}
    for user in users:
        if user in records:
            profile = Profile.from_bytes(records[user])
            plays[user] = min(profile.plays, 2**31 - 1)
            weights = wanted_weights(profile)
            heaviest[user] = heapq.nlargest(_HEAVIEST, weights.items(), key=lambda one: one[::-1])
    liked = genres.of(heaviest)
    path = folder / "users.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column.name for column in dataset_named("Users").columns)
        for user in users:
            writer.writerow([user, None, liked.get(user), plays.get(user)])
    size, number = path.stat().st_size, len(told["files"])
    total = sum(one["bytes"] for one in told["files"])
    place = "0" if run.whole else str(total // _MOST_NEW)
    name = f"users/{run.run_id}/{place}/part-{number:05d}.csv"
    work.places.sets.upload(path, name, "text/csv")
    return {
        "rows": told["rows"] + len(users),
        "unknown": told["unknown"] + len(users) - len(records),
        "files": [*told["files"], {"folder": place, "bytes": size, "rows": len(users)}],
        "behind": users[-1],
    }
