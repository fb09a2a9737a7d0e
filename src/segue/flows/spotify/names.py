"""What Spotify's parts are called in a home."""

from __future__ import annotations

from typing import Final

__all__ = ["SERVICE", "SOURCE", "secret_name"]

SERVICE: Final = "Spotify"
SOURCE: Final = "spotify_api"
"""The source of all plays that its Web API told."""


def secret_name(user_id: str) -> str:
    """The secret that holds one user's sign-in."""
    return f"spotify/{user_id}"
