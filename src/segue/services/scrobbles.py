"""What every service that keeps a person's plays can be asked: those up to a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Page", "ScrobbleService", "Scrobbled"]


@dataclass(frozen=True, slots=True)
class Scrobbled:
    """One play, as the service told it.

    Args:
        at: When it began, in seconds since 1970; None: it does not say.
        key: Short text that is the same whenever the same play is told in the same words.
        record: What was told.
    """

    at: int | None
    key: str
    record: Any


@dataclass(frozen=True, slots=True)
class Page:
    """Some plays, newest first.

    Args:
        rows: The plays.
        playing: What was only being played now, which comes again once it was; left out of `rows`.
        more: Whether there may be older ones.
        total: How many plays the service has of the person, or up to the moment; None: not told.
    """

    rows: tuple[Scrobbled, ...]
    playing: int = 0
    more: bool = False
    total: int | None = None


class ScrobbleService(Protocol):
    """A service that keeps a person's plays."""

    name: str
    """For people."""

    source: str
    """The value of the `source` column: the same as of its export."""

    skips: bool
    """Whether `skip` leads on where more plays began in one second than a page holds."""

    @property
    def requests(self) -> int:
        """How many were made so far."""

    def page(self, account: str, *, until: int | None, skip: int = 0, brief: bool = False) -> Page:
        """Plays that began at a moment or before, newest first.

        Args:
            account: Whose, as the service calls them.
            until: Seconds since 1970; None: the newest of all.
            skip: Pages to leave out first.
            brief: Whether few plays do.

        Raises:
            BlockedError: No request may be made now.
            SignInError: The key or the token is refused, or the person hides what they play.
            ServiceDownError: The service does not answer.
            ServiceError: There is no such person, or it refuses something else.
        """

    def count(self, account: str) -> int | None:
        """How many plays there are, for showing progress; None: that cannot be said."""
