"""The time zone in which the page tells days and hours."""

from __future__ import annotations

from segue.doors.local_zone import machines_zone
from segue.doors.web.ask import Ask, House

__all__ = ["zone_of_house", "zone_of_page"]


def zone_of_page(ask: Ask) -> str:
    """Its name: of the settings, or this machine's."""
    return zone_of_house(ask.house)


def zone_of_house(house: House) -> str:
    """The same of a home."""
    zone = house.settings.time_zone
    return machines_zone() if zone == "local" else zone
