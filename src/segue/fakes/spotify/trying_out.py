"""The world that a person tries things out in: friendly numbers, and every track id is a track."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from segue.fakes.catalogue import Catalogue
from segue.fakes.spotify.rules import Rules
from segue.fakes.spotify.state_file import StateFile
from segue.fakes.spotify.world import World

__all__ = ["CLIENT_ID", "a_world"]

CLIENT_ID: Final = "segue-tries-things-out"
_SECRET: Final = "no-secret-at-all"  # noqa: S105 - it guards nothing
_PLAYS: Final = 40


def a_world(
    file: StateFile | None, names: Sequence[str], *, tracks: int, asks: bool = False
) -> World:
    """What a file holds, or a new world in which users have heard something already.

    Args:
        file: Where the state is kept; None: nowhere.
        names: The users of a new world, and those to add to an old one.
        tracks: How many invented tracks there are.
        asks: Whether the consent page waits for a person.
    """
    world = World(Catalogue(tracks, invents=True), rules=Rules(asks=asks))
    if file is not None:
        file.read(world)
    for name in names:
        if name not in world.users:
            world.add_user(name)
            _listened(world, name)
    if not world.apps:
        world.add_app(CLIENT_ID, client_secret=_SECRET)
    for app in world.apps.values():
        app.allowed = [name for name in world.users if name != app.owner]
    world.changes += 1
    return world


def _listened(world: World, name: str) -> None:
    """A user's last hours: some tracks, each a few minutes after the one before."""
    player, at = world.players[name], world.clock.now()
    start = sum(name.encode()) % max(1, world.catalogue.size - 15)
    for n in range(_PLAYS):
        number = (start + n * n % 15) % world.catalogue.size
        player.played(world.catalogue.track(number).uri, at - timedelta(minutes=4 * (n + 1)))
