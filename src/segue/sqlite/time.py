"""Moments as whole numbers, which SQLite can order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["microseconds", "moment"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(when: datetime) -> int:
    """Since 1970."""
    return (when - _EPOCH) // _MICROSECOND


def moment(us: int) -> datetime:
    """The moment so many microseconds after 1970, aware UTC."""
    return _EPOCH + us * _MICROSECOND
