"""For you: mixes as cards, and a list that changes with every filter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup

from segue.doors.web.ask import Answer as Told
from segue.doors.web.ask import Ask, House, Redirect, View
from segue.doors.web.chosen import FAR, Chosen, choices_of, wishes_of
from segue.doors.web.pages import Nav, Pages
from segue.doors.web.rows import rows_of, tile_of
from segue.errors import UnknownTrackError, UnknownUserError
from segue.flows.home_parts import MODELS
from segue.flows.online import Answer, Service
from segue.flows.wishes import Wishes
from segue.settings.listening import Recommending

__all__ = ["add_to", "address_of", "asked_wishes", "fields_of", "length_in_words", "nothing_yet"]

_SIZE: Final = 30
_ON_A_CARD: Final = 4
_OWN_GENRES: Final = 3
_OFFERED: Final = 60
_MIXES: Final = (
    ("discover", "Discover", "New to you, found through what you play"),
    ("daily", "Daily", "What you play now, with a few surprises"),
    ("rediscover", "Rediscover", "Favourites that have been quiet for a while"),
)


@dataclass(frozen=True, slots=True)
class Card:
    """A mix to choose.

    Args:
        tiles: Covers of its first tracks; empty: not known yet.
        chosen: Whether its list is the one below.
    """

    title: str
    words: str
    address: str
    tiles: tuple[Markup, ...] = ()
    chosen: bool = False


def add_to(pages: Pages) -> None:
    """Register the addresses."""
    pages.prepare(_get_ready)
    pages.get("/", first_page)
    pages.get("/for-you", for_you, nav=Nav("For you", "sparkle", "listen", 10, short=True))


def _get_ready(house: House, user_id: str) -> None:
    """The list of the usual mix, and those that covers of cards are of."""
    told, service = house.settings.recommend, house.service
    shown = [Chosen(mix=mix) for mix, _, _ in _MIXES]
    service.get_ready(user_id, [_wishes(told, one) for one in shown])
    service.genres()
    genres = [Chosen(genre=genre) for genre in _genres(service, user_id)]
    service.get_ready(user_id, [_wishes(told, one) for one in genres])


def first_page(ask: Ask) -> Told:
    """Where to begin: with recommendations, if there is anything to make them of."""
    return Redirect("/for-you" if ask.house.service.ready else "/start")


def for_you(ask: Ask) -> Told:
    """The page, its list, or its cards."""
    service, chosen = ask.house.service, Chosen.of(ask)
    if not service.ready:
        return nothing_yet(ask, "For you")
    if ask.fragment == "soon":
        return Redirect(ask.path)
    if ask.fragment == "cards":
        return View("for_you.html", {"cards": _cards(ask, chosen, whole=True)})
    answer = service.recommendations(ask.who.user_id, asked_wishes(ask, chosen))
    rows = rows_of(
        answer.tracks,
        service,
        service.said(ask.who.user_id),
        recommendation_id=answer.recommendation_id,
    )
    told = {
        "title": "For you",
        "chosen": chosen,
        "rows": rows,
        "list_title": _title(chosen),
        "length": length_in_words(answer),
        "notes": answer.notes,
        "is_stranger": _is_stranger(ask),
        "plain": replace(chosen, genre="", mood="", era="", tempo="", minutes=""),
        "address": address_of,
        "query": urlencode(fields_of(chosen)),
    }
    if ask.fragment == "list":
        return View("for_you.html", told, say=f"{_title(chosen)}: {len(rows)} tracks")
    genres = service.genres()[:_OFFERED]
    more = {
        "cards": _cards(ask, chosen, whole=False),
        "choices": choices_of(chosen, sorted(genres, key=str.casefold)),
        "usual": FAR,
    }
    return View("for_you.html", {**told, **more})


def nothing_yet(ask: Ask, title: str) -> View:
    """What stands there while nothing can be recommended yet."""
    coming = (ask.house.home / MODELS / "current").exists()
    told = {"title": title, "coming": coming, "again": ask.path}
    return View("for_you_empty.html", told, part="soon")


def asked_wishes(ask: Ask, chosen: Chosen) -> Wishes:
    """What is asked of the recommenders."""
    return _wishes(ask.house.settings.recommend, chosen)


def _wishes(told: Recommending, chosen: Chosen) -> Wishes:
    return wishes_of(chosen, size=_SIZE, per_artist=told.per_artist, recent_hours=told.recent_hours)


def fields_of(chosen: Chosen) -> dict[str, str | int]:
    """What is chosen, as it stands in an address."""
    usual = Chosen()
    return {
        name: getattr(chosen, name)
        for name in Chosen.__slots__
        if getattr(chosen, name) != getattr(usual, name)
    }


def address_of(chosen: Chosen) -> str:
    """Where a list is."""
    told = fields_of(chosen)
    return f"/for-you?{urlencode(told)}" if told else "/for-you"


def length_in_words(answer: Answer) -> str:
    """How many tracks, and how long they take.

    >>> length_in_words(answer)  # doctest: +SKIP
    '30 tracks, 1 h 52 min'
    """
    minutes = round(sum(track.duration_ms or 0 for track in answer.tracks) / 60_000)
    hours, rest = divmod(minutes, 60)
    number = len(answer.tracks)
    words = f"{number} track{'s' * (number != 1)}"
    if not minutes:
        return words
    return f"{words}, {hours} h {rest} min" if hours else f"{words}, {rest} min"


def _title(chosen: Chosen) -> str:
    return next(title for mix, title, _ in _MIXES if mix == chosen.mix)


def _cards(ask: Ask, chosen: Chosen, *, whole: bool) -> list[Card]:
    """The mixes; and, where all is to be worked out, covers, and what the listener hears most."""
    offered = [(title, words, Chosen(mix=mix)) for mix, title, words in _MIXES]
    if whole:
        offered += [
            (genre.capitalize(), f"Mostly {genre}", Chosen(genre=genre))
            for genre in _genres(ask.house.service, ask.who.user_id)
        ]
    return [
        Card(
            title,
            words,
            address_of(one),
            _tiles(ask, one) if whole else (),
            chosen=(one.mix, one.genre) == (chosen.mix, chosen.genre),
        )
        for title, words, one in offered
    ]


def _is_stranger(ask: Ask) -> bool:
    try:
        ask.house.service.user(ask.who.user_id)
    except UnknownUserError:
        return True
    return False


def _genres(service: Service, user_id: str) -> list[str]:
    try:
        return [one.name for one in service.profile(user_id).genres[:_OWN_GENRES]]
    except UnknownUserError:
        return []


def _tiles(ask: Ask, chosen: Chosen) -> tuple[Markup, ...]:
    service = ask.house.service
    answer = service.recommendations(ask.who.user_id, asked_wishes(ask, chosen))
    found = []
    for track in answer.tracks[:_ON_A_CARD]:
        try:
            found.append(tile_of(service.track(track.track_id)))
        except UnknownTrackError:
            continue
    return tuple(found)
