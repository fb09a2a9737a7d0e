"""The service: who asks gets recommendations that know what happened a moment ago."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow.compute as pc

from segue.errors import NotReadyError, SegueError, UnknownUserError
from segue.events.base import EventLog
from segue.flows.event_consumers import consumers
from segue.flows.listener import Person
from segue.flows.online.ad_hoc import somebody_who
from segue.flows.online.answers import (
    Answer,
    Forgotten,
    FoundTrack,
    Health,
    Listened,
    TrackCard,
    UserCard,
    UserProfile,
    answer_of,
)
from segue.flows.online.live import Counting
from segue.flows.online.people import FORGOTTEN, People, Somebody, mark_of
from segue.flows.online.profiles import profile_of
from segue.flows.online.shelf import Opened, Shelf
from segue.flows.pool import Known
from segue.flows.recommend import Making, resolved
from segue.flows.wiring import Wiring
from segue.flows.wishes import Wishes
from segue.music import columns as c
from segue.music.playlist import Playlist

__all__ = ["Service"]

_log = logging.getLogger(__name__)

_COARSE: Final = timedelta(minutes=10)
_ANSWERS: Final = 20_000
_NOBODY: Final = "Users are those with a history or events; see GET /users."


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer and what it was made of."""

    version: str
    moment: datetime
    answer: Answer


class Service:
    """Answers out of what was built and trained, and what the event log tells since.

    Thread-safe; one for each process. It only reads the log, so that several processes agree.

    Args:
        wiring: The data home.
        clock: The time, aware.

    >>> service = Service.open(Wiring(settings), clock=lambda: datetime.now(UTC))
    ... # doctest: +SKIP
    >>> service.recommendations("ann", Wishes()).tracks[0].reason  # doctest: +SKIP
    'Close to the sound of “Blue” by Ann, which you played 12 times'
    """

    def __init__(self, wiring: Wiring, *, clock: Callable[[], datetime]) -> None:
        self.log: EventLog = wiring.events
        self._clock = clock
        self._consumers = tuple(one.name for one in consumers(wiring))
        self._shelf = Shelf(wiring.bundles, wiring.snapshots)
        rules = wiring.settings.plays
        counting = Counting(
            counted=timedelta(milliseconds=rules.counted_ms),
            same=timedelta(seconds=rules.same_play_seconds),
        )
        self._people = People(self.log, counting)
        self._answers: OrderedDict[tuple[str, Wishes], _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._making = threading.Lock()  # playlists are arithmetic: two at once would take turns

    @classmethod
    def open(cls, wiring: Wiring, *, clock: Callable[[], datetime]) -> Service:
        """Open what is published; where nothing is yet, `health` says so until there is."""
        service = cls(wiring, clock=clock)
        service._shelf.open()
        return service

    # --- recommendations ------------------------------------------------------------------------

    def recommendations(self, user_id: str, wishes: Wishes) -> Answer:
        """What to play next, for a user; somebody unknown gets what a stranger would.

        The same answer comes again until the user does something, something newer is published,
        or ten minutes have passed.

        Raises:
            NotReadyError: Nothing has been trained yet.
            UnknownTrackError: A seed is no track here.
        """
        opened = self._shelf.current()
        somebody = self._people.get(user_id, opened)
        if (answer := self._still(somebody, opened, wishes)) is not None:
            return answer
        moment = self._moment(somebody, opened)
        key = (user_id, wishes)
        answer = self._made(opened, somebody.as_of(moment, opened), wishes, user_id, somebody)
        with self._lock:
            self._answers[key] = _Kept(somebody.version, moment, answer)
            self._answers.move_to_end(key)
            while len(self._answers) > _ANSWERS:
                self._answers.popitem(last=False)
        return answer

    def at_hand(self, user_id: str, wishes: Wishes) -> Answer | None:
        """The answer that `recommendations` would give, if it has been made already.

        It takes no longer than a look into the log; None: it must be made.

        Raises:
            NotReadyError: Nothing has been trained yet.
        """
        if (user_id, wishes) not in self._answers:
            return None
        opened = self._shelf.current()
        somebody = self._people.at_hand(user_id, opened)
        return None if somebody is None else self._still(somebody, opened, wishes)

    def recommend_for(self, listened: Sequence[Listened], wishes: Wishes) -> Answer:
        """What to play for whoever played or likes these; nobody is remembered.

        Tracks that are not known here are named in the notes.

        Raises:
            NotReadyError: Nothing has been trained yet.
            ConfigError: An entry cannot be used.
            UnknownTrackError: A seed is no track here.
        """
        opened = self._shelf.current()
        moment = _coarse(self._clock())
        person, notes = somebody_who(listened, opened, moment)
        return self._made(opened, person, wishes, None, tuple(listened), notes)

    def similar(self, track_id: str, wishes: Wishes) -> Answer:
        """Tracks like one; of `wishes`, the mix and the seeds do not matter.

        Raises:
            NotReadyError: Nothing has been trained yet.
            UnknownTrackError: It is not in the catalogue.
        """
        opened = self._shelf.current()
        track = opened.bundle.catalogue.ids([opened.tracks.row_of(track_id)])[0]
        person, _ = somebody_who((), opened, opened.bundle.trained_at)
        return self._made(opened, person, replace(wishes, mix="similar", seeds=(track,)), None)

    # --- tracks and users -----------------------------------------------------------------------

    def profile(self, user_id: str) -> UserProfile:
        """What a user is like, as of this moment.

        Raises:
            NotReadyError: Nothing has been trained yet.
            UnknownUserError: Neither a history nor events are known of them.
        """
        opened = self._shelf.current()
        somebody = self._people.get(user_id, opened)
        if somebody.is_new:
            raise UnknownUserError(user_id, cure=_NOBODY)
        person = somebody.as_of(self._moment(somebody, opened), opened)
        return profile_of(person, opened.bundle.catalogue, user_id)

    def search(self, text: str, limit: int = 20) -> tuple[FoundTrack, ...]:
        """Tracks by title and artist as somebody types them, best first.

        Raises:
            NotReadyError: Nothing has been trained yet.
        """
        return self._shelf.current().tracks.search(text, limit)

    def track(self, track_id: str) -> TrackCard:
        """All that is known of a track.

        Raises:
            NotReadyError: Nothing has been trained yet.
            UnknownTrackError: It is not in the catalogue.
        """
        return self._shelf.current().tracks.card(track_id)

    def users(self, *, after: str = "", limit: int = 100) -> tuple[UserCard, ...]:
        """The next users behind one, by their ids."""
        ids = set(self._published_users(pc.field(c.USER_ID) > after)) | set(
            self.log.keys(self._consumers[0], after=after, limit=limit)
        )
        return tuple(self.user(user_id) for user_id in sorted(ids)[:limit])

    def user(self, user_id: str) -> UserCard:
        """A user, in short.

        Raises:
            UnknownUserError: Neither a history nor events are known of them.
        """
        row = self._published_users(pc.field(c.USER_ID) == user_id).get(user_id)
        if self.log.state(FORGOTTEN, mark_of(user_id)) is not None:
            row = None
        live = bool(self.log.of_user(user_id, limit=1))
        if row is None and not live:
            raise UnknownUserError(user_id, cure=_NOBODY)
        row = row or {}
        return UserCard(
            user_id=user_id,
            plays=row.get(c.PLAYS) or 0,
            first_played_at=row.get(c.FIRST_PLAYED_AT),
            last_played_at=row.get(c.LAST_PLAYED_AT),
            live=live,
        )

    def forget(self, user_id: str) -> Forgotten:
        """Forget a user's events and what was made of them; the published history counts no more.

        Raises:
            UnknownUserError: Neither a history nor events are known of them.
        """
        self.user(user_id)
        now = self._clock().astimezone(UTC)
        self.log.advance(
            FORGOTTEN,
            int(now.timestamp() * 1e6),
            state={mark_of(user_id): now.isoformat().encode()},
        )
        events = self.log.forget(user_id)
        self._people.drop(user_id)
        with self._lock:
            for key in [key for key in self._answers if key[0] == user_id]:
                del self._answers[key]
        remains = ""
        if user_id in self._published_users(pc.field(c.USER_ID) == user_id):
            remains = (
                "The imported history is not used any more, but is still in the lake, the "
                f"snapshots and the models; `segue forget --user {user_id}` removes it."
            )
        return Forgotten(user_id, events, remains)

    # --- the service itself ---------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether there is anything to answer with."""
        with suppress(SegueError):
            self._shelf.current()
        return self._shelf.opened is not None

    def health(self) -> Health:
        """Whether it can answer, and with what."""
        ready, opened = self.ready, self._shelf.opened
        behind, silent = self._behind()
        return Health(
            ready=ready and silent is None,
            bundle=opened.bundle.name if opened else None,
            snapshot=opened.snapshot.name if opened else None,
            trained_at=opened.bundle.trained_at if opened else None,
            trouble=tuple(filter(None, [self._shelf.trouble, silent])),
            behind=behind,
        )

    def close(self) -> None:
        """Let go of the log; nothing is answered after this."""
        self._shelf.close()
        self.log.close()

    # --- how ------------------------------------------------------------------------------------

    def _behind(self) -> tuple[Mapping[str, int], str | None]:
        """How much each consumer has yet to take; what is wrong, where the log cannot be read."""
        try:
            last = self.log.last()
            return {name: max(last - self.log.cursor(name), 0) for name in self._consumers}, None
        except SegueError as error:
            _log.warning("the event log cannot be read: %s", error)
            return {}, "events cannot be read at the moment"  # anybody may ask for health

    def _still(self, somebody: Somebody, opened: Opened, wishes: Wishes) -> Answer | None:
        """The answer of before, if it still holds."""
        kept = self._answers.get((somebody.user_id, wishes))
        if kept is None or kept.version != somebody.version:
            return None
        return kept.answer if kept.moment == self._moment(somebody, opened) else None

    def _moment(self, somebody: Somebody, opened: Opened) -> datetime:
        """The moment that answers are for.

        Without events it is just after the last play that is published: an old export is not a
        pile of forgotten tracks. With events it is now, to ten minutes, so that an answer holds
        for a while.
        """
        latest = somebody.live.latest
        if latest is not None:
            return max(_coarse(self._clock()), latest + timedelta(seconds=1))
        if somebody.last_played_at is not None:
            return somebody.last_played_at + timedelta(seconds=1)
        return opened.bundle.trained_at

    def _made(
        self,
        opened: Opened,
        person: Person,
        wishes: Wishes,
        user_id: str | None,
        state: Any = None,
        notes: tuple[str, ...] = (),
    ) -> Answer:
        bundle = opened.bundle
        with self._making:
            seeds = resolved(wishes.seeds, bundle, opened.snapshot)
            asked = wishes
            if wishes.mix == "rediscover" and not person.listener.heard:
                asked = replace(wishes, mix="discover")
                notes = (*notes, "Nothing is known yet that could be rediscovered.")
            making = Making(bundle, person, asked, seeds, Known(bundle.catalogue))
            try:
                playlist = making.playlist()
            except NotReadyError as error:
                playlist = _empty(person, asked, str(error))
        playlist = replace(playlist, notes=(*notes, *playlist.notes))
        version = state.version if isinstance(state, Somebody) else repr(state)
        told = f"{opened.name}\x1f{user_id}\x1f{version}\x1f{wishes!r}\x1f{person.now.isoformat()}"
        name = "r" + hashlib.sha256(told.encode()).hexdigest()[:24]
        return answer_of(playlist, name, user_id)

    def _published_users(self, wanted: pc.Expression) -> dict[str, dict[str, Any]]:
        opened = self._shelf.opened
        if opened is None:
            return {}
        columns = [c.USER_ID, c.PLAYS, c.FIRST_PLAYED_AT, c.LAST_PLAYED_AT]
        rows = opened.snapshot.read("users", columns=columns, filters=wanted).to_pylist()
        return {row[c.USER_ID]: row for row in rows}


def _coarse(now: datetime) -> datetime:
    """The beginning of these ten minutes."""
    return (
        datetime.min.replace(tzinfo=UTC)
        + (now - datetime.min.replace(tzinfo=UTC)) // _COARSE * _COARSE
    )


def _empty(person: Person, wishes: Wishes, why: str) -> Playlist:
    return Playlist(
        playlist_id="",
        title="",
        description="",
        user_id=person.user_id,
        made_at=person.now.astimezone(UTC),
        tracks=(),
        notes=(why,),
        mix=wishes.mix,
    )
