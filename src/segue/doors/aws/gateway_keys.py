"""Whose request it is: API Gateway's keys, and what their tags say of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from segue.access.api_key import SCOPES, ApiKey, Scope
from segue.access.keyring import Unsure
from segue.aws.clients import Aws
from segue.errors import ServiceDownError

__all__ = ["SCOPE", "USER", "GatewayKeys"]

USER: Final = "segue:user"
"""Tag of a key that speaks for one user alone."""

SCOPE: Final = "segue:scope"
"""Tag of a key that speaks for everybody: what it may do, words apart by spaces."""

_KNOWN_S: Final = 300.0
_TRUSTED_S: Final = 3_600.0
_MOST: Final = 10_000
_PAGE: Final = 500
_NO_KEY: Final = "NotFoundException"
_OF_USER: Final[frozenset[Scope]] = frozenset({"recommend"})


@dataclass(frozen=True, slots=True)
class _Known:
    key: ApiKey | None
    since: float


class GatewayKeys:
    """Keys by the ids that API Gateway gave them, as it tells with each request.

    API Gateway has looked at the key itself before it calls anything; what is asked of it here is
    only the key's tags. A key with the tag `segue:user` sees that user, and nobody else. A key of
    an application has `segue:scope` (recommend). A key with neither opens nothing. What tags
    say is believed for five minutes, and for an hour while API Gateway does not answer.

    Args:
        aws: How to reach API Gateway.
        clock: Seconds that only grow.
    """

    def __init__(self, aws: Aws, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._aws = aws
        self._clock = clock
        self._known: dict[str, _Known] = {}

    @property
    def empty(self) -> bool:
        """Never: nobody is let in without a key."""
        return False

    def at_hand(self, token: str) -> ApiKey | Unsure | None:
        """The key of an id, if it was asked about lately."""
        known = self._known.get(token)
        if known is None or self._clock() - known.since > _KNOWN_S:
            return Unsure.ASK
        return known.key

    def look_up(self, token: str) -> ApiKey | None:
        """The key of an id, as API Gateway tells it.

        Raises:
            ServiceDownError: It does not answer, and the key was not known before.
            ServiceError: This function may not ask.
        """
        before = self._known.get(token)
        try:
            key = self._asked(token)
        except ServiceDownError:
            if before is None or self._clock() - before.since > _TRUSTED_S:
                raise
            return before.key
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[token] = _Known(key, self._clock())
        return key

    def forget(self, user_id: str) -> int:
        """Remove the keys that speak for a user; how many there were.

        Raises:
            ServiceDownError: API Gateway does not answer; what is left goes the next time.
            ServiceError: This function may not.
        """
        client, removed = self._aws.client("apigateway"), 0
        with self._aws.explained("API Gateway", "remove the keys of a user"):
            pages = client.get_paginator("get_api_keys").paginate(
                includeValues=False, PaginationConfig={"PageSize": _PAGE}
            )
            theirs = [
                one["id"]
                for page in pages
                for one in page["items"]
                if (one.get("tags") or {}).get(USER) == user_id
            ]
            for key_id in theirs:
                try:
                    client.delete_api_key(apiKey=key_id)
                except client.exceptions.NotFoundException:
                    continue  # somebody else was faster
                removed += 1
                self._known.pop(key_id, None)
        return removed

    def start(self) -> None:
        """Nothing is followed."""

    def close(self) -> None:
        """Nothing is open."""

    def _asked(self, key_id: str) -> ApiKey | None:
        client = self._aws.client("apigateway")
        with self._aws.explained("API Gateway", "tell of a key"):
            try:
                told = client.get_api_key(apiKey=key_id, includeValue=False)
            except client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] != _NO_KEY:
                    raise
                return None
        return _key_of(key_id, told) if told.get("enabled", True) else None


def _key_of(key_id: str, told: Mapping[str, Any]) -> ApiKey | None:
    tags = told.get("tags") or {}
    user_id = tags.get(USER)
    named = frozenset(cast(Scope, word) for word in tags.get(SCOPE, "").split() if word in SCOPES)
    scopes = named if user_id is None else _OF_USER
    if not scopes or user_id == "":
        return None
    return ApiKey(
        key_id,
        str(told.get("name", "")),
        scopes,
        created_at=told.get("createdDate") or datetime(2000, 1, 1, tzinfo=UTC),
        user_id=user_id,
        rate=0.0,  # a usage plan says how often it may ask
    )
