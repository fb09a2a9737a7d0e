"""A playlist: its items, a new snapshot id for every change, changes against older ones."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from segue.fakes.messages import ApiError

__all__ = ["Entry", "Playlist"]

_REMEMBERED: Final = 100  # snapshots


@dataclass(frozen=True, slots=True)
class Entry:
    """One row; `key` is its own however often the same track is there."""

    key: int
    uri: str
    added_at: datetime
    added_by: str


@dataclass
class Playlist:
    """What a user has put together.

    Args:
        id: Its id.
        name: Its name.
        owner: The user's id.
        public: Whether it is on the owner's profile.
        collaborative: Whether others may change it.
        description: What the owner says of it; None: nothing.
        entries: Its rows in order.
        cover: JPEG; empty: none was uploaded.
        closed: Whether Spotify makes it (Discover Weekly): apps do not see it.
    """

    id: str
    name: str
    owner: str
    public: bool = True
    collaborative: bool = False
    description: str | None = None
    entries: tuple[Entry, ...] = ()
    cover: bytes = b""
    closed: bool = False
    revision: int = 0
    _next: int = 0
    _past: dict[str, tuple[Entry, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._next = max((entry.key + 1 for entry in self.entries), default=self._next)
        self._past[self.snapshot_id] = self.entries

    @property
    def uri(self) -> str:
        """Its Spotify URI."""
        return f"spotify:playlist:{self.id}"

    @property
    def uris(self) -> list[str]:
        """The tracks in order."""
        return [entry.uri for entry in self.entries]

    @property
    def snapshot_id(self) -> str:
        """The name of this state of it."""
        mark = hashlib.sha1(f"{self.id} {self.revision}".encode(), usedforsecurity=False)
        return base64.b64encode(self.revision.to_bytes(4, "big") + mark.digest()).decode()

    def insert(self, uris: Iterable[str], position: int | None, *, by: str, at: datetime) -> None:
        """Add tracks at a position; None: at the end."""
        place = len(self.entries) if position is None else position
        if not 0 <= place <= len(self.entries):
            raise ApiError(400, "Index out of bounds.")
        self._become((*self.entries[:place], *self._new(uris, by, at), *self.entries[place:]))

    def replace(self, uris: Iterable[str], *, by: str, at: datetime) -> None:
        """Have these tracks and no others."""
        self._become(tuple(self._new(uris, by, at)))

    def move(self, start: int, before: int, length: int, snapshot_id: str | None) -> None:
        """Move a range of rows, as they stood in a snapshot, before another row of it."""
        seen = self._as_of(snapshot_id)
        if start < 0 or length < 1 or start + length > len(seen) or not 0 <= before <= len(seen):
            raise ApiError(400, "Index out of bounds.")
        moved_keys = {entry.key for entry in seen[start : start + length]}
        if before in range(start, start + length + 1):  # to where they are
            self._become(self.entries)
            return
        moved = [entry for entry in self.entries if entry.key in moved_keys]
        rest = [entry for entry in self.entries if entry.key not in moved_keys]
        after = {entry.key for entry in seen[before:]}
        place = next((n for n, entry in enumerate(rest) if entry.key in after), len(rest))
        self._become((*rest[:place], *moved, *rest[place:]))

    def remove(self, uris: Sequence[str], snapshot_id: str | None) -> None:
        """Take out every row of these tracks that a snapshot had."""
        seen = {entry.key for entry in self._as_of(snapshot_id)}
        unwanted = set(uris)
        self._become(tuple(e for e in self.entries if e.uri not in unwanted or e.key not in seen))

    def rename(self, *, name: str | None = None, description: str | None = None) -> None:
        """Change what it is called; that is a change like any other."""
        self.name = self.name if name is None else name
        self.description = self.description if description is None else description
        self._become(self.entries)

    def _new(self, uris: Iterable[str], by: str, at: datetime) -> list[Entry]:
        made = [Entry(self._next + n, uri, at, by) for n, uri in enumerate(uris)]
        self._next += len(made)
        return made

    def _become(self, entries: tuple[Entry, ...]) -> None:
        self.entries = entries
        self.revision += 1
        self._past[self.snapshot_id] = entries
        while len(self._past) > _REMEMBERED:
            del self._past[next(iter(self._past))]

    def _as_of(self, snapshot_id: str | None) -> tuple[Entry, ...]:
        if snapshot_id is None:
            return self.entries
        if (found := self._past.get(snapshot_id)) is None:
            raise ApiError(400, "Invalid snapshot ID.")
        return found
