"""Every error that Segue raises on purpose, as one tree.

SegueError
├── ConfigError            a setting or an option that cannot be used
├── SourceError            an input that cannot be read: names file, row and field
├── WarehouseError         the lake, the warehouse or a snapshot
│   ├── BusyError          somebody else is writing (Temporary)
│   └── StorageError       the disk is full, or the folder cannot be written
│       └── UnreachableError  a lake elsewhere does not answer (Temporary)
├── SecretError            tokens or passwords that are locked, damaged or gone
├── QueryError             an SQL query that cannot be answered: names line and column
├── OverloadedError        more is asked than can be done now (Temporary)
├── NotReadyError          an earlier step has not been run yet
├── NotFittedError         a model was asked before it was fitted
├── RefusedError           a service of Segue refused a request: names status and fields
│   └── NotNowError        it has too much to do, or does not answer (Temporary)
├── UnknownUserError       no such user
├── UnknownTrackError      no such track
├── UnknownJobError        no such job
├── SinkError              a playlist could not be delivered
├── NotifyError            a notification could not be delivered
└── ServiceError           a foreign service (Spotify …) refuses: names it and its status
    ├── SignInError        nobody is signed in there, or the sign-in has ended
    ├── BlockedError       no request may be made before a moment (Temporary)
    └── ServiceDownError   the service does not answer, or is out of order (Temporary)

Temporary is a mix-in: only what carries it may be retried.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

__all__ = [
    "BlockedError",
    "BusyError",
    "ConfigError",
    "NotFittedError",
    "NotNowError",
    "NotReadyError",
    "NotifyError",
    "OverloadedError",
    "QueryError",
    "RefusedError",
    "SecretError",
    "SegueError",
    "ServiceDownError",
    "ServiceError",
    "SignInError",
    "SinkError",
    "SourceError",
    "StorageError",
    "Temporary",
    "UnknownJobError",
    "UnknownTrackError",
    "UnknownUserError",
    "UnreachableError",
    "WarehouseError",
]


class Temporary:
    """Marks an error whose cause may pass: the same call may be tried again."""


class SegueError(Exception):
    """What happened, and what to do about it.

    Args:
        message: What happened, one sentence without a final full stop.
        cure: What the reader can do next, one sentence; may be empty.
    """

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message}. {self.cure}" if self.cure else self.message


class ConfigError(SegueError):
    """A setting or an option cannot be used; `field` names it."""

    def __init__(self, message: str, *, field: str = "", cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.field = field


class SourceError(SegueError):
    """An input cannot be read.

    Args:
        message: What is wrong, without the place (the place is put in front).
        path: The file or folder the user named.
        member: The file inside it, when it is an archive or a folder.
        row: 1-based row (record) within the file, when known.
        field: The column or key, when known.
        cure: What to do about it.
    """

    def __init__(
        self,
        message: str,
        *,
        path: Path | str,
        member: str = "",
        row: int | None = None,
        field: str = "",
        cure: str = "",
    ) -> None:
        place = [str(path)]
        if member:
            place.append(member)
        if row is not None:
            place.append(f"row {row:,}")
        if field:
            place.append(f"field “{field}”")
        super().__init__(f"{', '.join(place)}: {message}", cure=cure)
        self.path = Path(path)
        self.member = member
        self.row = row
        self.field = field


class WarehouseError(SegueError):
    """The lake, the warehouse or a published snapshot cannot be used as it is."""


class BusyError(WarehouseError, Temporary):
    """Somebody else holds the lock on this data home."""


class StorageError(WarehouseError):
    """The disk is full or the folder cannot be written; nothing was changed."""


class QueryError(SegueError):
    """An SQL query cannot be answered.

    Args:
        message: What is wrong, without the place (the place is put behind).
        line: 1-based line of the query; None when the place is not known.
        column: 1-based character within the line.
        cure: What to do about it.
    """

    def __init__(
        self, message: str, *, line: int | None = None, column: int | None = None, cure: str = ""
    ) -> None:
        place = "" if line is None else f" (line {line}, column {column})"
        super().__init__(f"{message}{place}", cure=cure)
        self.line = line
        self.column = column


class SecretError(SegueError):
    """The store of secrets is locked, damaged or gone, or may not be written; never tells one."""


class OverloadedError(SegueError, Temporary):
    """More is asked for than can be done now; nothing of it was taken."""


class UnreachableError(StorageError, Temporary):
    """Where data is kept does not answer, or is out of order."""


class NotReadyError(SegueError):
    """An earlier step has not been run yet; the cure names its command."""


class NotFittedError(SegueError):
    """A recommender was asked for recommendations before `fit` or `load`."""


class UnknownUserError(SegueError):
    """There is no such user; `user_id` and `known` say who was asked for and who exists."""

    def __init__(self, user_id: str, *, known: tuple[str, ...] = (), cure: str = "") -> None:
        super().__init__(f"there is no user “{user_id}” here", cure=cure)
        self.user_id = user_id
        self.known = known


class UnknownTrackError(SegueError):
    """There is no such track, or there are several; `asked` holds what was asked for."""

    def __init__(self, asked: str, *, several: bool = False, cure: str = "") -> None:
        what = "several tracks match" if several else "no track matches"
        super().__init__(f"{what} “{asked}”", cure=cure)
        self.asked = asked


class UnknownJobError(SegueError):
    """There is no such job, or it is so old that it was forgotten; `job_id` was asked for."""

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"there is no job “{job_id[:80]}” here", cure="`segue jobs` lists those there are."
        )
        self.job_id = job_id


class RefusedError(SegueError):
    """A service of Segue refused what its client asked, or failed.

    Args:
        message: What it said.
        status: Of HTTP; None: it was not reached.
        kind: What sort of refusal, such as “unknown-track”.
        fields: Name of a field -> what is wrong with it.
        request_id: Under which the service's logs tell more.
    """

    def __init__(
        self,
        message: str,
        *,
        cure: str = "",
        status: int | None = None,
        kind: str = "",
        fields: Mapping[str, str] | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message, cure=cure)
        self.status = status
        self.kind = kind
        self.fields = dict(fields or {})
        self.request_id = request_id


class NotNowError(RefusedError, Temporary):
    """The service has too much to do, cannot be reached, or has nothing to answer with yet.

    Args:
        retry_after: Seconds after which it may be asked again, if it said so.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.retry_after = retry_after


class SinkError(SegueError):
    """A playlist could not be written to its destination."""


class NotifyError(SegueError):
    """A notification could not be delivered to a destination; never tells its address."""


class ServiceError(SegueError):
    """A foreign service refuses what is asked.

    Args:
        message: What happened, one sentence without a final full stop.
        service: Its name, such as "Spotify".
        status: The HTTP status it answered with; 0: none.
        cure: What the reader can do next.
    """

    def __init__(self, message: str, *, service: str, status: int = 0, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.service = service
        self.status = status


class SignInError(ServiceError):
    """Nobody is signed in at the service, the sign-in has ended, or it does not allow this."""


class BlockedError(ServiceError, Temporary):
    """No request may be made before the moment `until`, aware UTC.

    `reason` is "quota" (the service says that it is used up), "rate" (too many at a time) or
    "budget" (Segue's own limit).
    """

    def __init__(
        self, message: str, *, service: str, until: datetime, reason: str, cure: str = ""
    ) -> None:
        shown = until.astimezone(UTC)
        super().__init__(
            f"{message}: no requests before {shown:%Y-%m-%d %H:%M:%S} UTC",
            service=service,
            status=0 if reason == "budget" else 429,
            cure=cure,
        )
        self.until = until
        self.reason = reason


class ServiceDownError(ServiceError, Temporary):
    """The service does not answer, or is out of order.

    `unsure` says that what was asked for may have been done all the same: look before asking again.
    """

    def __init__(
        self, message: str, *, service: str, status: int = 0, unsure: bool = False, cure: str = ""
    ) -> None:
        super().__init__(message, service=service, status=status, cure=cure)
        self.unsure = unsure
