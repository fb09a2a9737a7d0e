"""Search: a song by its name, then songs like it, narrowed by genre, mood, era and tempo."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from segue.doors.web.ask import Answer, Ask, Redirect, View
from segue.doors.web.chosen import Chosen, choices_of, wishes_of
from segue.doors.web.pages import Nav, Pages
from segue.doors.web.rows import Row, row_of, rows_of
from segue.doors.web.views.for_you import nothing_yet
from segue.errors import UnknownTrackError, UnknownUserError
from segue.flows.online import FoundTrack, Service

__all__ = ["add_to"]

_FOUND: Final = 8
_LIKE: Final = 30
_OFFERED: Final = 60


def add_to(pages: Pages) -> None:
    """Register the address."""
    pages.get("/search", search, nav=Nav("Search", "search", "listen", 20, short=True))


def search(ask: Ask) -> Answer:
    """The page, what is found as somebody types, or what is like a song."""
    service, typed, like = ask.house.service, ask.one("q").strip()[:200], ask.one("like")
    told: dict[str, Any] = {"title": "Search", "typed": typed, "like": like}
    if not service.ready:
        return nothing_yet(ask, "Search")
    if ask.fragment == "soon":
        return Redirect("/search")
    if ask.fragment == "found":
        return View("search.html", told | _found(ask, typed), say=_said(ask, typed))
    if ask.fragment == "lately":
        return View("search.html", told | {"lately": _lately(ask)})
    chosen = Chosen.of(ask)
    told |= {"chosen": chosen, "choices": (), "seed": None, "rows": []}
    if like:
        told |= _similar(ask, like, chosen)
    told["choices"] = choices_of(chosen, sorted(service.genres()[:_OFFERED], key=str.casefold))
    if ask.fragment == "near":
        number = len(told["rows"])
        return View("search.html", told, say=f"{number} songs are near")
    return View("search.html", told | _found(ask, typed))


def _found(ask: Ask, typed: str) -> dict[str, Any]:
    hits = ask.house.service.search(typed, _FOUND) if typed else ()
    return {"found": [_hit(one, ask.house.service) for one in hits], "typed": typed}


def _lately(ask: Ask) -> list[tuple[Row, str]]:
    """What was played last, to begin with."""
    service = ask.house.service
    try:
        recent = service.profile(ask.who.user_id).recent
    except UnknownUserError:
        return []
    found = []
    for track_id in dict.fromkeys(play.track_id for play in recent):
        try:
            card = service.track(track_id)
        except UnknownTrackError:
            continue
        found.append((row_of(card, reason=""), _address(track_id)))
    return found[:_FOUND]


def _address(track_id: str) -> str:
    """Where what is like a song stands."""
    return f"/search?{urlencode({'like': track_id})}"


def _said(ask: Ask, typed: str) -> str:
    if not typed:
        return ""
    number = len(ask.house.service.search(typed, _FOUND))
    return f"{number} song{'s' * (number != 1)} found"


def _hit(hit: FoundTrack, service: Service) -> tuple[Row, str]:
    """A song that was found, and where what is like it stands."""
    more = ", ".join(str(one) for one in (hit.album, hit.year) if one)
    row = row_of(service.track(hit.track_id), reason=more)
    return row, _address(hit.track_id)


def _similar(ask: Ask, like: str, chosen: Chosen) -> dict[str, Any]:
    """What is near a song, each with why."""
    service = ask.house.service
    try:
        card = service.track(like)
    except UnknownTrackError:
        return {"unknown": True}
    answer = service.similar(like, wishes_of(chosen, size=_LIKE, mix="discover"))
    told = [str(card.year)] if card.year else []
    told += list(card.genres[:3])
    tempo = card.audio_features.get("tempo")
    told += [f"{tempo:.0f} bpm"] if tempo else []
    return {
        "seed": row_of(card, reason=", ".join(told)),
        "rows": rows_of(answer.tracks, service, service.said(ask.who.user_id)),
        "notes": answer.notes,
        "plain": _address(like),
    }
