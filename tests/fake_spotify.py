"""A fake Spotify for tests: compared with the API's description when that is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segue.fakes.spotify import App, FakeSpotify, User, World, load_openapi

__all__ = ["description", "fake_spotify", "the_app", "the_user"]


def description() -> Path | None:
    """Spotify's own description of its API, where it is there."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    shared = Path(os.environ.get("SEGUE_SHARED_DATA", beside)).parent
    found = shared / "spotify" / "openapi.yml"
    return found if found.is_file() else None


@contextmanager
def fake_spotify(world: World | None = None) -> Iterator[FakeSpotify]:
    """One that ends with the test; with a user “alice” and her app, unless a world is given.

    What is not as Spotify describes its API fails the test at the end.
    """
    if world is None:
        world = World()
        world.add_user("alice")
        world.add_app("the-app")
    told = description()
    checks = None if told is None else load_openapi(told)
    with FakeSpotify(world, checks=checks) as spotify:
        yield spotify
    assert not world.violations, "\n".join(world.violations)


def the_user(spotify: FakeSpotify) -> User:
    """The user that is there without asking for one."""
    return spotify.world.users["alice"]


def the_app(spotify: FakeSpotify) -> App:
    """Her app."""
    return spotify.world.apps["the-app"]
