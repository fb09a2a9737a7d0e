"""Settings that people change: written into segue.toml, a line each, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from segue.doors.local_zone import clocks_of
from segue.doors.web.ask import Ask, View
from segue.doors.web.pages import Nav, Pages
from segue.doors.web.trouble import Trouble, said_of
from segue.doors.web.views.connect import WANTED
from segue.doors.web.views.house_people import residents
from segue.doors.web.views.kept_playlists import MIXES
from segue.doors.web.views.left_out import rules_of
from segue.doors.web.views.publish import NAMES
from segue.errors import ConfigError
from segue.flows.accounts import account_at
from segue.flows.publishing import ready_destinations
from segue.flows.settings_file import write_values
from segue.settings import Settings, load_settings, settings_file

__all__ = ["add_to"]

Kind = Literal["whole", "share", "number", "text", "switch"]


@dataclass(frozen=True, slots=True)
class _Field:
    """One setting that can be changed here."""

    name: str
    label: str
    hint: str
    kind: Kind
    low: float = 0
    high: float = 1


_FIELDS: Final = (
    _Field("user_id", "The home’s own user", "Who looks after it; their short name", "text"),
    _Field("recommend.size", "Tracks in a playlist", "", "whole", 1, 1000),
    _Field("recommend.per_artist", "Most tracks of one artist", "", "whole", 1, 100),
    _Field(
        "recommend.adventurous",
        "How adventurous",
        "0 is familiar, 100 is far away",
        "share",
        0,
        100,
    ),
    _Field("time_zone", "Time zone", "Such as Europe/Berlin; “local” is this machine’s", "text"),
    _Field(
        "schedule.in_service", "Run the schedules", "Collect and update while this runs", "switch"
    ),
    _Field("update.train_days", "Learn anew after days", "If anything is new", "number", 0, 365),
)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A setting on the page."""

    name: str
    label: str
    hint: str
    kind: Kind
    low: str
    high: str
    value: str
    is_on: bool


def add_to(pages: Pages) -> None:
    """Register the addresses."""
    pages.get("/settings", show, nav=Nav("Settings", "sliders", "house", 30))
    pages.post("/settings", keep)


def show(ask: Ask, *, note: str = "", wrong: str = "") -> View:
    """The page, with what the file says now."""
    settings = load_settings(home=ask.house.home)
    wiring, clock, household = ask.house.wiring, ask.house.clock, ask.house.household
    told: dict[str, Any] = {
        "title": "Settings",
        "fields": [_shown(one, settings) for one in _FIELDS],
        "file": str(settings_file(ask.house.home)),
        "ready": ready_destinations(wiring, ask.who.user_id, clock),
        "kept": [
            {
                "place": place,
                "title": one.title or one.name or dict(MIXES)[one.mix],
                "words": f"{household.name(one.user or settings.user_id)} · {one.mix} · {one.when}",
                "to": ", ".join(NAMES.get(to, to) for to in one.to),
            }
            for place, one in enumerate(settings.playlists)
            if ask.who.may_manage or (one.user or settings.user_id) == ask.who.user_id
        ],
        "rules": rules_of(ask, settings, counted=ask.fragment == "left"),
        "residents": residents(ask) if ask.who.may_manage else [],
        "accounts": [
            (name, title, account_at(wiring, name, ask.who.user_id).name)
            for name, (title, _, _) in WANTED.items()
        ],
        "may_manage": ask.who.may_manage,
        "note": note,
        "wrong": wrong,
    }
    return View("settings.html", told, say=note or wrong)


def keep(ask: Ask) -> View:
    """Write what has changed, if all of it can be used."""
    if not ask.who.may_manage:
        raise Trouble(403, "That concerns the whole household", "Ask whoever looks after Segue.")
    home = ask.house.home
    try:
        before = load_settings(home=home)
        wanted = {one.name: _read(one, ask) for one in _FIELDS}
        changed = {name: value for name, value in wanted.items() if _of(before, name) != value}
        clocks_of(load_settings(home=home, **_nested(changed)))  # whatever cannot be is told now
        write_values(settings_file(home), changed)
        after = load_settings(home=home)
    except ConfigError as error:
        return show(ask, wrong=said_of(error))
    if any(_of(after, name) != value for name, value in changed.items()):
        return show(ask, wrong="It is written, but the environment says otherwise and counts more.")
    words = (
        "Nothing has changed." if not changed else "Kept. It counts when the service begins anew."
    )
    return show(ask, note=words)


def _shown(one: _Field, settings: Settings) -> _Shown:
    value = _of(settings, one.name)
    told = round(100 * value) if one.kind == "share" else value
    return _Shown(
        one.name,
        one.label,
        one.hint,
        one.kind,
        f"{one.low:g}",
        f"{one.high:g}",
        f"{told:g}" if isinstance(told, float) else str(told),
        bool(value),
    )


def _read(one: _Field, ask: Ask) -> Any:
    """What was typed.

    Raises:
        ConfigError: It is no number.
    """
    typed = ask.one(one.name).strip()
    try:
        match one.kind:
            case "switch":
                return bool(typed)
            case "whole":
                return int(typed)
            case "share":
                return float(typed) / 100
            case "number":
                return float(typed)
            case "text":
                return typed
    except ValueError as error:
        raise ConfigError(f"“{one.label}” is no number", cure="Nothing was changed.") from error


def _of(settings: Settings, name: str) -> Any:
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        section, _, key = name.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[key] = value
    return nested
