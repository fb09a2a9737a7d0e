"""Whose music to look at, for whoever may choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from segue.doors.web.ask import Ask, View
from segue.doors.web.pages import Pages
from segue.doors.web.trouble import Trouble
from segue.doors.web.working import ago

__all__ = ["add_to"]

_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose music can be looked at.

    Args:
        name: What they are called.
        plays: How many, in words.
        last: When they last played something, in words; empty: never.
    """

    user_id: str
    name: str
    plays: str
    last: str


def add_to(pages: Pages) -> None:
    """Register the address; changing over is at /switch."""
    pages.get("/people", people)


def people(ask: Ask) -> View:
    """Everybody with a history or events here."""
    if not ask.who.may_switch:
        raise Trouble(403, "You see your own music only")
    now, asked = ask.house.clock(), ask.one("next")
    after, household = ask.one("after")[:200], ask.house.household
    found = ask.house.service.users(after=after, limit=_SHOWN)
    told = [
        Person(
            one.user_id,
            household.name(one.user_id),
            f"{one.plays:,} plays" if one.plays else "no plays yet",
            ago(one.last_played_at, now) if one.last_played_at else "",
        )
        for one in found
    ]
    last = found[-1].user_id if len(found) == _SHOWN else ""
    if not last:
        known = {one.user_id for one in found}
        named = (one for one in household.users if one not in known and one > after)
        told += [Person(one, household.name(one), "no plays yet", "") for one in named]
    more = {"people": told, "last": last, "next": asked, "choose": bool(asked)}
    return View("people.html", {"title": "Listeners", **more})
