"""Every refusal and failure as RFC 9457 has it: application/problem+json."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec
from pydantic import ValidationError

from segue.doors.http.call import Reply
from segue.errors import (
    BusyError,
    ConfigError,
    NotFittedError,
    NotReadyError,
    OverloadedError,
    SegueError,
    StorageError,
    Temporary,
    UnknownTrackError,
    UnknownUserError,
)

__all__ = [
    "PROBLEM",
    "FieldError",
    "Problem",
    "ProblemError",
    "field_errors",
    "problem_of",
    "reply_of",
]

_log = logging.getLogger(__name__)

PROBLEM: Final = b"application/problem+json"
_TYPE: Final = "urn:segue:problem:"
_LATER_S: Final = 1


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request.

    Args:
        field: Its name, or its path in the body, such as “tracks.0.plays”.
        reason: One sentence.
    """

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal or a failure.

    Args:
        type: What sort it is, as a URN; it does not change.
        title: The same in words.
        status: Of HTTP.
        detail: What happened this time.
        cure: What can be done about it; empty: nothing that is known.
        errors: What is wrong with which field.
        request_id: For whoever looks into the logs.
    """

    type: str
    title: str
    status: int
    detail: str
    cure: str = ""
    errors: tuple[FieldError, ...] = ()
    request_id: str = ""


class ProblemError(Exception):
    """Ends a request with a problem.

    Args:
        kind: What sort it is: the end of `Problem.type`.
        retry_after: Seconds after which the same request may do.
        headers: Further ones of the answer.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        cure: str = "",
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.cure = cure
        self.errors = tuple(errors)
        self.headers = headers
        if retry_after is not None:
            self.headers = (*headers, (b"retry-after", b"%d" % retry_after))


def reply_of(problem: ProblemError, request_id: bytes) -> Reply:
    """A problem as an answer."""
    told = Problem(
        type=_TYPE + problem.kind,
        title=_title(problem.kind, problem.status),
        status=problem.status,
        detail=problem.detail,
        cure=problem.cure,
        errors=problem.errors,
        request_id=request_id.decode(),
    )
    return Reply(msgspec.json.encode(told), problem.status, PROBLEM, problem.headers)


def problem_of(error: Exception, *, ready: Callable[[], bool]) -> ProblemError:
    """What an error means to a client. What the client cannot mend is logged, and not told.

    Args:
        ready: Whether the service could answer others.
    """
    match error:
        case ProblemError():
            return error
        case ValidationError():
            found = error.errors(include_url=False, include_input=False)
            return ProblemError(
                422, "invalid", "A value cannot be used.", errors=field_errors(found)
            )
        case ConfigError():
            wrong = [FieldError(error.field, _sentence(error.message))] if error.field else []
            return ProblemError(422, "invalid", _sentence(error.message), errors=wrong)
        case UnknownUserError():
            return ProblemError(404, "unknown-user", "There is no such user here.")
        case UnknownTrackError():
            return ProblemError(
                404,
                "unknown-track",
                _sentence(error.message),
                cure="GET /tracks/search finds tracks by name.",
            )
        case NotReadyError() | NotFittedError() if ready():
            return ProblemError(409, "nothing-to-choose-from", _sentence(error.message))
        case NotReadyError() | NotFittedError():
            return ProblemError(
                503,
                "not-ready",
                "Nothing has been trained yet, so there is nothing to recommend.",
                cure="Run `segue build` and `segue train`; the service takes it up by itself.",
                retry_after=30,
            )
        case OverloadedError():
            return ProblemError(503, "overloaded", _sentence(error.message), retry_after=_LATER_S)
        case BusyError() | StorageError() | Temporary() | MemoryError() | OSError():
            _log.error("not available: %s", error)
            return ProblemError(
                503,
                "unavailable",
                "What this needs cannot be used at the moment.",
                cure="Try again later; nothing of it was kept.",
                retry_after=5,
            )
        case SegueError():
            _log.error("failed: %s", error)
        case _:
            _log.error("a fault inside Segue", exc_info=error)
    return ProblemError(
        500,
        "fault",
        "Something went wrong inside the service.",
        cure="The logs of the service tell more under this request id.",
    )


def _title(kind: str, status: int) -> str:
    known: dict[str, str] = {
        "invalid": "The request cannot be meant",
        "not-json": "The body is no JSON",
        "no-key": "A key is wanted",
        "wrong-key": "The key opens nothing",
        "not-allowed": "The key may not do this",
        "unknown-user": "Unknown user",
        "unknown-track": "Unknown track",
        "too-often": "Too many requests",
        "too-many": "Too many events",
        "too-large": "The request is too large",
        "overloaded": "The service has too much to do",
    }
    return known.get(kind) or HTTPStatus(status).phrase


def _sentence(text: str) -> str:
    """The message of an error as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


def field_errors(found: Sequence[Any]) -> tuple[FieldError, ...]:
    """What pydantic found, as ours; values are not repeated."""
    return tuple(
        FieldError(
            ".".join(str(part) for part in one["loc"] if part not in ("query", "body", "path")),
            _sentence(str(one["msg"])),
        )
        for one in found
    )
