"""People of the house: what the page calls them, their accounts, keys and passwords."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from segue.access.passwords import Passwords
from segue.doors.web.ask import Ask, Redirect, View
from segue.doors.web.forms import must_manage, part_of
from segue.doors.web.pages import Pages
from segue.doors.web.trouble import Trouble, said_of
from segue.errors import ConfigError, SegueError, UnknownUserError
from segue.flows.accounts import accounts_at
from segue.flows.home_parts import ACCESS, PASSWORDS
from segue.flows.keys import every_key
from segue.flows.settings_file import write_table
from segue.flows.spotify.sign_in import sign_ins
from segue.settings import load_settings, settings_file
from segue.settings.household import HouseholdUser

__all__ = ["Resident", "add_to", "residents"]

_BACK: Final = "/settings#people"
_LABELS: Final = {"user": "Short name", "name": "Name"}
_SERVICES: Final = (
    ("lastfm", "Last.fm"),
    ("listenbrainz", "ListenBrainz"),
    ("subsonic", "Subsonic"),
)
_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody of the house.

    Args:
        name: What the page calls them.
        words: Plays, accounts, keys, whether they have a password.
    """

    user_id: str
    name: str
    words: str

    @property
    def address(self) -> str:
        """Where they can be changed."""
        return f"/settings/people?{urlencode({'user': self.user_id})}"


def add_to(pages: Pages) -> None:
    """Register the addresses."""
    pages.get("/settings/people", show)
    pages.post("/settings/people", keep)
    pages.post("/settings/people/password", password)


def residents(ask: Ask) -> list[Resident]:
    """Whoever the settings name, has plays here, or is the home's own user."""
    household, service = ask.house.household, ask.house.service
    cards = {one.user_id: one for one in service.users(limit=_SHOWN)}
    everybody = dict.fromkeys((household.settings.user_id, *household.users, *cards))
    accounts, keys = dict(_accounts(ask)), _keys(ask)
    have = set(_passwords(ask).users())
    found = []
    for user in everybody:
        card = cards.get(user)
        words = [f"{card.plays:,} plays" if card and card.plays else "no plays yet"]
        words += accounts.get(user, [])
        words += [f"key “{label}”" for label in keys.get(user, [])]
        words += ["a password"] if user in have else []
        found.append(Resident(user, household.name(user), " · ".join(words)))
    return found


def show(ask: Ask, *, wrong: str = "") -> View:
    """One of them, or somebody new."""
    must_manage(ask)
    user = ask.one("user").strip()
    is_new = not user or bool(ask.one("new"))
    told: dict[str, Any] = {
        "title": "Somebody of the house",
        "user": user,
        "is_new": is_new,
        "name": ask.one("name").strip() or ask.house.household.users.get(user, ""),
        "words": "" if is_new else next((r.words for r in residents(ask) if r.user_id == user), ""),
        "has_password": not is_new and user in _passwords(ask).users(),
        "locks": ask.who.is_guest,
        "labels": _LABELS,
        "wrong": wrong,
    }
    return View("house_person.html", told, status=422 if wrong else 200, say=wrong)


def keep(ask: Ask) -> View | Redirect:
    """Write what somebody is called, or somebody new."""
    must_manage(ask)
    home, user, name = ask.house.home, ask.one("user").strip(), ask.one("name").strip()
    try:
        known = load_settings(home=home).users
        if ask.one("new"):
            _refuse_known(ask, user)
        one = part_of(HouseholdUser, {"user": user, "name": name}, _LABELS)
        place = next((n for n, other in enumerate(known) if other.user == user), len(known))
        values = one.model_dump(exclude_defaults=True)
        write_table(settings_file(home), "users", place, values)
    except ConfigError as error:
        return show(ask, wrong=said_of(error))
    return Redirect(_BACK)


def password(ask: Ask) -> View | Redirect:
    """Give somebody a password, or take it away."""
    must_manage(ask)
    user, main = ask.one("user").strip(), ask.house.settings.user_id
    passwords = _passwords(ask)
    if ask.one("remove"):
        passwords.forget(user)
        return Redirect(_BACK)
    try:
        if ask.who.is_guest and user != main:
            name = ask.house.household.name(main)
            raise ConfigError(
                f"the first password is that of “{name}”, who looks after this home",
                field="password",
                cure="With it everybody signs in from then on, and can be given one.",
            )
        _ = user in ask.house.household.users or user == main or ask.house.service.user(user)
        passwords.set(user, ask.one("password"))
    except ConfigError as error:
        return show(ask, wrong=said_of(error))
    except UnknownUserError as error:
        raise Trouble(404, "Nobody here is called that", "Add them first.") from error
    return Redirect(_BACK)


def _refuse_known(ask: Ask, user: str) -> None:
    if any(one.user_id == user for one in residents(ask)):
        raise ConfigError(
            f"there is somebody called “{user}” already", field="user", cure="Choose another name."
        )


def _passwords(ask: Ask) -> Passwords:
    return Passwords(ask.house.home / ACCESS / PASSWORDS)


def _accounts(ask: Ask) -> Iterator[tuple[str, list[str]]]:
    """User -> services where they have an account."""
    wiring = ask.house.wiring
    found: dict[str, list[str]] = {}
    for one in sign_ins(wiring.spotify(ask.house.clock)):
        found.setdefault(one.user_id, []).append("Spotify")
    for service, title in _SERVICES:
        for account in accounts_at(wiring, service):
            found.setdefault(account.user_id, []).append(title)
    yield from found.items()


def _keys(ask: Ask) -> dict[str, list[str]]:
    """User -> labels of their API keys."""
    found: dict[str, list[str]] = {}
    try:
        store = ask.house.wiring.open_keys(ask.house.home)
    except SegueError:
        return found
    try:
        for key in every_key(store):
            if key.user_id is not None and key.revoked_at is None:
                found.setdefault(key.user_id, []).append(key.label)
    finally:
        store.close()
    return found
