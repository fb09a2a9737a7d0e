"""API Gateway → here: a user is forgotten."""

from __future__ import annotations

import json
import logging
import shlex
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

from segue.access.api_key import ApiKey
from segue.aws.clients import Aws
from segue.doors.aws import place
from segue.doors.aws.gateway_keys import GatewayKeys
from segue.errors import ServiceDownError, ServiceError

__all__ = ["handler"]

_log = logging.getLogger(__name__)
place.begin("dynamodb", "apigateway")
_UNDER: Final = "/users/"
_LONGEST: Final = 200
_SOON: Final = {"Retry-After": "2"}


def handler(invocation: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer `DELETE /users/{user_id}`: API keys, events and profile of a user go, for good.

    Who asks is the API key that API Gateway has found, and it has to have the tag `segue:scope` =
    `admin`. What is published of the user is not used any more; what events that are still on
    their way tell of the time before is not counted.
    """
    del context
    try:
        return _answered(invocation)
    except ServiceDownError as error:
        _log.warning("users: %s", error.message)
        return _problem(503, "not-now", "The user is not forgotten yet: ask again.", _SOON)
    except ServiceError as error:
        _log.error("users: %s", error.message)
        return _problem(500, "failed", "This function may not do that; its log says what.")


def _answered(invocation: Mapping[str, Any]) -> dict[str, Any]:
    if invocation.get("httpMethod") != "DELETE":
        return _problem(405, "wrong-method", "Here users are only forgotten.", {"Allow": "DELETE"})
    key = _key_of(invocation)
    if key is None:
        return _problem(401, "wrong-key", "This needs an API key that may do something.")
    if key.user_id is not None or not key.may("admin"):
        return _problem(403, "not-allowed", "This needs a key with the scope “admin”.")
    user_id = unquote(str(invocation.get("path", "")).partition(_UNDER)[2])
    if not 1 <= len(user_id) <= _LONGEST:
        return _problem(422, "invalid", f"A user's id has 1 to {_LONGEST} characters.")
    return _forgotten(user_id)


def _forgotten(user_id: str) -> dict[str, Any]:
    keys = _keys().forget(user_id)  # first: whoever has a key could go on asking
    items = place.profiles().forget(user_id, place.now())
    _log.info("users: one was forgotten: %d keys, %d items", keys, items)
    remains = (
        "Raw events, data sets, Personalize, and the history and models that were published before "
        f"still hold the user; `segue aws forget --user {shlex.quote(user_id)}` removes that. "
        "Nothing is answered with it any more."
    )
    told = {"user_id": user_id, "events": max(0, items - 1), "remains": remains}
    return _answer(200, "application/json", told)


def _key_of(invocation: Mapping[str, Any]) -> ApiKey | None:
    identity = (invocation.get("requestContext") or {}).get("identity") or {}
    found = identity.get("apiKeyId")
    if not found:
        return None
    known = _keys().at_hand(found)
    return known if isinstance(known, ApiKey) else _keys().look_up(found)


@lru_cache(maxsize=1)
def _keys() -> GatewayKeys:
    return GatewayKeys(Aws())


def _problem(
    status: int, kind: str, title: str, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    told = {"type": f"urn:segue:problem:{kind}", "title": title, "status": status}
    return _answer(status, "application/problem+json", told, headers)


def _answer(
    status: int, media: str, told: object, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": media, "Cache-Control": "no-store", **(headers or {})},
        "body": json.dumps(told, ensure_ascii=False),
        "isBase64Encoded": False,
    }
