"""Playlists elsewhere: what was published or archived, its history, and what it held before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from segue.doors.web.ask import Ask, Redirect, View
from segue.doors.web.pages import Nav, Pages
from segue.doors.web.rows import Row, row_of
from segue.doors.web.trouble import Trouble
from segue.doors.web.views.publish import NAMES
from segue.doors.web.working import ago
from segue.errors import NotReadyError, UnknownTrackError
from segue.flows.destinations import open_service, service_sink
from segue.flows.online import Service, TrackCard
from segue.flows.playlist_history import archive_of, keep_state, restored
from segue.flows.playlist_places import SAVED, Place, ReadPlaylist, place_of, read_place
from segue.flows.publishing import published_places, ready_destinations
from segue.playlists.archive import Change, PlaylistArchive
from segue.playlists.service_base import Item
from segue.playlists.sync import synchronise

__all__ = ["add_to"]

_NAMES_SHOWN: Final = 8
_ROWS: Final = 200
_NO_FILES: Final = "Give its address or id at the service, or “saved” for your saved tracks."


@dataclass(frozen=True, slots=True)
class Kept:
    """A playlist in the list of them.

    Args:
        name: As it stands in an address.
        words: Its latest change.
        is_ours: Whether Segue published it, and keeps it fresh.
    """

    name: str
    title: str
    service: str
    tracks: int
    words: str
    when: str
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A change in a history.

    Args:
        at: For restoring: the moment as text.
        added: Names; so many are left out: `more_added`.
    """

    at: str
    day: str
    tracks: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    more_added: int
    more_removed: int


def add_to(pages: Pages) -> None:
    """Register the addresses."""
    pages.get("/playlists", every, nav=Nav("Playlists", "list", "listen", 40, short=True))
    pages.post("/playlists/archive", archive)
    pages.post("/playlists/sync", sync)
    pages.get("/playlists/{name}", one)
    pages.post("/playlists/{name}/again", again)
    pages.post("/playlists/{name}/restore", restore)


def every(ask: Ask) -> View:
    """All that are kept."""
    return View("playlists.html", {"title": "Playlists", **_every(ask)})


def archive(ask: Ask) -> View | Redirect:
    """Keep what a playlist holds, from now on."""
    place = _place(ask.one("source"))
    _keep(ask, _read(ask, place))
    return Redirect(f"/playlists/{_stem(place)}")


def again(ask: Ask) -> View:
    """Look at it again, and keep what has changed."""
    place = _place_of(ask.values["name"])
    change = _keep(ask, _read(ask, place))
    said = "It is as it was before."
    if change is not None:
        said = f"{len(change.added)} added, {len(change.removed)} removed since the last time."
    return View("playlist.html", {**_one(ask), "said": said}, part="history", say=said)


def sync(ask: Ask) -> View:
    """Add what is new in one playlist to another: told first, done when it is confirmed."""
    start, end = _place(ask.one("source")), _place(ask.one("target"))
    if end.remote_id == SAVED:
        raise Trouble(422, "Nothing can be added to your saved tracks", "Name a playlist.")
    is_sure = bool(ask.one("sure"))
    read = _read(ask, start)
    house = ask.house
    service = open_service(
        house.wiring,
        end.service,
        user_id=ask.who.user_id,
        clock=house.clock,
        purpose="playlists",
    )
    report = synchronise(read.tracks, service, end.remote_id, dry_run=not is_sure)
    told = {
        **_every(ask),
        "title": "Playlists",
        "report": report,
        "from_title": read.title,
        "source": ask.one("source"),
        "target": ask.one("target"),
        "is_done": is_sure,
        "new": report.added[:_NAMES_SHOWN],
        "more_new": max(len(report.added) - _NAMES_SHOWN, 0),
    }
    verb = "were added" if is_sure else "would be added"
    return View("playlists.html", told, part="synced", say=f"{len(report.added)} {verb}")


def one(ask: Ask) -> View:
    """One, with its history."""
    return View("playlist.html", _one(ask))


def restore(ask: Ask) -> View:
    """Bring back what it held, as a playlist of its own: told first, done when confirmed."""
    name, house = ask.values["name"], ask.house
    try:
        moment = datetime.fromisoformat(ask.one("at"))
    except ValueError as error:
        raise Trouble(422, "That is no moment of its history") from error
    kept = archive_of(house.home, ask.who.user_id)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    place = _place_of(name)
    playlist = restored(kept, place, at=moment, user_id=ask.who.user_id)
    to, is_sure = ask.one("to") or place.service, bool(ask.one("sure"))
    sink = service_sink(house.wiring, to, user_id=ask.who.user_id, clock=house.clock)
    report = sink.publish(playlist, dry_run=not is_sure)
    told = {
        "title": playlist.title,
        "name": name,
        "report": report,
        "playlist": playlist,
        "place": NAMES.get(to, to),
        "to": to,
        "at": ask.one("at"),
        "is_link": report.destination.startswith(("https://", "http://")),
    }
    say = f"{playlist.title} {'is back' if is_sure else 'would be made'}"
    return View("restore.html", told, part="restore", say=say)


def _every(ask: Ask) -> dict[str, Any]:
    house = ask.house
    kept = archive_of(house.home, ask.who.user_id)
    ours = {_stem_of(name) for name in published_places(house.wiring, ask.who.user_id)}
    now = house.clock()
    found = [(name, kept.changes(name)) for name in kept.names()]
    found.sort(key=lambda one: one[1][-1].at, reverse=True)
    return {
        "kept": [_kept(name, changes, name in ours, now) for name, changes in found],
        "ready": [
            NAMES[name] for name in ready_destinations(house.wiring, ask.who.user_id, house.clock)
        ],
    }


def _kept(name: str, changes: list[Change], is_ours: bool, now: datetime) -> Kept:
    last = changes[-1]
    words = f"{last.tracks} tracks"
    if len(changes) > 1:
        words += f", {len(last.added)} added and {len(last.removed)} removed"
    service = name.partition("_")[0]
    return Kept(
        name,
        last.title,
        NAMES.get(service, service),
        last.tracks,
        words,
        ago(last.at, now),
        is_ours,
    )


def _one(ask: Ask) -> dict[str, Any]:
    name, house = ask.values["name"], ask.house
    kept = archive_of(house.home, ask.who.user_id)
    changes = kept.changes(name) if name in kept.names() else []
    if not changes:
        raise Trouble(404, "This playlist is not kept here", "See what is, under “Playlists”.")
    return {
        "title": changes[-1].title,
        "name": name,
        "kept": _kept(name, changes, False, house.clock()),
        "steps": [_step(change) for change in reversed(changes)],
        "rows": _rows(kept, name, house.service),
        "said": "",
    }


def _step(change: Change) -> Step:
    return Step(
        change.at.isoformat(),
        f"{change.at.astimezone():%-d %B %Y, %H:%M}",
        change.tracks,
        tuple(_named(item) for item in change.added[:_NAMES_SHOWN]),
        tuple(_named(item) for item in change.removed[:_NAMES_SHOWN]),
        max(len(change.added) - _NAMES_SHOWN, 0),
        max(len(change.removed) - _NAMES_SHOWN, 0),
    )


def _rows(kept: PlaylistArchive, name: str, service: Service) -> list[Row]:
    """What it holds now."""
    state = kept.states(name)[-1]
    return [_row(item, service) for item in state.items[:_ROWS]]


def _row(item: Item, service: Service) -> Row:
    try:
        card = service.track(item.key)
    except (UnknownTrackError, NotReadyError):
        card = TrackCard(item.key, item.title, item.artists)
    more = ", ".join(str(one) for one in (card.album, card.year) if one)
    return row_of(card, reason=more)


def _named(item: Item) -> str:
    return f"{', '.join(item.artists)} – {item.title}" if item.title else item.key


def _keep(ask: Ask, read: ReadPlaylist) -> Change | None:
    house = ask.house
    return keep_state(archive_of(house.home, ask.who.user_id), read, now=house.clock())


def _read(ask: Ask, place: Place) -> ReadPlaylist:
    house = ask.house
    return read_place(house.wiring, place, user_id=ask.who.user_id, clock=house.clock)


def _place(given: str) -> Place:
    """A playlist at a service; files of this machine are nobody's business here."""
    place = place_of(given)
    if place.service == "file":
        raise Trouble(422, "No playlist is called like that", _NO_FILES)
    return place


def _place_of(name: str) -> Place:
    service, _, remote_id = name.partition("_")
    return place_of(f"{service}:{remote_id}")


def _stem(place: Place) -> str:
    return _stem_of(place.name)


def _stem_of(name: str) -> str:
    return name.replace("=", "_", 1)
