"""Who is there: users, developers' apps, and what users granted them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

__all__ = ["SCOPES", "AccessToken", "App", "Code", "Grant", "User"]

SCOPES: Final = frozenset(
    {
        "app-remote-control",
        "playlist-modify-private",
        "playlist-modify-public",
        "playlist-read-collaborative",
        "playlist-read-private",
        "streaming",
        "ugc-image-upload",
        "user-follow-modify",
        "user-follow-read",
        "user-library-modify",
        "user-library-read",
        "user-modify-playback-state",
        "user-read-currently-playing",
        "user-read-email",
        "user-read-playback-position",
        "user-read-playback-state",
        "user-read-private",
        "user-read-recently-played",
        "user-top-read",
    }
)
"""Every scope there is."""


@dataclass
class User:
    """Somebody who listens.

    Args:
        id: Their name in URIs.
        display_name: What others see.
        account_id: What stays when all else changes.
        country: Which market they are in.
        premium: Whether they pay.
        consents: What they answer when an app asks for access.
        saved: URI to the moment it was saved, oldest first.
        followed: Ids of playlists in their list, newest first; their own among them.
    """

    id: str
    display_name: str
    account_id: str = ""
    country: str = "GB"
    premium: bool = True
    consents: bool = True
    saved: dict[str, datetime] = field(default_factory=dict)
    followed: list[str] = field(default_factory=list)

    @property
    def uri(self) -> str:
        """Their Spotify URI."""
        return f"spotify:user:{self.id}"


@dataclass
class App:
    """An application as a developer registered it.

    Args:
        client_id: Its id.
        client_secret: Its secret.
        redirect_uris: Where it may send people back to.
        developer: Who owns it: quota is counted for all apps of a developer.
        owner: The user id of the developer, who needs Premium.
        allowed: User ids that may use it while it is in development mode, beside the owner.
        development: Whether it is in development mode.
    """

    client_id: str
    client_secret: str
    redirect_uris: list[str]
    developer: str = "developer"
    owner: str = ""
    allowed: list[str] = field(default_factory=list)
    development: bool = True


@dataclass
class Code:
    """What the redirect carries; good for one exchange within ten minutes."""

    client_id: str
    user_id: str
    redirect_uri: str
    scopes: frozenset[str]
    challenge: str
    made_at: datetime


@dataclass
class Grant:
    """A refresh token; refreshing does not move `authorised_at`, when the user said yes."""

    client_id: str
    user_id: str
    scopes: frozenset[str]
    authorised_at: datetime
    pkce: bool


@dataclass
class AccessToken:
    """Opens the API for an hour; without a user when the app asked for itself."""

    client_id: str
    user_id: str
    scopes: frozenset[str]
    expires_at: datetime
