"""Recommendations while people listen: what a service answers, from memory."""

from __future__ import annotations

from segue.flows.online.answers import (
    BEFORE,
    FULL,
    QUICK,
    Answer,
    Forgotten,
    FoundTrack,
    Health,
    Listened,
    Named,
    Recent,
    TrackCard,
    UserCard,
    UserProfile,
)
from segue.flows.online.service import Service

__all__ = [
    "BEFORE",
    "FULL",
    "QUICK",
    "Answer",
    "Forgotten",
    "FoundTrack",
    "Health",
    "Listened",
    "Named",
    "Recent",
    "Service",
    "TrackCard",
    "UserCard",
    "UserProfile",
]
