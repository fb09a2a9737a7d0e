"""Who may see the page: this machine's user, or whoever has signed in."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from segue.access.keyring import Keyring
from segue.access.passwords import Passwords
from segue.doors.http.guard import names_this_machine
from segue.doors.web.ask import Who
from segue.doors.web.attempts import Attempts
from segue.doors.web.sessions import Session, Sessions, page_secret
from segue.errors import ConfigError
from segue.settings import Settings

__all__ = ["Doorman", "Entered"]

_CHOSEN: Final = "yes"
_SECRET: Final = "page_secret"  # noqa: S105 - the name of a file


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody who may come in.

    Args:
        is_new: Whether the browser has to be told the session.
    """

    who: Who
    session: Session
    is_new: bool = False


class Doorman:
    """Tells from a request who somebody is, and lets people sign in.

    Args:
        ring: The API keys.
        passwords: Those of people.
        access: Folder of what must stay secret.
        loopback: Whether the service listens to this machine alone.
    """

    def __init__(
        self,
        settings: Settings,
        ring: Keyring,
        passwords: Passwords,
        *,
        access: Path,
        loopback: bool,
    ) -> None:
        self._user_id = settings.user_id
        self._ring = ring
        self._passwords = passwords
        self._loopback = loopback
        self._access = access
        self._settings = settings.web
        self._made: Sessions | None = None
        self.attempts = Attempts(time.monotonic)

    @property
    def sessions(self) -> Sessions:
        """Reads and writes cookies."""
        if self._made is None:
            self._made = Sessions(
                page_secret(self._access / _SECRET),
                days=self._settings.session_days,
                https=self._settings.https,
            )
        return self._made

    @property
    def is_open(self) -> bool:
        """Whether nobody has to sign in."""
        return self._loopback and self._ring.empty and not self._passwords.any

    def may_ask(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a request may be looked at at all: while all is open, only this machine's."""
        return not self.is_open or names_this_machine(headers)

    def who(self, cookie: str) -> Entered | None:
        """Whoever a cookie belongs to; None: they have to sign in."""
        session = self.sessions.read(cookie) if cookie else None
        if self.is_open:
            is_new = session is None or bool(session.key_id or session.mark)
            if session is None or is_new:
                session = Session.new(self._user_id)
            return Entered(self._guest(session), session, is_new)
        if session is None:
            return None
        who = self._of_key(session) if session.key_id else self._of_password(session)
        return None if who is None else Entered(who, session)

    def sign_in(self, user_id: str, secret: str) -> Session | None:
        """A session for whoever knows a password, or has a key; None: it opens nothing.

        Args:
            user_id: Whose password it is; for a key, whose music to look at, where it is free to
                choose; empty: the home's user.

        Raises:
            ConfigError: The key may not ask for recommendations.
        """
        user_id = user_id or self._user_id
        if not secret.startswith("segue_"):
            if not self._passwords.check(user_id, secret):
                return None
            return Session.new(user_id, mark=self._passwords.mark(user_id))
        key = self._ring.look_up(secret)
        if key is None:
            return None
        if not key.may("recommend"):
            raise ConfigError(
                "this key may only report events",
                field="secret",
                cure="Use one with the scope “recommend”: segue keys create.",
            )
        return Session.new(key.user_id or user_id, key_id=key.key_id)

    def switched(self, entered: Entered, user_id: str) -> Session:
        """The same, looking at another user."""
        session = entered.session
        return Session(user_id, session.nonce, session.key_id, session.mark, _CHOSEN)

    def _guest(self, session: Session) -> Who:
        token = self.sessions.token(session)
        return Who(session.user_id, token, is_guest=True, may_switch=True, may_manage=True)

    def _of_password(self, session: Session) -> Who | None:
        mark = self._passwords.mark(session.user_id)
        if not mark or mark != session.mark:
            return None
        manages = session.user_id == self._user_id
        return Who(session.user_id, self.sessions.token(session), may_manage=manages)

    def _of_key(self, session: Session) -> Who | None:
        key = self._ring.still(session.key_id)
        if key is None or not key.may("recommend") or not key.sees(session.user_id):
            return None
        return Who(
            session.user_id,
            self.sessions.token(session),
            may_switch=key.user_id is None,
            may_manage=key.may("admin"),
        )
