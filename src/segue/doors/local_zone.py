"""The time zone of this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from segue.settings import Settings

__all__ = ["clocks_of", "machines_zone"]


def machines_zone() -> str:
    """The name of the time zone that this machine keeps; UTC where it does not tell."""
    named = os.environ.get("TZ", "").lstrip(":")
    if named and "/" in named and not named.startswith("/"):
        return named
    _, found, name = os.path.realpath("/etc/localtime").partition("zoneinfo/")
    return name if found and name else "UTC"


def clocks_of(settings: Settings) -> ZoneInfo:
    """The time zone whose clocks the settings mean.

    Raises:
        ConfigError: There is none of the name that is set.
    """
    from segue.analytics.windows import zone_of

    return zone_of(machines_zone() if settings.time_zone == "local" else settings.time_zone)
