"""Accounts at services: signing in at Spotify, names and keys for the others."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from pydantic import SecretStr

from segue.doors.web.ask import Answer, Ask, Redirect, View
from segue.doors.web.pages import Pages
from segue.doors.web.trouble import Trouble, said_of
from segue.errors import ConfigError
from segue.flows.accounts import account_at, keep_account
from segue.flows.spotify.sign_in import begin, finish
from segue.services.spotify.accounts import Attempt
from segue.services.spotify.loopback import can_listen_for

__all__ = ["add_to"]

_MOST: Final = 100

WANTED: Final = {
    "lastfm": ("Last.fm", "API key", "https://www.last.fm/api/account/create"),
    "listenbrainz": ("ListenBrainz", "User token", "https://listenbrainz.org/settings/"),
    "subsonic": ("Subsonic", "Password", ""),
}
"""Service -> its name, what its secret is called, and where one gets it."""


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
        client_id = ask.one("client_id").strip() or None
        try:
            attempt = begin(house, ask.who.user_id, client_id=client_id, redirect_uri=back)
        except ConfigError as error:
            if error.field != "client_id":
                raise
            return View("connect_spotify.html", {"title": "Spotify", "back": house.redirect_uri})
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
    pages.get("/connect/{service}", form)
    pages.post("/connect/{service}", keep)


def form(ask: Ask) -> View:
    """What a service wants to know."""
    return _form(ask)


def keep(ask: Ask) -> Answer:
    """Keep an account; the way back, or what is missing."""
    service = _service(ask)
    try:
        keep_account(
            ask.house.wiring,
            service,
            user_id=ask.who.user_id,
            name=ask.one("name")[:200],
            secret=SecretStr(ask.one("secret")[:2_000]),
        )
    except ConfigError as error:
        return _form(ask, wrong=said_of(error))
    return Redirect("/start")


def _form(ask: Ask, *, wrong: str = "") -> View:
    service = _service(ask)
    name, secret, where = WANTED[service]
    told = {
        "title": name,
        "service": service,
        "name": name,
        "secret": secret,
        "where": where,
        "known": ask.one("name") or account_at(ask.house.wiring, service, ask.who.user_id).name,
        "wrong": wrong,
    }
    return View("connect.html", told, status=422 if wrong else 200)


def _service(ask: Ask) -> str:
    service = ask.values["service"]
    if service not in WANTED:
        raise Trouble(404, "There is no such service", "See “Add music”.")
    return service


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
