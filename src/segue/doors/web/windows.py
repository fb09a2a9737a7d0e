"""The windows of a history that the page offers, and what their names in an address mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from segue.analytics.windows import Wish
from segue.doors.web.ask import Ask

__all__ = ["USUAL", "WindowChoice", "chosen_window", "offered"]

USUAL: Final = "12m"
_LENGTHS: Final = {
    "30d": "30 days",
    "90d": "90 days",
    "12m": "12 months",
    "all": "All time",
}
_YEAR: Final = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class WindowChoice:
    """What was chosen.

    Args:
        name: In an address: 30d, 90d, 12m, all, a year, or “own”.
        since: First day of a window of one's own, as a date field writes it; empty: the beginning.
        until: Its last day; empty: the last play.
    """

    name: str
    since: str = ""
    until: str = ""

    @property
    def wish(self) -> Wish:
        """The same for statistics."""
        if self.name == "own":
            return Wish(since=self.since or None, until=self.until or None)
        if self.name == "all":
            return Wish()
        if _YEAR.fullmatch(self.name):
            return Wish(year=int(self.name))
        return Wish(last=self.name)

    @property
    def address(self) -> Mapping[str, str]:
        """As the fields of an address."""
        own = {"since": self.since, "until": self.until} if self.name == "own" else {}
        return {"window": self.name, **{name: day for name, day in own.items() if day}}


def chosen_window(ask: Ask) -> WindowChoice:
    """The window of an address; what nobody offers is the usual one."""
    name, since, until = ask.one("window", USUAL), ask.one("since"), ask.one("until")
    if name == "own" and (since or until):
        return WindowChoice(name, since, until)
    if name in _LENGTHS or _YEAR.fullmatch(name):
        return WindowChoice(name)
    return WindowChoice(USUAL)


def offered(first_year: int, last_year: int) -> list[tuple[str, str]]:
    """The names and words of what can be chosen: lengths, then years, the latest first."""
    years = [(str(year), str(year)) for year in range(last_year, first_year - 1, -1)]
    return [*_LENGTHS.items(), *years]
