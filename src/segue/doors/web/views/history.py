"""History: a listener's past in pictures, over any window, and every play of it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlencode

from segue.analytics.drift import Drift
from segue.analytics.periods import name_of
from segue.analytics.sections import Section
from segue.analytics.tops import BY, By, Of, Ranked
from segue.analytics.totals import Timeline
from segue.analytics.windows import Window, zone_of
from segue.analytics.words import change, days_of, duration, share
from segue.doors.web import pictures
from segue.doors.web.ask import Answer, Ask, House, View
from segue.doors.web.charts import Chart, chart_of, file_of
from segue.doors.web.figures import Figure
from segue.doors.web.pages import Nav, Pages
from segue.doors.web.pictures import Bar, Line, Picture
from segue.doors.web.plays import days_of_page, place_in, way_on
from segue.doors.web.trouble import Trouble
from segue.doors.web.windows import USUAL, WindowChoice, chosen_window, offered
from segue.doors.web.zone import zone_of_house, zone_of_page
from segue.errors import NotReadyError, UnknownUserError
from segue.flows.history import Asked, Histories, Overview, Tops

__all__ = ["add_to"]

_AT_ONCE: Final = 40
_AT_HAND: Final = 4  # databases; one of half a million plays takes some 60 MB
_TITLES: Final[Mapping[Of, str]] = {
    "artists": "Artists",
    "tracks": "Tracks",
    "albums": "Albums",
    "genres": "Genres",
}
_BY_WORDS: Final = {"plays": "Plays", "time": "Time"}
_FILES: Final = "/history/file"


def add_to(pages: Pages) -> None:
    """Register the addresses."""
    shelf = _Shelf()
    nav = Nav("History", "clock", "look", 10, short=True)
    pages.prepare(shelf.get_ready)
    pages.get("/history", partial(_history, shelf), nav=nav, slow=("drift",))
    pages.get("/history/plays", partial(_plays, shelf))
    pages.get(_FILES, partial(_file, shelf))


class _Shelf:
    """The histories of the listeners who looked lately, in whichever home.

    Drift takes longer than all else, so it has a database of its own: whoever has chosen another
    window by then does not wait for it.
    """

    def __init__(self) -> None:
        self._lately: OrderedDict[tuple[Path, str, str], Histories] = OrderedDict()
        self._lock = threading.Lock()

    def get_ready(self, house: House, user_id: str) -> None:
        """The usual window."""
        asked = Asked(user_id, WindowChoice(USUAL).wish, zone_of_house(house))
        found = self._found(house, user_id, "")
        found.overview(asked, now=house.clock())
        found.tops(asked)

    def of(self, ask: Ask) -> Histories:
        return self._found(ask.house, ask.who.user_id, "")

    def drift(self, ask: Ask) -> Drift | None:
        return self._found(ask.house, ask.who.user_id, "drift").drift(_asked(ask))

    def _found(self, house: House, user_id: str, what: str) -> Histories:
        key = house.home, user_id, what
        with self._lock:
            if key not in self._lately:
                self._lately[key] = _opened(house)
                if len(self._lately) > _AT_HAND:
                    self._lately.popitem(last=False)  # closed once nobody is answered from it
            self._lately.move_to_end(key)
            return self._lately[key]


def _opened(house: House) -> Histories:
    return Histories(house.wiring.snapshots, threads=house.settings.threads)


def _asked(ask: Ask) -> Asked:
    return Asked(ask.who.user_id, chosen_window(ask).wish, zone_of_page(ask))


def _by(ask: Ask) -> By:
    by = ask.one("by", "plays")
    return cast(By, by) if by in BY else "plays"


def _history(shelf: _Shelf, ask: Ask) -> Answer:
    """The page; or its pictures, its rankings, its drift.

    The page itself waits for nothing: what is not at hand follows.
    """
    window = dict(chosen_window(ask).address)
    told: dict[str, Any] = {
        "title": "History",
        "address": f"/history?{urlencode(window)}",
        "by": _by(ask),
        "by_words": _BY_WORDS,
        "tops": None,
        "drift": None,
    }
    if ask.fragment == "tops":
        asked = {**window, "by": _by(ask)}
        told["tops"] = [chart_of(one, _FILES, asked) for one in _tops(shelf, ask)]
        return View("history.html", told)
    if ask.fragment == "drift":
        told["drift"] = [chart_of(one, _FILES, window) for one in _drift(shelf.drift(ask))]
        return View("history.html", told)
    return _whole(shelf, ask, told, window)


def _whole(shelf: _Shelf, ask: Ask, told: dict[str, Any], window: Mapping[str, str]) -> View:
    histories, now = shelf.of(ask), ask.house.clock()
    try:
        always = histories.span(ask.who.user_id, zone_of_page(ask))
    except (UnknownUserError, NotReadyError):
        return View("history_empty.html", {"title": "History"})
    first, last = (moment.date() for moment in always)
    told |= {
        "chosen": chosen_window(ask),
        "choices": offered(first.year, last.year),
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
    }
    if not ask.fragment and not histories.at_hand(_asked(ask), now=now):
        return View("history.html", {**told, "is_quiet": None, "label": ""})
    try:
        found = histories.overview(_asked(ask), now=now)
    except NotReadyError as error:
        return View("history.html", {**told, "is_quiet": True, "label": error.message})
    told |= {
        "is_quiet": False,
        "label": _label(found.window),
        "figures": list(_figures(found)),
        "charts": _overview_charts(found, window),
    }
    return View("history.html", told, say=told["label"] if ask.fragment else "")


def _label(window: Window) -> str:
    last = (window.span.until - timedelta(seconds=1)).date()
    return days_of(window.span.since.date(), last)


def _figures(found: Overview) -> Iterator[Figure]:
    now, before = found.totals, found.before
    names: tuple[tuple[str, Callable[[int], str], str], ...] = (
        ("plays", "{:,}".format, "Plays"),
        ("ms_played", duration, "Listened"),
        ("tracks", "{:,}".format, "Tracks"),
        ("artists", "{:,}".format, "Artists"),
    )
    for name, told, words in names:
        moved = "" if before is None else change(getattr(now, name), getattr(before, name))
        yield Figure(told(getattr(now, name)), words, moved)
    yield Figure(f"{found.new.discoveries:,}", "Heard for the first time")
    if now.told:
        yield Figure(share(now.skip_rate), "Skipped")


def _overview_charts(found: Overview, window: Mapping[str, str]) -> list[Chart]:
    wide = {"calendar": pictures.calendar(found.days, wide=True, key="calendar-wide")}
    return [chart_of(one, _FILES, window, wide=wide.get(one.key)) for one in _overview(found)]


def _overview(found: Overview) -> Iterator[Picture]:
    yield pictures.calendar(found.days)
    yield pictures.clock(found.clock)
    if found.timeline.every != "day" or len(found.timeline.periods) > 1:
        yield pictures.over_time(found.timeline)
        yield pictures.new_against_known(found.new)
    if found.streaks.longest:
        yield pictures.longest_runs(found.streaks)
    if found.totals.skips and len(found.timeline.periods) > 1:
        yield _skips(found.timeline)


def _skips(told: Timeline) -> Picture:
    rates = tuple(period.skip_rate for period in told.periods)
    known = [(rate, period) for rate, period in zip(rates, told.periods, strict=True) if rate]
    words = "Nothing was skipped."
    if known:
        most, period = max(known, key=lambda one: one[0])
        when = name_of(period.begins, told.every)
        words = f"Of all that began; most was skipped in {when}, {share(most)}."
    return pictures.lines(
        [period.begins for period in told.periods],
        [Line("skipped", rates)],
        every=told.every,
        key="skips",
        title=f"Skipped, by {told.every}",
        words=words,
    )


def _tops(shelf: _Shelf, ask: Ask) -> Iterator[Picture]:
    by = _by(ask)
    found: Tops = shelf.of(ask).tops(_asked(ask), by=by)
    for of, places in found.heard.items():
        if places:
            title = f"{_TITLES[of]} by {'time' if by == 'time' else 'plays'}"
            table = _table(title, places)
            yield pictures.ranking(places, title=title, key=f"top-{of}", by=by, table=table)
    if found.skipped:
        yield _skipped(found.skipped)


def _skipped(places: tuple[Ranked, ...]) -> Picture:
    rows = [
        Bar(place.name or "(no name)", place.skips, f"{place.skips:,}", place.artist or "")
        for place in places
    ]
    words = "; ".join(f"{row.name}, {row.told}" for row in rows[:3])
    title = "Tracks skipped most"
    return pictures.bars(
        rows, key="top-skips", title=title, words=f"{words}.", table=_table(title, places)
    )


def _table(title: str, places: tuple[Ranked, ...]) -> Section:
    rows = tuple(
        (
            str(place.rank),
            place.name or "(no name)",
            place.artist or "",
            f"{place.plays:,}",
            duration(place.ms_played),
            f"{place.skips:,}",
            "new" if place.rank_before is None else str(place.rank_before),
        )
        for place in places
    )
    columns = ("#", "Name", "Artist", "# Plays", "# Time", "# Skips", "# Place before")
    return Section(title, columns, rows)


def _drift(found: Drift | None) -> Iterator[Picture]:
    if found is None or len(found.periods) < 2:
        return
    if sum(1 for mix in found.periods if mix.genres) > 1:
        yield pictures.genres_over_time(found)
    if found.sound_told:
        yield pictures.sound_over_time(found)


def _file(shelf: _Shelf, ask: Ask) -> Answer:
    """A picture of the page as a file."""
    key, asked = ask.one("picture"), _asked(ask)
    if key.startswith("top-"):
        drawn = _tops(shelf, ask)
    elif key.startswith("drift"):
        drawn = _drift(shelf.drift(ask))
    else:
        drawn = _overview(shelf.of(ask).overview(asked, now=ask.house.clock()))
    for picture in drawn:
        if picture.key == key:
            name = f"segue-{key}-{chosen_window(ask).name}"
            return file_of(picture, ask.one("as"), ask.one("on", "light"), name=name)
    raise Trouble(404, "There is no such picture", "The links below each picture are right.")


def _plays(shelf: _Shelf, ask: Ask) -> Answer:
    """Some plays, and the address of those before them."""
    zone, until = zone_of_page(ask), None
    if ask.one("until"):
        try:
            day = datetime.fromisoformat(ask.one("until")).date() + timedelta(days=1)
        except (ValueError, OverflowError) as error:
            raise Trouble(422, "That is no day", "Choose one in the calendar.") from error
        until = datetime.combine(day, time(), zone_of(zone))
    histories = shelf.of(ask)
    page = histories.plays(
        ask.who.user_id,
        after=place_in(ask.one("at"), ask.one("play")),
        until=until,
        time_zone=zone,
        limit=_AT_ONCE,
    )
    days = days_of_page(page, ask.house.service, histories, begun=ask.one("begun"))
    told = {"title": "Plays", "days": days, "more": way_on(page)}
    return View("history_plays.html", told)
