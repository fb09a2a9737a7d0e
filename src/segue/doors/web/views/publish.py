"""A playlist on its way to where people listen: chosen, previewed, published, or saved."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from segue.doors.web.ask import Answer, Ask, Download, View
from segue.doors.web.chosen import Chosen
from segue.doors.web.pages import Pages
from segue.doors.web.trouble import Trouble
from segue.doors.web.views.for_you import asked_wishes, fields_of
from segue.flows import publishing
from segue.music.playlist import Playlist, playlist_id_of
from segue.playlists.titles import ABOUT

__all__ = ["NAMES", "add_to"]

NAMES: Final = {"spotify": "Spotify", "listenbrainz": "ListenBrainz", "subsonic": "Subsonic"}
_SHOWN: Final = 12


def add_to(pages: Pages) -> None:
    """Register the addresses."""
    pages.get("/publish", choose)
    pages.get("/publish/preview", preview)
    pages.post("/publish/now", publish)
    pages.get("/publish/file", save)


def choose(ask: Ask) -> View:
    """Where the list can go."""
    playlist, recommendation_id, chosen = _playlist(ask)
    house = ask.house
    ready = publishing.ready_destinations(house.wiring, ask.who.user_id, house.clock)
    told = {
        "title": "Publish",
        "playlist": playlist,
        "recommendation_id": recommendation_id,
        "ready": [(name, NAMES[name]) for name in ready],
        "formats": tuple(publishing.FORMATS),
        "fields": fields_of(chosen),
        "query": urlencode(fields_of(chosen)),
    }
    return View("publish.html", told, part="choose")


def preview(ask: Ask) -> View:
    """What would change there."""
    return _reported(ask, dry_run=True)


def publish(ask: Ask) -> View:
    """Make it there what it is here."""
    _, recommendation_id, _ = _playlist(ask)
    if recommendation_id != ask.one("recommendation_id"):
        return _reported(ask, dry_run=True, changed=True)
    return _reported(ask, dry_run=False)


def save(ask: Ask) -> Answer:
    """The list as a file."""
    playlist, _, _ = _playlist(ask)
    kind = ask.one("format")
    if kind not in publishing.FORMATS:
        raise Trouble(404, "There is no such kind of file")
    body = publishing.as_file(ask.house.wiring, playlist, kind)
    return Download(body, publishing.FORMATS[kind], f"{playlist.title}.{kind}")


def _reported(ask: Ask, *, dry_run: bool, changed: bool = False) -> View:
    playlist, recommendation_id, chosen = _playlist(ask)
    service = ask.one("to")
    report = publishing.publish(
        ask.house.wiring,
        playlist,
        service,
        user_id=ask.who.user_id,
        clock=ask.house.clock,
        dry_run=dry_run,
    )
    told = {
        "title": "Publish",
        "playlist": playlist,
        "recommendation_id": recommendation_id,
        "fields": fields_of(chosen),
        "service": service,
        "name": NAMES.get(service, service),
        "report": report,
        "added": report.added[:_SHOWN],
        "removed": report.removed[:_SHOWN],
        "more_added": max(len(report.added) - _SHOWN, 0),
        "more_removed": max(len(report.removed) - _SHOWN, 0),
        "has_changed": changed,
        "is_link": report.destination.startswith(("https://", "http://")),
    }
    what = "would change" if dry_run else "is published"
    return View("publish.html", told, part="report", say=f"{playlist.title} {what}")


def _playlist(ask: Ask) -> tuple[Playlist, str, Chosen]:
    """The list that is shown for what is chosen, as a playlist of its own."""
    chosen = Chosen.of(ask)
    answer = ask.house.service.recommendations(ask.who.user_id, asked_wishes(ask, chosen))
    if not answer.tracks:
        raise Trouble(409, "There is nothing to publish", "No track fits all of the filters.")
    filters = (chosen.genre, chosen.mood, chosen.era, chosen.tempo, chosen.minutes)
    words = ", ".join(one for one in filters if one)
    first, dot, day = answer.title.partition(" · ")
    playlist = Playlist(
        playlist_id=playlist_id_of(
            ask.who.user_id, chosen.mix, "\x1f".join(filters) if words else ""
        ),
        title=f"{first} ({words}){dot}{day}" if words else answer.title,
        description=ABOUT[chosen.mix],
        user_id=ask.who.user_id,
        made_at=answer.made_at,
        tracks=answer.tracks,
        notes=answer.notes,
        mix=chosen.mix,
    )
    return playlist, answer.recommendation_id, chosen
