"""What an account of the stand-in holds: named resources that take their time to become active."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from segue.fakes.clock import Clock

__all__ = ["NoSuchError", "RefusalError", "Resource", "Resources"]

_DELETION = "data-deletion-job"
_CREATES = ("CREATE PENDING", "CREATE IN_PROGRESS", "CREATE FAILED", "ACTIVE")
_DELETES = ("PENDING", "IN_PROGRESS", "FAILED", "COMPLETED")


class RefusalError(Exception):
    """The service says no, with the name its model has for it."""

    def __init__(self, name: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.status = status


class NoSuchError(RefusalError):
    """There is nothing of that name."""

    def __init__(self, arn: str) -> None:
        super().__init__("ResourceNotFoundException", f"Could not find {arn}")


@dataclass
class Resource:
    """Something that was created.

    Args:
        arn: Its name in all of AWS.
        kind: What it is: dataset-group, schema, campaign …
        told: What it was created with.
        created_at: When.
        ready_at: When it is active, or fails.
        failure: Why it fails; empty: it does not.
        updated_at: When it was last changed; None: never.
    """

    arn: str
    kind: str
    told: dict[str, Any]
    created_at: datetime
    ready_at: datetime
    failure: str = ""
    updated_at: datetime | None = None

    def status(self, now: datetime) -> str:
        """CREATE PENDING, CREATE IN_PROGRESS, ACTIVE or CREATE FAILED; deletions have their own."""
        pending, going, failed, done = _DELETES if self.kind == _DELETION else _CREATES
        if now >= self.ready_at:
            return failed if self.failure else done
        half = self.created_at + (self.ready_at - self.created_at) / 2
        return pending if now < half else going


@dataclass
class Resources:
    """All of an account.

    Args:
        clock: What time it is.
        seconds: How long a creation takes on it.
    """

    clock: Clock
    seconds: float = 0.0
    region: str = "eu-west-1"
    account: str = "123456789012"
    by_arn: dict[str, Resource] = field(default_factory=dict)

    def arn(self, rest: str) -> str:
        """The full name of something."""
        return f"arn:aws:personalize:{self.region}:{self.account}:{rest}"

    def add(self, kind: str, rest: str, told: dict[str, Any], failure: str = "") -> Resource:
        """Create it; RefusalError: it is there."""
        arn, now = self.arn(rest), self.clock.now()
        if arn in self.by_arn:
            raise RefusalError("ResourceAlreadyExistsException", f"{arn} already exists.")
        ready = now + timedelta(seconds=0 if kind == "schema" else self.seconds)
        self.by_arn[arn] = Resource(arn, kind, dict(told), now, ready, failure)
        return self.by_arn[arn]

    def get(self, arn: str, kind: str) -> Resource:
        """The resource of that kind; NoSuchError: there is none."""
        found = self.by_arn.get(arn)
        if found is None or found.kind != kind:
            raise NoSuchError(arn)
        return found

    def active(self, arn: str, kind: str) -> Resource:
        """The same, but RefusalError while it is not active."""
        found = self.get(arn, kind)
        status = found.status(self.clock.now())
        if status != "ACTIVE":
            raise RefusalError("ResourceInUseException", f"{arn} is not ACTIVE: {status}")
        return found

    def of(self, kind: str, **told: Any) -> Iterator[Resource]:
        """Those of a kind that were created with these values, oldest first."""
        for found in self.by_arn.values():
            if found.kind == kind and all(found.told.get(k) == v for k, v in told.items()):
                yield found

    def remove(self, arn: str, kind: str, *, used_by: Iterator[Resource]) -> None:
        """Delete it; RefusalError while something else needs it."""
        self.get(arn, kind)
        if (user := next(used_by, None)) is not None:
            raise RefusalError("ResourceInUseException", f"{arn} is in use by {user.arn}")
        del self.by_arn[arn]
