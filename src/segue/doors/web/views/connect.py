"""Signing in at Spotify from the page."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from segue.doors.web.ask import Answer, Ask, Redirect, View
from segue.doors.web.pages import Pages
from segue.doors.web.trouble import Trouble
from segue.flows.spotify.sign_in import begin, finish
from segue.services.spotify.accounts import Attempt
from segue.services.spotify.loopback import can_listen_for

__all__ = ["add_to"]

_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class _Begun:
    user_id: str
    attempt: Attempt


class _Connecting:
    """Tries to sign in that have not come back yet; in the memory of this process."""

    def __init__(self) -> None:
        self._begun: OrderedDict[str, _Begun] = OrderedDict()
        self._lock = threading.Lock()

    def go(self, ask: Ask) -> Answer:
        """To Spotify, where the user says yes."""
        house = ask.house.wiring.spotify(ask.house.clock)
        back = _address_here(house.redirect_uri, ask.host)
        attempt = begin(
            house, ask.who.user_id, client_id=ask.one("client_id") or None, redirect_uri=back
        )
        with self._lock:
            self._begun[attempt.state] = _Begun(ask.who.user_id, attempt)
            while len(self._begun) > _MOST:
                self._begun.popitem(last=False)
        return Redirect(attempt.url(house.accounts_url))

    def come_back(self, ask: Ask) -> Answer:
        """The answer, turned into a sign-in that lasts."""
        with self._lock:
            begun = self._begun.pop(ask.one("state"), None)
        if begun is None or begun.user_id != ask.who.user_id:
            raise Trouble(
                409, "This sign-in is not known any more", "Begin it again under “Add music”."
            )
        asked = urlencode({name: values[-1] for name, values in ask.query.items()})
        house = ask.house.wiring.spotify(ask.house.clock)
        done = finish(house, begun.user_id, begun.attempt, f"{begun.attempt.redirect_uri}?{asked}")
        told = {"title": "Spotify", "name": done.name, "missing": done.missing}
        return View("connected.html", told)


def add_to(pages: Pages) -> None:
    """Register the addresses."""
    connecting = _Connecting()
    pages.get("/connect/spotify", connecting.go)
    pages.get("/callback", connecting.come_back)


def _address_here(usual: str, host: str) -> str | None:
    """Where Spotify sends the browser: to this page, if the registered address is this machine's.

    Of an address of this machine any port will do; elsewhere the setting must name the page.
    """
    port = urlsplit(f"//{host}").port
    if not can_listen_for(usual) or port is None:
        return None
    parts = urlsplit(usual)
    named = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return urlunsplit((parts.scheme, f"{named}:{port}", parts.path, "", ""))
