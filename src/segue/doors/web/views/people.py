"""Whose music to look at, for whoever may choose."""

from __future__ import annotations

from typing import Final

from segue.doors.web.ask import Ask, View
from segue.doors.web.pages import Pages
from segue.doors.web.trouble import Trouble
from segue.doors.web.working import ago

__all__ = ["add_to"]

_SHOWN: Final = 100


def add_to(pages: Pages) -> None:
    """Register the address; changing over is at /switch."""
    pages.get("/people", people)


def people(ask: Ask) -> View:
    """Everybody with a history or events here."""
    if not ask.who.may_switch:
        raise Trouble(403, "You see your own music only")
    now = ask.house.clock()
    found = ask.house.service.users(after=ask.one("after")[:200], limit=_SHOWN)
    told = [
        (
            one.user_id,
            f"{one.plays:,} plays" if one.plays else "no plays yet",
            ago(one.last_played_at, now) if one.last_played_at else "",
        )
        for one in found
    ]
    last = found[-1].user_id if len(found) == _SHOWN else ""
    return View("people.html", {"title": "Listeners", "people": told, "last": last})
