"""The state of the service in a file, so that what was tried out is there again next time."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from segue.errors import ConfigError
from segue.fakes.spotify.people import AccessToken, App, Grant, User
from segue.fakes.spotify.player import Played
from segue.fakes.spotify.playlist import Entry, Playlist
from segue.fakes.spotify.world import World

__all__ = ["StateFile", "dumped", "restore"]

_VERSION: Final = 1
_T = TypeVar("_T")


class StateFile:
    """Reads the state once, and writes it whenever something has changed.

    Args:
        path: The file; it holds tokens, so only its owner may read it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written = -1

    def read(self, world: World) -> bool:
        """Put what the file holds into a world that is new; False when there is no file yet.

        Raises:
            ConfigError: The file is none of these, or cannot be read.
        """
        try:
            told = json.loads(self.path.read_text(encoding="utf-8"))
            if told["version"] != _VERSION:
                raise ValueError(f"version {told['version']}")
            restore(world, told)
        except FileNotFoundError:
            return False
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{self.path} does not hold the state of a fake Spotify: {error}",
                field="state",
                cure="Name another file, or move this one away.",
            ) from error
        return True

    def write(self, world: World, *, anyway: bool = False) -> None:
        """Write the state down, if a request has changed it; the file is whole at any moment."""
        if world.changes == self._written and not anyway:
            return
        part = self.path.with_name(f"{self.path.name}.part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(dumped(world), file)
        part.replace(self.path)
        self._written = world.changes


def dumped(world: World) -> dict[str, Any]:
    """The state as JSON."""
    kept = {
        "version": _VERSION,
        "signed_in": world.signed_in,
        "users": [asdict(user) for user in world.users.values()],
        "apps": [asdict(app) for app in world.apps.values()],
        "grants": {token: asdict(grant) for token, grant in world.grants.items()},
        "tokens": {token: asdict(access) for token, access in world.tokens.items()},
        "history": {
            name: [asdict(row) for row in player.history] for name, player in world.players.items()
        },
        "playlists": [_playlist(playlist) for playlist in world.playlists.values()],
    }
    told: dict[str, Any] = json.loads(json.dumps(kept, default=_plain))
    return told


def _playlist(playlist: Playlist) -> dict[str, Any]:
    names = ("id", "name", "owner", "public", "collaborative", "description", "closed", "revision")
    return {
        **{name: getattr(playlist, name) for name in names},
        "cover": playlist.cover,
        "entries": [asdict(entry) for entry in playlist.entries],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(type(value).__name__)


def restore(world: World, told: Mapping[str, Any]) -> None:
    """Put a dumped state into a world that is new; older snapshots of playlists are forgotten."""
    for user in told["users"]:
        made = world.add_user(user["id"])
        saved = {uri: datetime.fromisoformat(at) for uri, at in user["saved"].items()}
        world.users[made.id] = User(**{**user, "saved": saved})
    for app in told["apps"]:
        world.apps[app["client_id"]] = App(**app)
    world.grants.update(_tokens(told["grants"], Grant, "authorised_at"))
    world.tokens.update(_tokens(told["tokens"], AccessToken, "expires_at"))
    for name, rows in told["history"].items():
        for row in rows:
            at = datetime.fromisoformat(row["played_at"])
            world.players[name].history.append(Played(at, row["uri"], row["context_uri"]))
    for playlist in told["playlists"]:
        entries = tuple(
            Entry(**{**entry, "added_at": datetime.fromisoformat(entry["added_at"])})
            for entry in playlist["entries"]
        )
        cover = base64.b64decode(playlist["cover"])
        found = Playlist(**{**playlist, "entries": entries, "cover": cover})
        world.playlists[found.id] = found
    world.signed_in = told["signed_in"]


def _tokens(kept: Mapping[str, Any], kind: Callable[..., _T], moment: str) -> dict[str, _T]:
    return {
        token: kind(
            **{
                **one,
                "scopes": frozenset(one["scopes"]),
                moment: datetime.fromisoformat(one[moment]),
            }
        )
        for token, one in kept.items()
    }
