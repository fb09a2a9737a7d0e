"""The clock of a fake service: it runs like the real one, stands still, or is moved by months."""

from __future__ import annotations

import calendar
import time
from datetime import UTC, datetime, timedelta

__all__ = ["Clock", "iso", "milliseconds", "months_later"]


class Clock:
    """What time it is for the service.

    Args:
        at: The moment it starts with; default: now.
        running: Whether time passes by itself.
    """

    def __init__(self, at: datetime | None = None, *, running: bool = True) -> None:
        self._base = datetime.now(tz=UTC) if at is None else at
        self._since = time.monotonic() if running else None

    def now(self) -> datetime:
        """The moment, aware UTC."""
        if self._since is None:
            return self._base
        return self._base + timedelta(seconds=time.monotonic() - self._since)

    def advance(self, *, seconds: float = 0, days: float = 0) -> datetime:
        """Move it forward; returns the new moment."""
        self._base += timedelta(days=days, seconds=seconds)
        return self.now()

    def set(self, at: datetime) -> None:
        """Move it to a moment; whether it runs stays as it is."""
        self._base = at
        if self._since is not None:
            self._since = time.monotonic()

    def freeze(self, at: datetime | None = None) -> None:
        """Let it stand still, now or at another moment."""
        self._base = self.now() if at is None else at
        self._since = None


def months_later(moment: datetime, months: int) -> datetime:
    """The same day and time some months later, or the last day of that month."""
    year, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + year, month + 1
    last = calendar.monthrange(year, month)[1]
    return moment.replace(year=year, month=month, day=min(moment.day, last))


def milliseconds(moment: datetime) -> int:
    """Unix time in ms, as cursors and time stamps have it."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def iso(moment: datetime, *, with_ms: bool = False) -> str:
    """As the API writes a moment: 2026-11-21T10:15:30Z, or with ms."""
    kept = moment.astimezone(UTC).isoformat(timespec="milliseconds" if with_ms else "seconds")
    return kept.replace("+00:00", "Z")
