"""An API key: what its holder may do, and on whose behalf."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

__all__ = ["SCOPES", "ApiKey", "Scope"]

Scope = Literal["ingest", "recommend", "admin"]
"""ingest: report events. recommend: ask for recommendations, tracks and profiles.
admin: both, and look after users."""

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key; its token is known to its holder alone.

    Args:
        key_id: Its public name: 12 hex digits. It is part of the token.
        label: What it is for, in the words of whoever made it.
        scopes: What it may do, not empty.
        user_id: The only user it may speak for and ask about; None: all.
        source: Source of all events that come with it, whatever they say; None: as they say.
        rate: Requests a second; None: what the service grants to every key.
        created_at: Aware UTC.
        last_used_at: About when it was last used, to the minute or so; None: never.
        revoked_at: From when on it opens nothing; None: it does.
    """

    key_id: str
    label: str
    scopes: frozenset[Scope]
    created_at: datetime
    user_id: str | None = None
    source: str | None = None
    rate: float | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def may(self, scope: Scope) -> bool:
        """Whether the key has a scope; admin has all."""
        return scope in self.scopes or "admin" in self.scopes

    def sees(self, user_id: str) -> bool:
        """Whether the key may know of a user."""
        return self.user_id is None or self.user_id == user_id

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "key_id": self.key_id,
            "label": self.label,
            "scopes": sorted(self.scopes),
            "user_id": self.user_id,
            "source": self.source,
            "rate": self.rate,
            "created_at": self.created_at.isoformat(),
            "last_used_at": self.last_used_at and self.last_used_at.isoformat(),
            "revoked_at": self.revoked_at and self.revoked_at.isoformat(),
        }
