"""What goes over the line: a request, an answer, and errors in the two forms that Spotify has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

__all__ = ["Answer", "ApiError", "Request", "api_error", "as_json", "oauth_error"]


@dataclass(frozen=True)
class Request:
    """What a client asks.

    Args:
        method: GET, POST, …
        path: Without the query.
        query: The query's parameters; of those given twice the last.
        headers: Names in lower case.
        body: As it came.
        words: What the route's template found in the path.
        pairs: The query as it came, with what was given twice.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    words: Mapping[str, str] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()

    def every(self, name: str) -> list[str]:
        """The values of a parameter that is given several times, or with commas."""
        told = [value for key, value in self.pairs if key == name]
        return [part.strip() for value in told for part in value.split(",") if part.strip()]

    def form(self) -> dict[str, str]:
        """The fields of a form in the body."""
        found = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in found.items()}

    def json(self) -> Any:
        """The body as JSON; nothing is an empty object.

        Raises:
            ApiError: 400, as the real one answers to a body it cannot read.
        """
        if not self.body:
            return {}
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ApiError(400, "Error parsing JSON.") from error


@dataclass(frozen=True)
class Answer:
    """What the client gets."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """The API refuses; `reason` is a word for programs, there only when Spotify gives one."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        reason: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason
        self.headers = dict(headers or {})


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer of JSON."""
    told = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    return Answer(status, json.dumps(value, ensure_ascii=False).encode(), told)


def api_error(error: ApiError) -> Answer:
    """An error of the Web API."""
    told: dict[str, Any] = {"status": error.status, "message": error.message}
    if error.reason:
        told["reason"] = error.reason
    return as_json({"error": told}, error.status, error.headers)


def oauth_error(error: str, description: str, status: int = 400) -> Answer:
    """An error of the accounts service."""
    return as_json({"error": error, "error_description": description}, status)
