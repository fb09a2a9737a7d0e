"""Values as JSON answers."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

__all__ = ["as_json"]


def as_json(value: Any, status: int = 200) -> Response:
    """A frozen value as the body of an answer."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")
