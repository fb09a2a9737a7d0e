"""Whose plays models may learn from, unless the settings say otherwise."""

from __future__ import annotations

from typing import Final

__all__ = ["TRAINING_SOURCES"]

TRAINING_SOURCES: Final = (
    "spotify_export",
    "spotify_account",
    "lastfm",
    "listenbrainz",
    "maloja",
    "koito",
    "simulated",
    "app",
)
"""Content of Spotify's Web API is not among them: its terms restrict learning from it."""
