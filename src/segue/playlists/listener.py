"""What is known about whoever the playlist is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from segue.playlists.facts import TrackFacts

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


@dataclass(frozen=True)
class Listener:
    """One listener; an empty one is a stranger.

    Args:
        heard: Every track ever started, however short.
        kept: Tracks saved, or put into a playlist by hand.
        banned_tracks: Track ids that must never appear.
        banned_artists: Artists that must never appear, in normal form.
        first_at: The first play; None without a history.
        liked: Tracks that the listener said to like.
        spoken_of: Tracks of which the listener said anything: none of them is a discovery.
        resting: Tracks of which less was asked for, lately.
        unwanted_songs: Song keys of banned and resting tracks: other recordings are no better.
        less: Tracks of which less was asked for, each with how much that still counts, 0 … 1.
        less_artists: Artists of whom less was asked for, in normal form.
    """

    heard: Mapping[str, Heard] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    banned_tracks: frozenset[str] = frozenset()
    banned_artists: frozenset[str] = frozenset()
    first_at: datetime | None = None
    liked: frozenset[str] = frozenset()
    spoken_of: frozenset[str] = frozenset()
    resting: frozenset[str] = frozenset()
    unwanted_songs: frozenset[str] = frozenset()
    less: Sequence[tuple[TrackFacts, float]] = ()
    less_artists: frozenset[str] = frozenset()

    @cached_property
    def known(self) -> frozenset[str]:
        """Tracks that are no discovery: heard in part or whole, saved, listed, or spoken of."""
        return self.kept.union(self.heard, self.spoken_of)
