"""What the fake ListenBrainz keeps: users with tokens, listens, playlists."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["Member", "SharedPlaylist"]


@dataclass
class Member:
    """Somebody with an account.

    Args:
        name: Their MusicBrainz name.
        token: What their programs show.
        listens: What they heard, by moment, artist and title: the same is there once.
        now_playing: What is on.
        recommended: Ids of recordings with scores; None: nothing was computed for them yet.
    """

    name: str
    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    listens: dict[tuple[int, str, str], dict[str, Any]] = field(default_factory=dict)
    now_playing: dict[str, Any] | None = None
    recommended: list[tuple[str, float]] | None = None


@dataclass
class SharedPlaylist:
    """A playlist of recordings."""

    mbid: str
    title: str
    creator: str
    made_at: datetime
    annotation: str = ""
    public: bool = True
    recordings: list[str] = field(default_factory=list)
