"""Puts the page together: all pages there are, in front of one data home."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from segue.access.keyring import Keyring
from segue.access.passwords import Passwords
from segue.doors.web.ask import House
from segue.doors.web.doorman import Doorman
from segue.doors.web.household import Household
from segue.doors.web.page import Page
from segue.doors.web.pages import Pages
from segue.doors.web.views import every_page
from segue.flows.home_parts import ACCESS, PASSWORDS
from segue.flows.online import Service
from segue.flows.wiring import Wiring
from segue.settings import Settings

__all__ = ["open_page", "passwords_of"]


def passwords_of(settings: Settings) -> Passwords:
    """The passwords of people, in a data home."""
    return Passwords(settings.home / ACCESS / PASSWORDS)


def open_page(
    wiring: Wiring,
    service: Service,
    ring: Keyring,
    *,
    clock: Callable[[], datetime],
    loopback: bool,
) -> Page | None:
    """The page of a data home; None: the settings want none.

    Args:
        service: Answers; closed by whoever opened it.
        ring: The API keys.
        loopback: Whether the service listens to this machine alone.
    """
    settings = wiring.settings
    if not settings.web.enabled:
        return None
    pages = Pages()
    every_page(pages)
    doorman = Doorman(
        settings,
        ring,
        passwords_of(settings),
        access=settings.home / ACCESS,
        loopback=loopback,
    )
    return Page(pages, House(service, wiring, Household(settings), clock), doorman)
