"""What every service that keeps playlists offers to the sink."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from segue.errors import ServiceError
from segue.music.playlist import PlaylistTrack
from segue.playlists.edits import Edit

__all__ = ["Head", "Item", "PlaylistService", "TellsPlayable"]


@dataclass(frozen=True, slots=True)
class Head:
    """A playlist there, without its items.

    Args:
        version: Changes whenever the playlist does; empty: the service has no such thing.
        total: How many items it has; None: not told.
    """

    remote_id: str
    title: str = ""
    description: str = ""
    version: str = ""
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a playlist there.

    Args:
        key: By which the service knows it; empty: it has none.
        title: Empty: not told.
        isrc: Empty: not told.
    """

    key: str
    title: str = ""
    artists: tuple[str, ...] = ()
    isrc: str = ""


class PlaylistService(Protocol):
    """One user's playlists at a service. An item is known by its key there.

    Every method may raise `ServiceError` and its kinds.
    """

    @property
    def name(self) -> str:
        """Of the service, such as “spotify”."""

    @property
    def searches(self) -> int:
        """How many tracks are looked for in one run, at most."""

    @property
    def requests(self) -> int:
        """How many were made so far."""

    def head(self, remote_id: str) -> Head | None:
        """One playlist; None: it is not there."""

    def own(self) -> Iterable[Head]:
        """Playlists of the user."""

    def create(self, title: str, description: str) -> Head:
        """A new, empty playlist."""

    def describe(self, remote_id: str, title: str, description: str) -> None:
        """Another title and description."""

    def items(self, remote_id: str) -> list[Item]:
        """All items in order."""

    def plan(self, have: Sequence[str], want: Sequence[str]) -> tuple[Edit, ...]:
        """Edits, a request each, that lead from one list to the other."""

    def edit(self, remote_id: str, edit: Edit) -> None:
        """Do one edit."""

    def key(self, track: PlaylistTrack) -> str | None:
        """The key that the track itself tells; None: it must be looked for."""

    def look_for(self, track: PlaylistTrack) -> str | None:
        """The key of the same song at the service, by a few requests; None: it is not there."""

    def is_unknown(self, error: ServiceError) -> bool:
        """Whether a write was refused for items that are not there."""

    def address(self, remote_id: str) -> str:
        """Where people see the playlist."""


@runtime_checkable
class TellsPlayable(Protocol):
    """A service that tells which items its user cannot play there, such as in their country."""

    def unplayable(self, remote_id: str, keys: Sequence[str]) -> frozenset[str]:
        """Those of the items that cannot be played; the playlist holds exactly these, in order."""
