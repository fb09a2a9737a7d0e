"""What a listener says of a track, taken as an event like any other."""

from __future__ import annotations

import secrets
from typing import Final, cast

from segue.doors.web.ask import Ask, View
from segue.doors.web.pages import Pages
from segue.doors.web.rows import GONE, row_of
from segue.doors.web.trouble import Trouble
from segue.events.admission import Refusal, refused
from segue.music.event import SPOKEN, Event, EventType

__all__ = ["add_to"]

_REASON: Final = 500
_TOLD: Final = {"like": "Liked “{}”.", "undo": "Taken back: “{}”."}


def add_to(pages: Pages) -> None:
    """Register the address."""
    pages.post("/feedback", say)


def say(ask: Ask) -> View:
    """Keep a word, and show the row as it is from now on. It counts in the next answer."""
    verb, now = ask.one("verb"), ask.house.clock()
    if verb not in SPOKEN:
        raise Trouble(422, "That cannot be said of a track")
    card = ask.house.service.track(ask.one("track"))
    event = Event(
        event_id=f"page-{secrets.token_hex(12)}",
        user_id=ask.who.user_id,
        track_id=card.track_id,
        event_type=cast(EventType, verb),
        timestamp=now,
        recommendation_id=ask.one("recommendation")[:100] or None,
        source="page",
    )
    wrong = refused(event, now)
    if isinstance(wrong, Refusal):
        raise Trouble(422, wrong.reason)
    ask.house.service.log.append([event], now).result()
    gone = GONE.get(verb, "").format(card.title)
    row = row_of(
        card,
        reason=ask.one("reason")[:_REASON],
        said="" if verb == "undo" else verb,
        recommendation_id=ask.one("recommendation"),
        gone=gone,
    )
    told = gone or _TOLD[verb].format(card.title)
    return View("row.html", {"row": row}, part="row", say=told)
