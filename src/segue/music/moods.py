"""Moods as bounds of audio features, and what may be asked of how a track sounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from segue.music import columns as c

__all__ = ["BOUNDED", "MOODS", "Bound"]

Bound = tuple[str, float | None, float | None]
"""An audio feature, and the lowest and highest value that is wanted; None: no bound."""

BOUNDED: Final = (
    c.ACOUSTICNESS,
    c.DANCEABILITY,
    c.ENERGY,
    c.INSTRUMENTALNESS,
    c.LIVENESS,
    c.SPEECHINESS,
    c.VALENCE,
)
"""Features that bounds may be asked for, each 0 … 1."""

MOODS: Final[Mapping[str, tuple[Bound, ...]]] = {
    "happy": ((c.VALENCE, 0.6, None), (c.ENERGY, 0.45, None)),
    "calm": ((c.ENERGY, None, 0.45), (c.VALENCE, 0.25, None)),
    "sad": ((c.VALENCE, None, 0.35), (c.ENERGY, None, 0.55)),
    "angry": ((c.VALENCE, None, 0.5), (c.ENERGY, 0.75, None)),
    "energetic": ((c.ENERGY, 0.7, None),),
    "party": ((c.DANCEABILITY, 0.65, None), (c.ENERGY, 0.6, None)),
    "focus": ((c.INSTRUMENTALNESS, 0.5, None), (c.SPEECHINESS, None, 0.2)),
    "sleep": ((c.ENERGY, None, 0.3), (c.ACOUSTICNESS, 0.5, None)),
}
"""The first four are the corners of valence and energy (J. A. Russell, 1980, “A circumplex model
of affect”); the bounds are ours."""
