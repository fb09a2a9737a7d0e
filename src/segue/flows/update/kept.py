"""Playlists that are kept fresh: which are due where, how they are made, how they get there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segue.errors import ConfigError, NotReadyError, SourceError
from segue.flows.home_parts import playlists_of
from segue.flows.playlist_file import read_playlist
from segue.flows.update.memory import Deed, UpdateMemory
from segue.jobs.timetable import timetable
from segue.music.playlist import Playlist
from segue.own_folder import own_folder

if TYPE_CHECKING:
    from segue.flows.wiring import Wiring
    from segue.playlists.base import PublishReport
    from segue.settings import Settings
    from segue.settings.updating import KeptPlaylist

__all__ = [
    "Kept",
    "due_playlists",
    "every_place",
    "made",
    "made_playlist",
    "make",
    "publish_to",
    "published",
    "refuse_twins",
    "told",
]

_DUE: Final = "due"


@dataclass(frozen=True, slots=True)
class Kept:
    """A playlist of the settings, at one moment.

    Args:
        slot: The moment it was last due, aware UTC; what was made since is fresh.
        places: Destinations that do not have it as of that moment.
    """

    told: KeptPlaylist
    user_id: str
    playlist_id: str
    slot: datetime
    places: tuple[str, ...]

    @property
    def label(self) -> str:
        """What it is called in reports."""
        return f"{self.user_id}: {self.told.title or self.told.name or self.told.mix}"


def due_playlists(
    wiring: Wiring,
    memory: UpdateMemory,
    *,
    zone: tzinfo,
    now: datetime,
    users: Sequence[str] = (),
    at_once: bool = False,
) -> tuple[Kept, ...]:
    """The playlists of the settings that some destination lacks.

    Args:
        zone: Whose clocks the settings mean.
        users: Only theirs; empty: everybody's.
        at_once: Make all of them anew, due or not.

    Raises:
        ConfigError: Two of them are the same one.
    """
    refuse_twins(wiring.settings)
    main, found = wiring.settings.user_id, []
    for told in wiring.settings.playlists:
        user_id = told.user or main
        playlist_id = _id(told, user_id)
        if users and user_id not in users:
            continue
        slot = now if at_once else timetable(told.when).last_until(now, zone)
        if (made_last := memory.deed(_made(playlist_id), user_id)) is not None:
            slot = max(slot, made_last.at)  # made at once, and maybe not everywhere yet
        places = tuple(
            place
            for place in dict.fromkeys(told.to)
            if at_once
            or (last := memory.deed(_published(playlist_id, place), user_id)) is None
            or last.at < slot
        )
        if places:
            found.append(Kept(told, user_id, playlist_id, slot, places))
    return tuple(found)


def refuse_twins(settings: Settings) -> None:
    """Look whether two playlists of the settings would be one.

    Raises:
        ConfigError: They would.
    """
    seen = set[str]()
    for told in settings.playlists:
        user_id = told.user or settings.user_id
        playlist_id = _id(told, user_id)
        if playlist_id in seen:
            raise ConfigError(
                f"two playlists of “{user_id}” are both the {told.mix} mix",
                field="playlists",
                cure="Give each a name of its own, or one of them more destinations (to).",
            )
        seen.add(playlist_id)


def made(wiring: Wiring, memory: UpdateMemory, kept: Kept) -> Playlist | None:
    """The playlist, if it was made since it was due: an update that was interrupted goes on."""
    last = memory.deed(_made(kept.playlist_id), kept.user_id)
    if last is None or last.at < kept.slot:
        return None
    return made_playlist(wiring, kept)


def made_playlist(wiring: Wiring, kept: Kept) -> Playlist | None:
    """The playlist as it was made last; None: it never was."""
    with suppress(SourceError):
        return read_playlist(_path(wiring, kept))
    return None


def every_place(wiring: Wiring) -> Iterator[tuple[Kept, str]]:
    """All playlists of the settings with each of their destinations, due or not."""
    for told in wiring.settings.playlists:
        user_id = told.user or wiring.settings.user_id
        kept = Kept(told, user_id, _id(told, user_id), datetime.max.replace(tzinfo=UTC), told.to)
        yield from ((kept, place) for place in told.to)


def published(memory: UpdateMemory, kept: Kept, place: str) -> Deed | None:
    """When a destination last got the playlist, and what changed there; None: never."""
    return memory.deed(_published(kept.playlist_id, place), kept.user_id)


def told(memory: UpdateMemory, kept: Kept, place: str) -> None:
    """Remember that people know what changed."""
    last = published(memory, kept, place)
    if last is not None:
        detail = last.detail | {"told": True}
        memory.note(_published(kept.playlist_id, place), last.at, kept.user_id, **detail)


def make(wiring: Wiring, memory: UpdateMemory, kept: Kept, *, dry_run: bool) -> Playlist:
    """Make the playlist and remember it, so that all destinations get the same.

    Raises:
        UnknownUserError: Nothing was ever heard of its user.
        NotReadyError: There is nothing to make it of.
        UnknownTrackError: A seed fits no track.
        SinkError: The home cannot be written.
    """
    from segue.flows.fresh_marts import FreshMarts
    from segue.flows.recommend import Wishes, recommend

    told, usual = kept.told, wiring.settings.recommend
    playlist = recommend(
        bundle=wiring.bundles.current(),
        snapshot=FreshMarts(wiring.snapshots.current(), wiring.lake),
        user_id=kept.user_id,
        wishes=Wishes(
            mix=told.mix,
            size=usual.size if told.size is None else told.size,
            adventurous=usual.adventurous if told.adventurous is None else told.adventurous,
            seeds=told.seeds,
            genres=told.genres,
            mood=told.mood or None,
            years=_bounds(told.years),
            tempo=_bounds(told.tempo),
            minutes=_bounds(told.minutes),
            per_artist=usual.per_artist,
            recent_hours=usual.recent_hours,
        ),
    )
    if not playlist.tracks:
        raise NotReadyError(
            "no track fits; the playlist of before stays as it is",
            cure=" ".join(playlist.notes) or "Ask for another mix, or for less.",
        )
    playlist = replace(playlist, playlist_id=kept.playlist_id, title=told.title or playlist.title)
    if not dry_run:
        path = _path(wiring, kept)
        own_folder(path.parent)
        for draft in path.parent.glob(f".{path.name}.*"):  # of an update that was killed
            draft.unlink(missing_ok=True)
        wiring.sink("json", path).publish(playlist)
        memory.note(_made(kept.playlist_id), kept.slot, kept.user_id)
    return playlist


def publish_to(
    wiring: Wiring,
    memory: UpdateMemory,
    kept: Kept,
    place: str,
    playlist: Playlist,
    *,
    clock: Callable[[], datetime],
    dry_run: bool,
) -> PublishReport:
    """Refresh the playlist at one destination, and remember that it has it.

    Raises:
        ConfigError: There is no such destination, or it is not set up.
        ServiceError: It refuses, or does not answer; the next update tries again.
        SinkError: It cannot be written there.
    """
    again = False
    if not dry_run:
        begun = memory.deed(_publishing(kept.playlist_id, place), kept.user_id)
        again = begun is not None and begun.at == kept.slot
        memory.note(_publishing(kept.playlist_id, place), kept.slot, kept.user_id)
    report = _sent(wiring, kept, place, playlist, clock, dry_run=dry_run)
    if not dry_run:
        if place == "spotify" and wiring.settings.spotify.cover:
            _hang_cover(wiring, kept, playlist, clock)
        memory.note(
            _published(kept.playlist_id, place),
            kept.slot,
            kept.user_id,
            remote_id=report.remote_id,
            address=report.destination,
            changed=report.changed or again,  # an update before may have died before it said so
            added=len(report.added) if report.requests and not again else None,
            removed=len(report.removed) if report.requests and not again else None,
            unmatched=list(report.unmatched),
        )
    return report


def _hang_cover(
    wiring: Wiring, kept: Kept, playlist: Playlist, clock: Callable[[], datetime]
) -> None:
    from segue.flows.cover import hang_cover

    api = wiring.spotify(clock).api(kept.user_id, "publish")
    hang_cover(wiring, playlist, api, user_id=kept.user_id)


def _sent(
    wiring: Wiring,
    kept: Kept,
    place: str,
    playlist: Playlist,
    clock: Callable[[], datetime],
    *,
    dry_run: bool,
) -> PublishReport:
    """At a service what the playlist holds is kept in its history, too."""
    from segue.flows import publishing
    from segue.flows.destinations import DESTINATIONS, open_sink

    into = kept.told.into if len(kept.told.to) == 1 else ""
    if place in DESTINATIONS:
        return publishing.publish(
            wiring,
            playlist,
            place,
            user_id=kept.user_id,
            clock=clock,
            into=into,
            dry_run=dry_run,
        )
    sink = open_sink(wiring, place, user_id=kept.user_id, clock=clock, into=into)
    return sink.publish(playlist, dry_run=dry_run)


def _bounds(span: str) -> tuple[int | None, int | None] | None:
    """The two numbers of a span."""
    low, _, high = span.partition("-")
    return (int(low) if low else None, int(high) if high else None) if span else None


def _id(told: KeptPlaylist, user_id: str) -> str:
    """Stable for user, mix and name; without a name that of `segue recommend`."""
    named = f"\x1f{told.name}" if told.name else ""
    return "p" + hashlib.sha256(f"{user_id}\x1f{told.mix}{named}".encode()).hexdigest()[:16]


def _path(wiring: Wiring, kept: Kept) -> Path:
    return playlists_of(wiring.home, kept.user_id) / _DUE / f"{kept.playlist_id}.json"


def _made(playlist_id: str) -> str:
    return f"made {playlist_id}"


def _published(playlist_id: str, place: str) -> str:
    return f"published {playlist_id} {place}"


def _publishing(playlist_id: str, place: str) -> str:
    return f"publishing {playlist_id} {place}"
