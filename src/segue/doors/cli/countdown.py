"""How long a sign-in still lasts, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

__all__ = ["SOON_DAYS", "sign_in_words"]

SOON_DAYS: Final = 14
"""A sign-in that ends within so many days is worth a word."""


def sign_in_words(facts: Mapping[str, Any]) -> str:
    """One sign-in, as `SignInFacts.as_dict` tells it.

    >>> sign_in_words({"user": "me", "account": "ada", "ended": "revoked"})
    'me: revoked; sign in again: segue spotify login --user me'
    """
    who, again = facts["user"], f"segue spotify login --user {facts['user']}"
    if facts["ended"]:
        return f"{who}: {facts['ended']}; sign in again: {again}"
    name = f"signed in as {facts['account']}" if facts["account"] else "signed in"
    if facts["expires_at"] is None:
        return f"{who}: {name} with a token made elsewhere; when that ends is not known"
    day, left = datetime.fromisoformat(facts["expires_at"]), facts["days_left"]
    if left <= 0:
        return f"{who}: {name}; ends today or has ended: {again}"
    days = "1 day" if left == 1 else f"{left} days"
    soon = f": {again}" if left <= SOON_DAYS else ""
    return f"{who}: {name}, {days} left (until {day:%d %b %Y}){soon}"
