"""What is new in one playlist, added to another; nothing is ever taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from segue.errors import ServiceDownError, SinkError
from segue.music.names import song_key
from segue.music.playlist import PlaylistTrack
from segue.playlists.difference import AT_ONCE
from segue.playlists.links import one_line
from segue.playlists.service_base import Item, PlaylistService
from segue.playlists.writing import write

__all__ = ["SyncReport", "as_track", "synchronise"]

_ROUNDS: Final = 6


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What was added.

    Args:
        read: Items of the source.
        added: Those that the target did not have, as “artists - title”.
        known: Items of the source whose song the target had, or the source has twice.
        unmatched: Items that the target's service does not have.
        tracks: How many the target holds now.
        requests: Made at the target's service.
    """

    read: int
    added: tuple[str, ...]
    known: int
    unmatched: tuple[str, ...]
    tracks: int
    requests: int
    dry_run: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "read": self.read,
            "added": list(self.added),
            "known": self.known,
            "unmatched": list(self.unmatched),
            "tracks": self.tracks,
            "requests": self.requests,
            "dry_run": self.dry_run,
        }


@dataclass
class _Known:
    """Songs, by all that tells them apart: key, ISRC, and artist and title in normal form."""

    names: set[tuple[str, str]] = field(default_factory=set)

    def add(self, key: str, track: PlaylistTrack) -> None:
        """One more."""
        self.names |= _names(key, track)

    def has(self, key: str, track: PlaylistTrack) -> bool:
        """Whether it is there under any of its names."""
        return not self.names.isdisjoint(_names(key, track))


def _names(key: str, track: PlaylistTrack) -> set[tuple[str, str]]:
    found = {("key", key)} if key else set()
    if track.isrc:
        found.add(("isrc", track.isrc.replace("-", "").upper()))
    if track.artists and track.title:
        found.add(("song", song_key(track.artists[0], track.title)))
    return found


def synchronise(
    source: Sequence[PlaylistTrack],
    service: PlaylistService,
    remote_id: str,
    *,
    dry_run: bool = False,
) -> SyncReport:
    """Add the songs of a source that a playlist does not have, at its end, in their order.

    What is there is read again after every answer that was lost, so that nothing is added twice.

    Args:
        source: What the other playlist holds; what is no track is left out.
        service: Of the target.
        remote_id: The target.

    Raises:
        SinkError: There is no such playlist, or something else writes to it.
        ServiceError: The service refuses or does not answer; running it again goes on.
    """
    return _Sync(source, service, remote_id).run(dry_run=dry_run)


@dataclass(frozen=True, slots=True)
class _Compared:
    """Items of the source beside what a playlist holds."""

    new: dict[str, str]
    known: int
    unmatched: tuple[str, ...]


class _Sync:
    """One synchronisation."""

    def __init__(
        self, source: Sequence[PlaylistTrack], service: PlaylistService, remote_id: str
    ) -> None:
        self._source = source
        self._service = service
        self._remote_id = remote_id
        self._begun = service.requests
        self._found: dict[str, str | None] = {}
        self._refused: set[str] = set()
        self._first: list[Item] | None = None

    def run(self, *, dry_run: bool) -> SyncReport:
        """Try until all that is new is there."""
        fault: ServiceDownError | None = None
        for _ in range(_ROUNDS):
            try:
                total = self._round(dry_run=dry_run)
            except ServiceDownError as error:
                fault = error
                continue
            if total is not None:
                return self._report(total, dry_run=dry_run)
            fault = None
        raise fault or SinkError(
            f"the playlist at {self._service.name} keeps changing while it is written",
            cure="Does something else write to it? Run it again when that is done.",
        )

    def _round(self, *, dry_run: bool) -> int | None:
        """How many items the target holds in the end; None: it has to be looked at again."""
        head = self._service.head(self._remote_id)
        if head is None:
            raise SinkError(
                f"there is no playlist {self._remote_id} at {self._service.name}",
                cure="Name one that is yours; segue publish makes new ones.",
            )
        there = [] if head.total == 0 else self._service.items(self._remote_id)
        self._first = there if self._first is None else self._first
        new = tuple(self._compared(there).new)
        if dry_run or not new:
            return len(there)
        for first in range(0, len(new), AT_ONCE):
            part = new[first : first + AT_ONCE]
            refused = write(self._service, self._remote_id, part, at=len(there) + first)
            if refused:
                self._refused |= set(refused)
                return None
        seen = self._service.head(self._remote_id)
        total = len(there) + len(new)
        return total if seen is not None and seen.total in (None, total) else None

    def _compared(self, there: Sequence[Item]) -> _Compared:
        known, new, unmatched, count = _Known(), dict[str, str](), list[str](), 0
        for item in there:
            known.add(item.key, as_track(item, self._service.name))
        for track in self._source:
            if known.has("", track):
                count += 1
                continue
            key = self._key(track)
            if key is None:
                unmatched.append(_label(track))
            elif known.has(key, track):
                count += 1
            else:
                known.add(key, track)
                new[key] = _label(track)
        return _Compared(new, count, tuple(unmatched))

    def _key(self, track: PlaylistTrack) -> str | None:
        own = self._service.key(track)
        if own is not None and own not in self._refused:
            return own
        if track.track_id not in self._found and len(self._found) < self._service.searches:
            self._found[track.track_id] = self._service.look_for(track)
        found = self._found.get(track.track_id)
        return None if found in self._refused else found

    def _report(self, total: int, *, dry_run: bool) -> SyncReport:
        compared = self._compared(self._first or [])
        return SyncReport(
            read=len(self._source),
            added=tuple(compared.new.values()),
            known=compared.known,
            unmatched=compared.unmatched,
            tracks=total,
            requests=self._service.requests - self._begun,
            dry_run=dry_run,
        )


def as_track(item: Item, service: str) -> PlaylistTrack:
    """An item as other services can look for it."""
    return PlaylistTrack(
        rank=1,
        track_id=item.key or f"{item.artists} {item.title}",
        title=item.title,
        artists=item.artists,
        score=0.0,
        reason="",
        sources=(),
        spotify_uri=item.key if service == "spotify" else None,
        recording_mbid=item.key if service == "listenbrainz" else None,
        isrc=item.isrc or None,
    )


def _label(track: PlaylistTrack) -> str:
    return one_line(f"{', '.join(track.artists)} - {track.title}")
