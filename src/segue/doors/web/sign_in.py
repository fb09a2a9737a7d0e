"""Signing in, signing out, and looking at another user."""

from __future__ import annotations

import math
from urllib.parse import quote

from segue.doors.http.call import Call, Reply
from segue.doors.web.ask import House, Values, View
from segue.doors.web.doorman import Doorman, Entered
from segue.doors.web.reading import values_of
from segue.doors.web.shown import Shown, moved
from segue.doors.web.trouble import Trouble, said_of
from segue.errors import ConfigError

__all__ = ["SignIn"]


class SignIn:
    """The door.

    Args:
        doorman: Knows who may come in.
    """

    def __init__(self, doorman: Doorman) -> None:
        self._doorman = doorman

    def wanted(self, call: Call, *, fragment: str) -> Reply:
        """The way to the door, for somebody who has not come in."""
        back = call.path if call.method == "GET" else "/"
        if call.query and call.method == "GET":
            back += f"?{call.query.decode('latin-1')}"
        return moved(f"/sign-in?next={quote('/' if fragment else back)}", fragment=fragment)

    def reply(
        self, call: Call, form: Values, client: str, show: Shown, entered: Entered | None
    ) -> Reply:
        """The door itself, or the way in for whoever knows the word."""
        to = _inside(_first(form, "next") or _first(values_of(call.query), "next"))
        if self._doorman.is_open or (entered is not None and call.method != "POST"):
            return moved(to)
        user_id, secret = _first(form, "user"), _first(form, "secret")
        left = bool(_first(values_of(call.query), "left"))
        told = {"next": to, "user": user_id, "wrong": "", "title": "Sign in", "left": left}
        if call.method != "POST":
            return show.view(View("sign_in.html", told), None)
        attempts = self._doorman.attempts
        if wait := attempts.wait_s(client):
            minutes = math.ceil(wait / 60)
            told["wrong"] = (
                f"That was wrong too often. Try again in {minutes} minute{'s' * (minutes > 1)}."
            )
            reply = show.view(View("sign_in.html", told, 429), None)
            reply.headers = (*reply.headers, (b"retry-after", b"%d" % math.ceil(wait)))
            return reply
        try:
            session = self._doorman.sign_in(user_id.strip(), secret.strip())
        except ConfigError as error:
            told["wrong"] = said_of(error)
            return show.view(View("sign_in.html", told, 403), None)
        if session is None:
            attempts.failed(client)
            told["wrong"] = "That is neither the password of this name nor a key that is valid."
            return show.view(View("sign_in.html", told, 401), None)
        attempts.came_in(client)
        return moved(to, cookie=self._doorman.sessions.cookie(session))

    def leave_or_switch(self, call: Call, form: Values, entered: Entered, house: House) -> Reply:
        """End the session, or look at another user."""
        if call.path == "/sign-out":
            return moved("/sign-in?left=yes", cookie=self._doorman.sessions.ended())
        if not entered.who.may_switch:
            raise Trouble(403, "You see your own music only")
        user_id, to = _first(form, "user"), _inside(_first(form, "next"))
        if user_id != house.settings.user_id and user_id not in house.household.users:
            house.service.user(user_id)
        session = self._doorman.switched(entered, user_id)
        return moved(to, cookie=self._doorman.sessions.cookie(session))


def _inside(address: str) -> str:
    """An address on this page; the first one, where it leads elsewhere."""
    return address if address.startswith("/") and not address.startswith(("//", "/\\")) else "/"


def _first(values: Values, name: str) -> str:
    return (values.get(name) or ("",))[-1]
