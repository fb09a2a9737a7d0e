"""Whose music a page shows to somebody who may look at all, and has not chosen yet."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from segue.doors.web.ask import Ask, Redirect
from segue.errors import SegueError, UnknownUserError

__all__ = ["Residents"]

_OF_SOMEBODY: Final = frozenset(("for-you", "search", "playlists", "history", "map", "reports"))
"""Pages that are about one listener."""


class Residents:
    """Finds the listener of a home whose settings name somebody that it knows nothing of.

    That is a home of imported or simulated listeners: with one of them, it is theirs; of several
    somebody has to choose, which their session keeps.
    """

    def __init__(self) -> None:
        self._of: tuple[str, tuple[str, ...]] = ("", ())
        self._lock = threading.Lock()

    def settled(self, ask: Ask, *, chosen: bool) -> Ask | Redirect:
        """The same for whoever is meant, with their name; or the way to where one chooses.

        Args:
            chosen: Whether somebody has said whom they want to look at.
        """
        if chosen or not ask.who.may_switch or self._knows(ask, ask.who.user_id):
            return _named(ask, ask.who.user_id)
        found = self._everybody(ask)
        if len(found) == 1:
            return _named(ask, found[0])
        is_page = ask.path.split("/", 2)[1] in _OF_SOMEBODY and not ask.form
        if not found or not is_page:
            return _named(ask, ask.who.user_id)
        return Redirect(f"/people?next={quote(ask.path)}")

    def _knows(self, ask: Ask, user_id: str) -> bool:
        try:
            ask.house.service.user(user_id)
        except UnknownUserError:
            return False
        return True

    def _everybody(self, ask: Ask) -> tuple[str, ...]:
        """Up to two users: more than that makes no difference here."""
        try:
            standing = f"{ask.house.service.answers_with} {ask.house.service.log.last()}"
        except SegueError:
            return ()
        with self._lock:
            if self._of[0] != standing:
                known = tuple(one.user_id for one in ask.house.service.users(limit=2))
                self._of = (standing, known)
            known = self._of[1]
        named = (one for one in ask.house.household.users if one != ask.who.user_id)
        return tuple(dict.fromkeys((*known, *named)))[:2]


def _named(ask: Ask, user_id: str) -> Ask:
    name = ask.house.household.name(user_id)
    return replace(ask, who=replace(ask.who, user_id=user_id, name=name))
