"""A playlist at a service: made once, then refreshed in place with the smallest change."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from html import unescape
from typing import ClassVar, Final

from segue.errors import ServiceDownError, SinkError
from segue.music.playlist import Playlist, PlaylistTrack
from segue.playlists.base import PublishReport
from segue.playlists.edits import Add, Edit, Put
from segue.playlists.given import Given, GivenLists
from segue.playlists.links import one_line
from segue.playlists.published import Note, PublishedLists
from segue.playlists.service_base import Head, PlaylistService, TellsPlayable
from segue.playlists.writing import write

__all__ = ["ServiceSink"]

_log = logging.getLogger(__name__)

_ROUNDS: Final = 6
_WORDS: Final = 300
_TITLE: Final = 100


class ServiceSink:
    """Publishes to a service; the same playlist id is the same playlist there, week after week.

    A playlist is found again by the note in the data home, else by a mark in its description, so
    that a lost answer or a lost home makes no second copy. The present state is read before every
    change; whatever was interrupted goes on from there.

    Args:
        service: Where to.
        notes: What is remembered of the user's published playlists.
        into: An existing playlist to refresh instead of a new one; empty: none.
        insist: Whether `into` is used though another playlist is published into it.
        given: Where it is noted what was published; None: nowhere.
        clock: The time, aware UTC, for that.
    """

    name: ClassVar[str] = "service"

    def __init__(
        self,
        service: PlaylistService,
        notes: PublishedLists,
        *,
        into: str = "",
        insist: bool = False,
        given: GivenLists | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._given = given
        self._clock = clock
        self._service = service
        self._notes = notes
        self._place = service.name
        self._into = into
        self._insist = insist

    def publish(self, playlist: Playlist, *, dry_run: bool = False) -> PublishReport:
        """Make the playlist there what it is here.

        Raises:
            ServiceError: The service refuses or does not answer; running it again goes on.
            SinkError: The playlist that is named is not there.
            BusyError: Another process is publishing to this destination.
        """
        with self._notes.alone(self._place):
            run = _Run(self._service, self._notes, self._place, playlist, dry_run=dry_run)
            report = run.publish(self._named(playlist))
            if self._given is not None and self._clock is not None and not dry_run:
                self._given.note(self._state(playlist, self._clock()))
            return report

    def _state(self, playlist: Playlist, now: datetime) -> Given:
        tracks = tuple(track.track_id for track in playlist.tracks)
        title, mix = playlist.title, playlist.mix or ""
        return Given(playlist.playlist_id, title, mix, self._service.name, now, tracks)

    def _named(self, playlist: Playlist) -> str:
        """The existing playlist to use, unless another list has it."""
        taken = self._notes.taken(self._place, but=playlist.playlist_id) if self._into else ()
        return "" if self._into in taken and not self._insist else self._into


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Keys in order, and what has none."""

    keys: tuple[str, ...]
    labels: dict[str, str]
    unmatched: tuple[str, ...]
    replaced: int


class _Run:
    """One publication."""

    def __init__(
        self,
        service: PlaylistService,
        notes: PublishedLists,
        place: str,
        playlist: Playlist,
        *,
        dry_run: bool,
    ) -> None:
        self._service = service
        self._notes = notes
        self._place = place
        self._playlist = playlist
        self._dry_run = dry_run
        self._note = notes.read(place, playlist.playlist_id)
        self._begun = service.requests
        self._searched: dict[str, str | None] = {}
        self._refused: set[str] = set(self._note.greyed)
        self._first: list[str] | None = None

    def publish(self, named: str) -> PublishReport:
        """Try until the state that is read is the one that is wanted."""
        if named and named != self._note.remote_id:
            self._keep(Note(remote_id=named))
        fault: ServiceDownError | None = None
        for _ in range(_ROUNDS):
            try:
                report = self._round(named)
            except ServiceDownError as error:
                _log.info("%s: %s; looking again", self._service.name, error.message)
                fault = error
                continue
            if report is not None:
                return report
            fault = None
        raise fault or SinkError(
            f"the playlist at {self._service.name} keeps changing while it is written",
            cure="Does something else write to it? Run it again when that is done.",
        )

    def _round(self, named: str) -> PublishReport | None:
        """Read, compare, write, and look whether it is so; None: it has to be looked at again."""
        wanted = self._wanted()
        head = self._found(named)
        if head is None and self._dry_run:
            return self._report([], wanted, None, changed=True)
        if head is None:
            head = self._made()
        have = self._items(head)
        if self._first is None:
            self._first = have
        plan = self._service.plan(have, wanted.keys)
        title, description = self._title, self._description
        renamed = (head.title, unescape(head.description)) != (title, description)
        changed = bool(plan) or renamed or self._first != have
        if self._dry_run:
            return self._report(have, wanted, head, changed=changed)
        if renamed:
            self._service.describe(head.remote_id, title, description)
        if plan:
            self._keep(self._note.with_state("", ()))
            if not all(self._done(head.remote_id, edit) for edit in plan):
                return None
        if changed:
            return self._checked(head, wanted, written=bool(plan))
        self._keep(self._note.with_state(head.version, tuple(wanted.keys)))
        return self._report(have, wanted, head, changed=False)

    def _checked(self, head: Head, wanted: _Wanted, *, written: bool) -> PublishReport | None:
        seen = self._service.head(head.remote_id)
        if seen is None or seen.total not in (None, len(wanted.keys)):
            return None
        if written and self._found_grey(head, wanted):
            return None  # others stand for them in the next round, or they are left out
        self._keep(self._note.with_state(seen.version, wanted.keys))
        return self._report(self._first or [], wanted, seen, changed=True)

    def _found_grey(self, head: Head, wanted: _Wanted) -> bool:
        """Whether any track is there that the user cannot play; it is not written again."""
        if not isinstance(self._service, TellsPlayable):
            return False
        grey = self._service.unplayable(head.remote_id, wanted.keys)
        self._refused |= grey
        own = {self._service.key(track) for track in self._playlist.tracks}
        own |= set(self._note.matches.values())
        known = {key for key in self._note.greyed if key in own}
        self._keep(replace(self._note, greyed=tuple(sorted(known | grey))))
        return bool(grey)

    # --- which playlist it is -------------------------------------------------------------------

    def _found(self, named: str) -> Head | None:
        """The playlist as it is there; None: there is none yet."""
        if self._note.remote_id:
            head = self._service.head(self._note.remote_id)
            if head is not None:
                return head
            if named:
                raise SinkError(
                    f"there is no playlist {named} at {self._service.name}",
                    cure="Name one that is yours, or none to have one made.",
                )
        for head in self._service.own():
            if self._is_it(head):
                if not self._dry_run:
                    self._keep(replace(self._note, remote_id=head.remote_id, version=""))
                return head
        return None

    def _is_it(self, head: Head) -> bool:
        """By the mark; by title where an answer was lost before the mark could be set."""
        if self._mark in head.description:
            return True
        return bool(self._note.asked_for) and (
            (head.title, head.description, head.total) == (self._note.asked_for, "", 0)
        )

    def _made(self) -> Head:
        self._keep(replace(self._note, remote_id="", version="", asked_for=self._title))
        head = self._service.create(self._title, self._description)
        self._keep(replace(self._note, remote_id=head.remote_id, asked_for=""))
        return replace(head, total=0)

    @property
    def _mark(self) -> str:
        return f"[segue:{self._playlist.playlist_id}]"

    @property
    def _title(self) -> str:
        return one_line(self._playlist.title)[:_TITLE] or "Segue"

    @property
    def _description(self) -> str:
        words = one_line(" ".join((self._playlist.description, *self._playlist.notes)))
        room = _WORDS - len(self._mark) - 1
        short = words if len(words) <= room else words[: room - 1].rstrip() + "…"
        return f"{short} {self._mark}".strip()

    # --- what is in it --------------------------------------------------------------------------

    def _items(self, head: Head) -> list[str]:
        if head.total == 0:
            return []
        if head.version and head.version == self._note.version:
            return list(self._note.keys)
        return [item.key for item in self._service.items(head.remote_id)]

    def _done(self, remote_id: str, edit: Edit) -> bool:
        """Whether the edit was done as planned; items that are refused are remembered."""
        if not isinstance(edit, Add | Put):
            self._service.edit(remote_id, edit)
            return True
        at = edit.at if isinstance(edit, Add) else None
        refused = write(self._service, remote_id, edit.keys, at=at)
        self._refused |= set(refused)
        return not refused

    def _wanted(self) -> _Wanted:
        keys: dict[str, str] = {}
        unmatched, replaced = [], 0
        for track in self._playlist.tracks:
            key = self._key(track)
            if key is None:
                unmatched.append(_label(track))
            else:
                replaced += key != self._service.key(track)
                keys.setdefault(key, _label(track))
        return _Wanted(tuple(keys), keys, tuple(unmatched), replaced)

    def _key(self, track: PlaylistTrack) -> str | None:
        for key in (self._note.matches.get(track.track_id), self._service.key(track)):
            if key and key not in self._refused:
                return key
        if track.track_id not in self._searched and len(self._searched) < self._service.searches:
            found = self._service.look_for(track)
            self._searched[track.track_id] = None if found in self._refused else found
            if found and not self._dry_run:
                matches = {**self._note.matches, track.track_id: found}
                self._keep(replace(self._note, matches=matches))
        found = self._searched.get(track.track_id)
        return None if found in self._refused else found

    # --- keeping and telling --------------------------------------------------------------------

    def _keep(self, note: Note) -> None:
        if note != self._note and not self._dry_run:
            self._notes.write(self._place, self._playlist.playlist_id, note)
        self._note = note

    def _report(
        self, have: Sequence[str], wanted: _Wanted, head: Head | None, *, changed: bool
    ) -> PublishReport:
        gone, new = Counter(have), Counter(wanted.keys)
        added, removed = new - gone, gone - new
        return PublishReport(
            destination=self._service.address(head.remote_id) if head else self._service.name,
            tracks=len(wanted.keys),
            changed=changed,
            dry_run=self._dry_run,
            added=tuple(wanted.labels[key] for key in wanted.keys if key in added),
            removed=tuple(removed.elements()),
            kept=(new & gone).total(),
            unmatched=wanted.unmatched,
            replaced=wanted.replaced,
            requests=self._service.requests - self._begun,
            remote_id=head.remote_id if head else "",
        )


def _label(track: PlaylistTrack) -> str:
    return one_line(f"{', '.join(track.artists)} - {track.title}")
