"""API keys as rows of a table, whatever keeps the table, and what stores say of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, cast

from segue.access.api_key import ApiKey, Scope
from segue.access.base import KnownKey
from segue.errors import ConfigError

__all__ = ["FACTS", "absent", "known_of", "row_of", "taken"]

FACTS: Final = ("key_id", "label", "digest", "scopes", "user_id", "source", "rate")
"""Columns before the three moments: made, last used, revoked."""


def row_of(known: KnownKey, stored: Callable[[datetime], Any]) -> tuple[Any, ...]:
    """Values of `FACTS`, then of the three moments, each as `stored` makes it; None stays None."""
    key = known.key
    facts = (key.key_id, key.label, known.digest, " ".join(sorted(key.scopes)))
    moments = (key.created_at, key.last_used_at, key.revoked_at)
    return (
        *facts,
        key.user_id,
        key.source,
        key.rate,
        *(None if at is None else stored(at) for at in moments),
    )


def known_of(row: Sequence[Any], moment: Callable[[Any], datetime]) -> KnownKey:
    """The key that such a row tells of; `moment` reads what `stored` made."""
    key_id, label, digest, scopes, user_id, source, rate, *moments = row
    made, last_used, revoked = (None if at is None else moment(at) for at in moments)
    assert made is not None
    key = ApiKey(
        key_id,
        label,
        frozenset(cast(list[Scope], scopes.split())),
        created_at=made,
        user_id=user_id,
        source=source,
        rate=rate,
        last_used_at=last_used,
        revoked_at=revoked,
    )
    return KnownKey(key, digest)


def taken(key_id: str) -> ConfigError:
    """Two keys cannot have one id."""
    return ConfigError(f"there is a key {key_id} already", field="key", cure="Make another one.")


def absent(key_id: str) -> ConfigError:
    """Nobody has such a key."""
    return ConfigError(
        f"there is no key {key_id}", field="key", cure="`segue keys list` shows them all."
    )
