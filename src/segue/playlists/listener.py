"""What is known about whoever the playlist is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["Heard", "Listener"]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a listener did with one track, up to the playlist's moment.

    Args:
        plays: Counted plays; 0 when every play was cut short.
        last_at: The latest play of any length, aware UTC.
    """

    plays: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Listener:
    """One listener; an empty one is a stranger.

    Args:
        heard: Every track ever started, however short.
        kept: Tracks saved, or put into a playlist by hand.
        artist_keys: Artists of the tracks heard and kept, in normal form.
        banned_tracks: Track ids that must never appear.
        banned_artists: Artists that must never appear, in normal form.
        first_at: The first play; None without a history.
    """

    heard: Mapping[str, Heard] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    artist_keys: frozenset[str] = frozenset()
    banned_tracks: frozenset[str] = frozenset()
    banned_artists: frozenset[str] = frozenset()
    first_at: datetime | None = None

    @property
    def known(self) -> frozenset[str]:
        """Tracks that are no discovery: heard in part or whole, saved, or in a playlist."""
        return self.kept.union(self.heard)
