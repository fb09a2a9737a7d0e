"""What Spotify's refusals mean in 2026, and what to do about each."""

from __future__ import annotations

from typing import Final

from segue.errors import ServiceError, SignInError
from segue.services.spotify.accounts import SERVICE

__all__ = ["refusal"]

_FORBIDDEN: Final = 403
_MISSING: Final = 404
_LONGEST: Final = 200
_DASHBOARD: Final = "https://developer.spotify.com/dashboard"


def refusal(status: int, message: str, reason: str, path: str) -> ServiceError:
    """The error for an answer between 400 and 499.

    Args:
        message: What Spotify says.
        reason: Its word for programs.
        path: What was asked for; ids in it are no secrets.
    """
    said = " ".join(message.split())[:_LONGEST] or "no reason told"
    low = f"{message} {reason}".lower()
    what, cure = f"Spotify refuses {path} ({status}: {said})", ""
    if status == _FORBIDDEN and "scope" in low:
        return SignInError(
            f"the sign-in does not allow Segue {path} ({said})",
            service=SERVICE,
            status=status,
            cure="Sign in again and agree to what is asked: segue spotify login.",
        )
    if status == _FORBIDDEN and "premium" in low:
        cure = (
            "Since February 2026 the owner of an app in development mode needs Spotify Premium; "
            "make Premium active on the account that owns the app."
        )
    elif status == _FORBIDDEN and ("regist" in low or "allowlist" in low or "whitelist" in low):
        cure = (
            f"Add this Spotify account under User Management of the app at {_DASHBOARD}: "
            "an app in development mode knows five users."
        )
    elif status == _FORBIDDEN and "/playlists/" in path:
        cure = (
            "Apps may read and write only playlists that you own or collaborate on; copy the "
            "tracks into one of your own."
        )
    elif status == _FORBIDDEN:
        cure = (
            f"Look at {_DASHBOARD}: the owner needs Premium, the user must be on the app's list "
            "of five, and some of the API is closed to new apps."
        )
    elif status == _MISSING:
        what = f"Spotify knows nothing at {path} ({said})"
        cure = "Is the id right? What was deleted, or made by Spotify itself, is not shown to apps."
    return ServiceError(what, service=SERVICE, status=status, cure=cure)
