"""What a playlist is called, and the sentence below its title."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from segue.music.query import Mix
from segue.playlists.facts import TrackFacts

__all__ = ["ABOUT", "MONTHS", "entitle"]

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
"""English names, whatever the machine's language."""
ABOUT: Final = {
    "discover": "Tracks that are new to you, found through what you play.",
    "rediscover": "Favourites that you have not played for a while.",
    "daily": "What you like to play, with some discoveries.",
    "similar": "Tracks near the ones you named.",
}
"""Mix -> the description of its playlists."""


def entitle(mix: Mix, made_at: datetime, seeds: Sequence[TrackFacts]) -> str:
    """The title, such as “Discover · 21 Nov 2026” or “Similar to Alison · 21 Nov 2026”."""
    day = f"{made_at.day} {MONTHS[made_at.month - 1][:3]} {made_at.year}"
    if mix != "similar" or not seeds:
        return f"{mix.capitalize()} · {day}"
    more = f" and {len(seeds) - 1} more" if len(seeds) > 1 else ""
    return f"Similar to {seeds[0].title}{more} · {day}"
