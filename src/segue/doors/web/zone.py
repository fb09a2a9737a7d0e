"""The time zone in which the page tells days and hours."""

from __future__ import annotations

from segue.doors.local_zone import machines_zone
from segue.doors.web.ask import Ask

__all__ = ["zone_of_page"]


def zone_of_page(ask: Ask) -> str:
    """Its name: of the settings, or this machine's."""
    zone = ask.house.settings.time_zone
    return machines_zone() if zone == "local" else zone
