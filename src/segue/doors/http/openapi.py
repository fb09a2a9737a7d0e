"""The description of the service: what FastAPI finds, with keys, problems and answers."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

import segue
from segue.doors.http.shapes import components

__all__ = ["describe"]

_ABOUT: Final = """\
Events in, recommendations out. What is refused is told as RFC 9457 has it
(`application/problem+json`), and every answer names its `Request-Id`.
"""
_PROBLEMS: Final = {
    "400": "The body or the query cannot be read.",
    "401": "A key is wanted, or the key opens nothing.",
    "403": "The key may not do this.",
    "404": "There is no such track, user or path.",
    "409": "There is nothing that this could be made of.",
    "408": "The request came too slowly.",
    "413": "The body is too large.",
    "415": "The body is no JSON.",
    "422": "A value is out of its bounds; `errors` names it.",
    "429": "The key asks too often; `Retry-After` says when to come back.",
    "431": "The address and the headers are over 64 KiB.",
    "500": "A fault inside the service.",
    "503": "The service has too much to do, or cannot answer yet; `Retry-After` says when.",
}
_OPEN: Final = ("400", "408", "431", "500", "503")
_REF: Final = {"$ref": "#/components/schemas/Problem"}
_LATER: Final = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
_LEFT_OUT: Final = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document; made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title="Segue", version=segue.__version__, description=_ABOUT, routes=app.routes
        )
        schemas: dict[str, Any] = made.setdefault("components", {}).setdefault("schemas", {})
        for name in _LEFT_OUT:
            schemas.pop(name, None)
        schemas.update(components())
        made["components"]["securitySchemes"] = {
            "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of `segue keys create`. Without any keys, none is needed.",
            }
        }
        for operations in made["paths"].values():
            for operation in operations.values():
                _with_problems(operation)
        app.openapi_schema = made
    return app.openapi_schema


def _with_problems(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    for status, told in _PROBLEMS.items():
        if status in responses or ("security" not in operation and status not in _OPEN):
            continue
        responses[status] = {
            "description": told,
            "content": {"application/problem+json": {"schema": _REF}},
        }
        if status in ("429", "503"):
            responses[status]["headers"] = _LATER
    operation["responses"] = dict(sorted(responses.items(), key=lambda one: str(one[0])))
