"""The numbers and habits of the service that tests may turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["Rules"]


@dataclass
class Rules:
    """How the service behaves.

    Args:
        access_seconds: How long an access token is good.
        refresh_months: How long a refresh token is good, from when the user said yes.
        rotates: When a refresh brings a new refresh token and ends the old one:
            "pkce" (only without a client secret), "always" or "never".
        window_requests: Requests that an app may send in 30 s.
        upload_requests: Cover images that an app may send in 30 s.
        quota_requests: Requests that a developer's apps may send in 24 h.
        window_items: How many plays recently-played knows.
        played_at: Whether a play is stamped with its "end" or its "start".
        idle_seconds: After how long a pause the player is not there any more.
        stays_public: Whether a playlist made with `public: false` is public all the same.
        playlist_items: How many items a playlist can hold.
        asks: Whether the consent page waits for a person; otherwise the user's `consents` answers.
    """

    access_seconds: int = 3600
    refresh_months: int = 6
    rotates: str = "pkce"
    window_requests: int = 300
    upload_requests: int = 10
    quota_requests: int = 100_000
    window_items: int = 50
    played_at: str = "end"
    idle_seconds: float = 600.0
    stays_public: bool = False
    playlist_items: int = 10_000
    asks: bool = False


WINDOW_SECONDS: Final = 30.0
QUOTA_SECONDS: Final = 24 * 3600.0
