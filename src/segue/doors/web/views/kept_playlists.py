"""Playlists kept fresh: added, changed and removed on the page, written as [[playlists]]."""

from __future__ import annotations

from typing import Any, Final

from segue.doors.web.ask import Ask, Redirect, View
from segue.doors.web.chosen import ERAS, LENGTHS, TEMPOS
from segue.doors.web.forms import kept_place, lines_of, mark_of, must_manage, number_of, part_of
from segue.doors.web.pages import Pages
from segue.doors.web.trouble import said_of
from segue.doors.web.views.publish import NAMES
from segue.errors import ConfigError
from segue.flows.destinations import DESTINATIONS, open_sink
from segue.flows.settings_file import write_table
from segue.flows.update.kept import refuse_twins
from segue.music.moods import MOODS
from segue.settings import load_settings, settings_file
from segue.settings.updating import KeptPlaylist

__all__ = ["MIXES", "add_to"]

_AT: Final = "/settings/playlists/{place}"
_BACK: Final = "/settings#playlists"
_LABELS: Final = {
    "user": "For",
    "name": "Name",
    "to": "Where to",
    "into": "Into an existing playlist",
    "title": "Title",
    "size": "Tracks",
    "adventurous": "How adventurous",
    "seeds": "Songs to start from",
    "genres": "Genres",
    "mood": "Mood",
    "years": "Era",
    "tempo": "Tempo",
    "minutes": "Length",
    "when": "When",
}
MIXES: Final = (
    ("discover", "Discover"),
    ("daily", "Daily"),
    ("rediscover", "Rediscover"),
    ("similar", "Like certain songs"),
)
_WHEN: Final = (
    "monday at 06:00",
    "daily at 06:30",
    "weekdays at 07:00",
    "every 3 days at 18:00",
    "friday at 16:00",
)
_SPANS: Final = (("years", ERAS), ("tempo", TEMPOS), ("minutes", LENGTHS))


def add_to(pages: Pages) -> None:
    """Register the addresses."""
    pages.get(_AT, show)
    pages.post(_AT, keep)
    pages.post(f"{_AT}/remove", remove)


def show(ask: Ask, *, wrong: str = "", typed: KeptPlaylist | None = None) -> View:
    """One playlist, or a new one."""
    must_manage(ask)
    settings = load_settings(home=ask.house.home)
    place, known = kept_place(ask, settings.playlists)
    one = typed or known or KeptPlaylist(user=_for(ask, settings.user_id))
    told: dict[str, Any] = {
        "title": "A playlist kept fresh",
        "place": "new" if known is None else str(place),
        "mark": mark_of(known),
        "one": one,
        "labels": _LABELS,
        "people": _people(ask, settings.user_id, one.user),
        "mixes": MIXES,
        "places": [(name, NAMES[name], name in one.to) for name in DESTINATIONS],
        "files": "\n".join(name for name in one.to if name not in DESTINATIONS),
        "moods": [(mood, mood.capitalize()) for mood in MOODS],
        "spans": [
            (field, _LABELS[field], _offered(options, getattr(one, field)))
            for field, options in _SPANS
        ],
        "far": _percent(one.adventurous),
        "usual_far": f"{100 * settings.recommend.adventurous:.0f}",
        "usual_size": settings.recommend.size,
        "whens": _WHEN,
        "zone": "" if settings.time_zone == "local" else settings.time_zone,
        "wrong": wrong,
    }
    return View("kept_playlist.html", told, status=422 if wrong else 200, say=wrong)


def keep(ask: Ask) -> View | Redirect:
    """Write it, if it can be used."""
    must_manage(ask)
    home = ask.house.home
    settings = load_settings(home=home)
    place, _ = kept_place(ask, settings.playlists)
    values = _typed(ask, settings.user_id)
    try:
        one = part_of(KeptPlaylist, values, _LABELS)
        _check(ask, one)
        after = [*settings.playlists[:place], one, *settings.playlists[place + 1 :]]
        refuse_twins(settings.model_copy(update={"playlists": tuple(after)}))
        write_table(settings_file(home), "playlists", place, values)
    except ConfigError as error:
        return show(ask, wrong=said_of(error), typed=KeptPlaylist.model_construct(**values))
    return Redirect(_BACK)


def remove(ask: Ask) -> Redirect:
    """Take it out of the settings; what was published stays where it is."""
    must_manage(ask)
    home = ask.house.home
    place, known = kept_place(ask, load_settings(home=home).playlists)
    if known is not None:
        write_table(settings_file(home), "playlists", place, None)
    return Redirect(_BACK)


def _typed(ask: Ask, main: str) -> dict[str, Any]:
    """The table as it is to be written: what is as usual is left away."""
    far, user = number_of(ask, "adventurous"), ask.one("user").strip()
    services = tuple(name for name in DESTINATIONS if name in ask.many("to"))
    values: dict[str, Any] = {
        "user": "" if user == main else user,
        "mix": ask.one("mix"),
        "name": ask.one("name").strip(),
        "title": ask.one("title").strip(),
        "to": (*services, *lines_of(ask, "files")),
        "into": ask.one("into").strip(),
        "size": number_of(ask, "size"),
        "adventurous": far / 100 if isinstance(far, int) else far,
        "seeds": lines_of(ask, "seeds"),
        "genres": tuple(one.strip() for one in ask.one("genres").split(",") if one.strip()),
        "mood": ask.one("mood"),
        **{field: ask.one(field) for field, _ in _SPANS},
        "when": ask.one("when").strip(),
    }
    always = ("mix", "to", "when")
    return {
        name: value
        for name, value in values.items()
        if name in always or (value is not None and value not in ("", ()))
    }


def _check(ask: Ask, one: KeptPlaylist) -> None:
    """What the settings alone cannot tell.

    Raises:
        ConfigError: A file is of no known kind, or songs to start from are missing.
    """
    if one.mix == "similar" and not one.seeds:
        raise ConfigError(
            "there are no songs to start from", field="seeds", cure="Name one in a line each."
        )
    for place in one.to:
        if place not in DESTINATIONS:
            open_sink(ask.house.wiring, place, user_id=one.user, clock=ask.house.clock)


def _percent(share: float | str | None) -> str:
    """As it is typed; what was typed and is no number stays as it is."""
    return f"{100 * share:.0f}" if isinstance(share, float) else share or ""


def _for(ask: Ask, main: str) -> str:
    return "" if ask.who.user_id == main else ask.who.user_id


def _people(ask: Ask, main: str, chosen: str) -> list[tuple[str, str, bool]]:
    """Whom it can be for: a user, their name, whether it is the one."""
    household = ask.house.household
    known = (one.user_id for one in ask.house.service.users(limit=100))
    everybody = dict.fromkeys((main, *household.users, *known, *([chosen] if chosen else [])))
    return [(one, household.name(one), one == (chosen or main)) for one in everybody]


def _offered(options: tuple[tuple[str, str], ...], chosen: str) -> list[tuple[str, str]]:
    """The spans to choose from, and the one that the file has."""
    known = [value for value, _ in options]
    more = [(chosen, chosen.replace("-", "–"))] if chosen and chosen not in known else []
    return [*options, *more]
