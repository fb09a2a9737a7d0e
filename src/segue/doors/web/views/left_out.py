"""Plays that are somebody else's, such as a child's: rules, written as [[not_mine]]."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from segue.doors.local_zone import clocks_of
from segue.doors.web.ask import Ask, Redirect, View
from segue.doors.web.forms import kept_place, lines_of, mark_of, must_manage, part_of
from segue.doors.web.pages import Pages
from segue.doors.web.trouble import said_of
from segue.errors import BusyError, ConfigError, NotReadyError
from segue.flows.jobs import start_job
from segue.flows.not_mine import plays_by_rule
from segue.flows.settings_file import write_table
from segue.settings import Settings, load_settings, settings_file
from segue.settings.household import WEEKDAYS, NotMine

__all__ = ["Rule", "add_to", "rules_of"]

_AT: Final = "/settings/left-out/{place}"
_BACK: Final = "/settings#left"
_LABELS: Final = {
    "name": "Name",
    "user": "Whose plays",
    "artists": "Artists",
    "devices": "Devices",
    "days": "Days",
    "hours": "Hours",
    "first": "From",
    "last": "To",
    "whole_sessions": "Whole sessions",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule on the page.

    Args:
        words: What it says, and of whose plays.
        plays: How many it means, in words; empty: not counted yet.
    """

    place: int
    name: str
    words: str
    plays: str


class _Counts:
    """How many plays each rule means, counted once a snapshot."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], int] = {}
        self._lock = threading.Lock()

    def of(self, ask: Ask, settings: Settings) -> list[str]:
        """In words, for each rule."""
        try:
            snapshot = ask.house.wiring.snapshots.current()
        except NotReadyError:
            return [""] * len(settings.not_mine)
        zone, main = clocks_of(settings), settings.user_id
        keys = [(snapshot.name, f"{main} {zone}", mark_of(one)) for one in settings.not_mine]
        with self._lock:
            missing = [n for n, key in enumerate(keys) if key not in self._kept]
            wanted = [settings.not_mine[n] for n in missing]
            found = plays_by_rule(snapshot, wanted, main, zone)
            now = dict(zip((keys[n] for n in missing), found, strict=True))
            self._kept = {key: now.get(key, self._kept.get(key, 0)) for key in keys}
            return [f"{self._kept[key]:,} plays" for key in keys]


_COUNTS: Final = _Counts()


def add_to(pages: Pages) -> None:
    """Register the addresses."""
    pages.get(_AT, show)
    pages.post(_AT, keep)
    pages.post(f"{_AT}/remove", remove)


def rules_of(ask: Ask, settings: Settings, *, counted: bool) -> list[Rule]:
    """The rules of the settings.

    Args:
        counted: Whether to count what they mean; that reads the plays.
    """
    counts = _COUNTS.of(ask, settings) if counted else [""] * len(settings.not_mine)
    name = ask.house.household.name
    return [
        Rule(n, one.name, f"{name(one.user or settings.user_id)} · {_words(one)}", plays)
        for n, (one, plays) in enumerate(zip(settings.not_mine, counts, strict=True))
    ]


def show(ask: Ask, *, wrong: str = "", typed: NotMine | None = None) -> View:
    """One rule, or a new one."""
    must_manage(ask)
    settings = load_settings(home=ask.house.home)
    place, known = kept_place(ask, settings.not_mine)
    del place
    one = typed or known or NotMine.model_construct(name="", user=ask.who.user_id)
    told: dict[str, Any] = {
        "title": "Somebody else’s plays",
        "place": "new" if known is None else ask.values["place"],
        "mark": mark_of(known),
        "one": one,
        "labels": _LABELS,
        "people": _people(ask, settings, one.user),
        "days": [(day, day[:3].capitalize(), day in one.days) for day in WEEKDAYS],
        "wrong": wrong,
    }
    return View("left_out.html", told, status=422 if wrong else 200, say=wrong)


def keep(ask: Ask) -> View | Redirect:
    """Write it, if it can be used; a build then applies it."""
    must_manage(ask)
    home = ask.house.home
    settings = load_settings(home=home)
    place, _ = kept_place(ask, settings.not_mine)
    values = _typed(ask, settings.user_id)
    try:
        one = part_of(NotMine, values, _LABELS)
        days = {name: getattr(one, name) for name in ("first", "last") if name in values}
        write_table(settings_file(home), "not_mine", place, {**values, **days})
    except ConfigError as error:
        return show(ask, wrong=said_of(error), typed=NotMine.model_construct(**values))
    _apply(ask)
    return Redirect(_BACK)


def remove(ask: Ask) -> Redirect:
    """Take it out of the settings; a build gives the plays back."""
    must_manage(ask)
    home = ask.house.home
    place, known = kept_place(ask, load_settings(home=home).not_mine)
    if known is not None:
        write_table(settings_file(home), "not_mine", place, None)
        _apply(ask)
    return Redirect(_BACK)


def _apply(ask: Ask) -> None:
    with suppress(BusyError):  # one that is under way reads the settings, or the next one does
        start_job(ask.house.home, "build", ("build",), now=ask.house.clock())


def _typed(ask: Ask, main: str) -> dict[str, Any]:
    user, hours = ask.one("user").strip(), ask.one("hours").strip()
    values: dict[str, Any] = {
        "name": ask.one("name").strip(),
        "user": "" if user == main else user,
        "artists": lines_of(ask, "artists"),
        "devices": lines_of(ask, "devices"),
        "days": tuple(day for day in WEEKDAYS if day in ask.many("days")),
        "hours": hours.replace("–", "-").replace(" ", ""),
        "first": ask.one("first").strip(),
        "last": ask.one("last").strip(),
        "whole_sessions": bool(ask.one("whole_sessions")),
    }
    return {name: value for name, value in values.items() if value or name == "name"}


def _people(ask: Ask, settings: Settings, chosen: str) -> list[tuple[str, str, bool]]:
    """Whose plays it can be about: a user, their name, whether it is the one."""
    household, main = ask.house.household, settings.user_id
    known = (one.user_id for one in ask.house.service.users(limit=100))
    everybody = dict.fromkeys((main, *household.users, *known, *([chosen] if chosen else [])))
    return [(one, household.name(one), one == (chosen or main)) for one in everybody]


def _words(one: NotMine) -> str:
    told = []
    if one.devices:
        told.append(f"on {' or '.join(one.devices)}")
    if one.artists:
        told.append(f"of {', '.join(one.artists)}")
    if one.days:
        told.append(", ".join(day[:3].capitalize() for day in one.days))
    if one.hours:
        told.append(one.hours.replace("-", "–"))
    told += [f"from {one.first:%-d %b %Y}"] if one.first else []
    told += [f"to {one.last:%-d %b %Y}"] if one.last else []
    told += ["with all of the session"] if one.whole_sessions else []
    return " · ".join(told)
