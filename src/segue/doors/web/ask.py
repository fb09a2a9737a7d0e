"""What a page is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from segue.doors.web.household import Household
from segue.flows.online import Service
from segue.flows.wiring import Wiring
from segue.settings import Settings

__all__ = ["Answer", "Ask", "Download", "House", "Redirect", "View", "Who"]

Values = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class House:
    """What pages are made from.

    Args:
        service: Answers within milliseconds; the same that the API has.
        wiring: The data home.
        household: Who lives in the house.
        clock: The moment, aware UTC.
    """

    service: Service
    wiring: Wiring
    household: Household
    clock: Callable[[], datetime]

    @property
    def settings(self) -> Settings:
        """All settings."""
        return self.wiring.settings

    @property
    def home(self) -> Path:
        """The data home."""
        return self.settings.home


@dataclass(frozen=True, slots=True)
class Who:
    """Whoever looks at the page.

    Args:
        user_id: Whose music it is about.
        name: What they are called; empty: as their id says.
        token: Proves that a form comes from our own page.
        is_guest: Nobody had to sign in: the page is open to this machine alone.
        may_switch: Whether they may look at other users, too.
        may_manage: Whether they may change what concerns the whole household.
        is_demo: Whether it is the made-up listener that they look at.
    """

    user_id: str
    token: str
    name: str = ""
    is_guest: bool = False
    may_switch: bool = False
    may_manage: bool = False
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for a page or a part of it.

    Args:
        path: As it was asked for.
        fragment: Name of the block that is wanted; empty: the whole page.
        query: Of the address: name -> values.
        form: Of what was sent: name -> values.
        values: What stands for the {names} of the route.
        host: By which the browser reaches us, such as 127.0.0.1:8000.
    """

    who: Who
    house: House
    path: str
    fragment: str = ""
    query: Values = field(default_factory=dict)
    form: Values = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    host: str = ""

    def one(self, name: str, default: str = "") -> str:
        """A value of the form, else of the address; the last, if there are several."""
        return (self.form.get(name) or self.query.get(name) or (default,))[-1]

    def many(self, name: str) -> tuple[str, ...]:
        """All values of a name that are not empty, of the form, else of the address."""
        return tuple(one for one in self.form.get(name) or self.query.get(name) or () if one)


@dataclass(frozen=True, slots=True)
class View:
    """A template with what it shows.

    Args:
        template: Its file. Asked for a fragment, only the block of that name is made.
        told: Name -> what the template shows under it: finished values, nothing to work out.
        say: What a screen reader announces once the fragment is in its place.
        part: The block to answer with, whatever was asked for; empty: what was asked for.
        trigger: An event of the browser's that follows, such as “list-changed”.
    """

    template: str
    told: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    say: str = ""
    part: str = ""
    trigger: str = ""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go elsewhere on our own page, or, as signing in at a service needs it, at its address.

    Args:
        cookie: The header Set-Cookie; empty: none.
    """

    to: str
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class Download:
    """A file.

    Args:
        name: The file's name where it is saved; empty: it is shown in place.
    """

    body: bytes
    media_type: str
    name: str = ""


Answer = View | Redirect | Download
