"""Make API keys; the store does the rest."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final, cast

from segue.access.api_key import SCOPES, ApiKey, Scope
from segue.access.base import KeyStore, KnownKey
from segue.access.tokens import Token, opens
from segue.errors import ConfigError

__all__ = ["create_key", "every_key"]

_log = logging.getLogger(__name__)
_SOURCE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_LONGEST: Final = 200


def create_key(
    store: KeyStore,
    label: str,
    scopes: Collection[str],
    *,
    now: datetime,
    user_id: str | None = None,
    source: str | None = None,
    rate: float | None = None,
    token: Token | None = None,
) -> tuple[ApiKey, Token]:
    """A new key; its token is nowhere but in the answer.

    Args:
        label: What it is for: 1 to 200 characters.
        scopes: What it may do; see `segue.access.api_key.Scope`.
        user_id: The only user it may speak for and ask about.
        source: Source of all events that come with it.
        rate: Requests a second, above 0.
        token: One that was made elsewhere; if its key is there already, that one comes back as
            it is.

    Raises:
        ConfigError: Something of that cannot be.
        WarehouseError: The store cannot be written.
    """
    label = label.strip()
    if not 0 < len(label) <= _LONGEST or not label.isprintable():
        raise _wrong("label", "a key has a name of 1 to 200 characters", "Say what it is for.")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        what = f"there is no scope “{unknown[0]}”" if unknown else "a key needs a scope"
        raise _wrong("scope", what, f"Choose among: {', '.join(SCOPES)}.")
    if user_id is not None and not user_id.strip():
        raise _wrong("user", "a user's id is not empty", "Leave it out for a key of all users.")
    if user_id is not None and "admin" in scopes:
        raise _wrong("scope", "a key of one user cannot be admin", "Give ingest and recommend.")
    if source is not None and not _SOURCE.fullmatch(source):
        raise _wrong(
            "source",
            f"“{source}” is no name of a source",
            "Use small letters, digits and _, such as app or spotify_api.",
        )
    if rate is not None and not 0 < rate <= 1e6:
        raise _wrong("rate", f"a rate of {rate:g} a second cannot be", "Give a number above 0.")
    if token is None:
        token = Token.new()
    elif (known := store.find(token.key_id)) is not None and opens(token.text, known.digest):
        return known.key, token
    key = ApiKey(
        token.key_id,
        label,
        frozenset(cast(Collection[Scope], scopes)),
        created_at=now,
        user_id=user_id,
        source=source,
        rate=rate,
    )
    store.add(KnownKey(key, token.digest))
    _log.info("key %s was made", key.key_id)
    return key, token


def every_key(store: KeyStore) -> Iterator[ApiKey]:
    """All keys, by their ids."""
    last = ""
    while found := store.page(after=last):
        yield from found
        last = found[-1].key_id


def _wrong(field: str, message: str, cure: str) -> ConfigError:
    return ConfigError(message, field=field, cure=cure)
