"""The same listening told several times, in other words each time: counted once."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.flows.test_build import ACCOUNT, EXPORT, LASTFM, NOON, House, play

USERS = range(6)
SONGS = 12


def history(user: str, rng: random.Random, plays: int = 300) -> Iterator[dict[str, Any]]:
    """One play after the other; songs on repeat, skips, and songs cut short."""
    at, song = 0.0, 0
    for _ in range(plays):
        song = song if rng.random() < 0.3 else rng.randrange(SONGS)
        whole = 150_000 + 10_000 * song
        ms = rng.choice([whole, whole, whole, rng.randrange(31_000, whole), rng.randrange(30_000)])
        yield play(user, EXPORT, at, f"Song {song}", ms_played=ms)
        at += ms // 1000 + rng.choice([0, 1, 2, 600])


def in_minutes(told: Mapping[str, Any]) -> dict[str, Any]:
    """As Spotify's account data tells it: the end, in minutes, and the length."""
    ended = told["ended_at"].replace(second=0, microsecond=0)
    length = timedelta(milliseconds=told["ms_played"])
    return {**told, "source": ACCOUNT, "ended_at": ended, "played_at": ended - length}


def scrobbled(told: Mapping[str, Any], offset: float) -> dict[str, Any]:
    """As Last.fm tells it: the start by another clock."""
    start = told["played_at"] + timedelta(seconds=round(offset))
    return {**told, "source": LASTFM, "ended_at": None, "ms_played": None, "played_at": start}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House(tmp_path_factory.mktemp("told"))
    rows: list[dict[str, Any]] = []
    for user in USERS:
        rng = random.Random(user)
        for told in history(f"minutes {user}", rng):
            rows += [told, in_minutes(told)]
        for told in history(f"scrobbles {user}", rng):
            rows.append(told)
            if told["ms_played"] >= 30_000:
                rows.append(scrobbled(told, rng.uniform(-60, 60)))
    house.lake.add("plays", [row for row in rows if row["source"] == EXPORT])
    house.lake.add("plays", [row for row in rows if row["source"] != EXPORT])
    house.build()
    return house


@pytest.mark.parametrize("user", [f"{way} {n}" for way in ("minutes", "scrobbles") for n in USERS])
def test_a_second_telling_adds_no_play(house: House, user: str) -> None:
    left = [source for who, source in house.rows("plays", "user_id", "source") if who == user]
    assert left == [EXPORT] * 300


def test_two_exports_of_one_source(tmp_path: Path) -> None:
    """Last.fm as CSV tells minutes, as JSON seconds; six plays, told by both or one."""
    house, user = House(tmp_path), "two exporters"
    seconds = [5, 200, 395, 1_000, 1_050]  # 1,050 is the song again, in another minute
    house.lake.add("plays", [play(user, LASTFM, at // 60 * 60, "A") for at in [*seconds, 7_200]])
    named = {"track_ref": "mbid:8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"}
    house.lake.add("plays", [play(user, LASTFM, at, "A", **named) for at in seconds])
    house.build()
    starts = [(at - NOON).total_seconds() for (at,) in house.rows("plays", "played_at")]
    assert starts == [*seconds, 7_200]
