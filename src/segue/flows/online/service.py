"""The service: who asks gets recommendations that know what happened a moment ago."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from segue.errors import SegueError, UnknownUserError
from segue.events.answers_ahead import MadeAhead
from segue.events.base import EventLog
from segue.events.profile_keeper import ProfileKeeper
from segue.events.recommended import Recommended
from segue.flows.event_consumers import CONSUMERS
from segue.flows.home_parts import AHEAD, EVENTS, LAKE, RECOMMENDED
from segue.flows.online.ad_hoc import somebody_who
from segue.flows.online.ahead import QUESTION, Ahead, FoundAhead
from segue.flows.online.answering import Answering
from segue.flows.online.answers import (
    FULL,
    Answer,
    Forgotten,
    FoundTrack,
    Health,
    Listened,
    TrackCard,
    UserCard,
    UserProfile,
)
from segue.flows.online.hurry import Hurry
from segue.flows.online.live import Counting
from segue.flows.online.moments import coarse, holds_for, moment_of
from segue.flows.online.people import FORGOTTEN, People, Somebody, forget_events, mark_of
from segue.flows.online.profiles import profile_of
from segue.flows.online.published_users import latest_users, published_user, published_users
from segue.flows.online.said_beside import SaidBeside
from segue.flows.online.shelf import Opened, Shelf
from segue.flows.pool import led_from_elsewhere
from segue.flows.wiring import Wiring
from segue.flows.wishes import Wishes
from segue.music import columns as c
from segue.music.feedback import UNDO
from segue.warehouse.beside import Beside

__all__ = ["Service"]

_log = logging.getLogger(__name__)

_LONG_ENOUGH: Final = timedelta(hours=1)
_SAID: Final = (c.TRACK_ID, c.VERB)
_NOBODY: Final = "Users are those with a history or events; see GET /users."


class Service:
    """Answers out of what was built and trained, and what the event log tells since.

    Thread-safe; one for each process. It only reads the log, so that several processes agree.

    Args:
        wiring: The data home.
        clock: The time, aware.

    Attributes:
        owed: Who asked the usual question and got less than a full answer.

    >>> service = Service.open(Wiring(settings), clock=lambda: datetime.now(UTC))
    ... # doctest: +SKIP
    >>> service.recommendations("ann", Wishes()).tracks[0].reason  # doctest: +SKIP
    'Close to the sound of “Blue” by Ann, which you played 12 times'
    """

    def __init__(self, wiring: Wiring, *, clock: Callable[[], datetime]) -> None:
        self._lock = wiring.lock  # as long as this is there, nobody has the home to themselves
        self.log: EventLog = wiring.events
        self.recommended = Recommended(wiring.home / EVENTS / RECOMMENDED)
        self._clock = clock
        self._consumers = CONSUMERS
        rules = wiring.settings.plays
        counting = Counting(
            counted=timedelta(milliseconds=rules.counted_ms),
            same=timedelta(seconds=rules.same_play_seconds),
        )
        self._beside = SaidBeside(wiring.home / LAKE, lambda: wiring.lake)
        self._people = People(self.log, counting, self._beside)
        self._answering = Answering(self.recommended, clock)
        self._ahead = Ahead(wiring.home / EVENTS / AHEAD, repr(counting))
        self.owed, self._makes_ahead = self._ahead.owed, wiring.settings.service.ahead > 0
        self._hurry = Hurry(self._answering, self._ahead)
        self.beside = Beside(wiring.snapshots.folder)
        self._shelf = Shelf(wiring.bundles, wiring.snapshots, self._try_out)

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
        or ten minutes have passed; a day for whoever did nothing for a day.

        Raises:
            NotReadyError: Nothing has been trained yet.
            UnknownTrackError: A seed is no track here.
        """
        opened = self._shelf.current()
        if answer := self._made_ahead(user_id, wishes, opened):
            return answer
        somebody = self._people.get(user_id, opened)
        moment = self._moment(somebody, opened)
        answer = self._answering.still(somebody, wishes, moment)
        return answer or self._answering.to_user(
            somebody,
            opened,
            wishes,
            moment,
            person=lambda: self._people.person(somebody, moment, opened),
        )

    def at_hand(self, user_id: str, wishes: Wishes) -> Answer | None:
        """The answer that `recommendations` would give, if it has been made already.

        It takes no longer than a look into the log; None: it must be made.

        Raises:
            NotReadyError: Nothing has been trained yet.
        """
        opened = self._shelf.current()
        somebody = self._people.at_hand(user_id, opened)
        if somebody is not None:
            moment = self._moment(somebody, opened)
            if answer := self._answering.still(somebody, wishes, moment):
                return answer
            if answer := self._answering.at_last(somebody, opened, wishes, moment):
                return answer
        return self._made_ahead(user_id, wishes, opened) if self.log.near else None

    def in_a_hurry(self, user_id: str, wishes: Wishes) -> Answer:
        """An answer for a fraction of the cost, for when there is no time to make them whole.

        What `recommendations` would say if that is known already; else what it said before
        something happened, without what fits no more; else a list by fewer steps (see
        `QuickMaking`). All that the user and the wishes rule out is left out of each.

        Raises:
            NotReadyError: Nothing has been trained yet.
            UnknownTrackError: A seed is no track here.
        """
        opened = self._shelf.current()
        if answer := self._made_ahead(user_id, wishes, opened):
            return answer
        somebody = self._people.get(user_id, opened)
        moment = self._moment(somebody, opened)
        answer = self._hurry.answer(
            somebody,
            opened,
            wishes,
            moment,
            person=lambda: self._people.person(somebody, moment, opened),
        )
        if answer.made != FULL and wishes == QUESTION and self._makes_ahead:
            self.owed.add(user_id)
        return answer

    def get_ready(self, user_id: str, asked: Sequence[Wishes]) -> None:
        """Have a user's answers to these questions at hand, for whenever they are asked.

        Nothing is noted: nobody was told anything yet.

        Raises:
            NotReadyError: Nothing has been trained yet.
        """
        opened = self._shelf.current()
        somebody = self._people.get(user_id, opened)
        moment = self._moment(somebody, opened)
        for wishes in asked:
            if wishes == QUESTION and self._found_ahead(user_id, opened) is not None:
                continue
            self._answering.get_ready(
                somebody,
                opened,
                wishes,
                moment,
                person=lambda: self._people.person(somebody, moment, opened),
            )

    def standing(self) -> Hashable | None:
        """While this is the same, no answer changes but by the time; None: that is not known.

        Raises:
            NotReadyError: Nothing has been trained yet.
        """
        opened, stamp = self._shelf.current(), self.log.stamp()
        return None if stamp is None else (opened.name, self._beside.turn, stamp)

    def recommend_for(self, listened: Sequence[Listened], wishes: Wishes) -> Answer:
        """What to play for whoever played or likes these; nobody is remembered.

        Tracks that are not known here are named in the notes.

        Raises:
            NotReadyError: Nothing has been trained yet.
            ConfigError: An entry cannot be used.
            UnknownTrackError: A seed is no track here.
        """
        opened = self._shelf.current()
        person, notes = somebody_who(listened, opened, coarse(self._clock()))
        told = repr(tuple(listened))
        return self._answering.to_nobody(opened, person, wishes, told=told, notes=notes)

    def similar(self, track_id: str, wishes: Wishes) -> Answer:
        """Tracks like one; of `wishes`, the mix and the seeds do not matter.

        Raises:
            NotReadyError: Nothing has been trained yet.
            UnknownTrackError: It is not in the catalogue.
        """
        opened = self._shelf.current()
        track = opened.bundle.catalogue.id_at(opened.tracks.row_of(track_id))
        person, _ = somebody_who((), opened, opened.bundle.trained_at)
        asked = replace(wishes, mix="similar", seeds=(track,))
        return self._answering.about(opened, person, asked)

    def make_ahead(self, user_id: str, *, owed: bool = False) -> MadeAhead | None:
        """The answer to the usual question, for `keep_ahead`; None where there is no use in it.

        That is: it is kept already, the user is not known, or did something so lately that the
        answer would hold for minutes only; or a recommender elsewhere would be asked for everybody.

        Args:
            owed: The user asks these minutes, and minutes are long enough.

        Raises:
            NotReadyError: Nothing has been trained yet.
        """
        opened = self._shelf.current()
        if led_from_elsewhere(opened.bundle) or self._found_ahead(user_id, opened) is not None:
            return None
        somebody = self._people.get(user_id, opened)
        latest, now = somebody.live.latest, self._clock()
        brief = not owed and latest is not None and holds_for(now, latest) < _LONG_ENOUGH
        if somebody.is_new or somebody.mark or brief:
            return None
        moment = self._moment(somebody, opened)
        person = self._people.person(somebody, moment, opened)
        return MadeAhead(
            user_id=user_id,
            position=somebody.live.position,
            said=somebody.said,
            latest=latest,
            last_played_at=somebody.last_played_at,
            moment=moment,
            body=self._answering.made(somebody, opened, QUESTION, moment, person=person).body,
        )

    def keep_ahead(self, answers: Sequence[MadeAhead]) -> None:
        """Keep answers of `make_ahead` for whichever process is asked.

        Raises:
            StorageError: They cannot be written.
        """
        self._ahead.put(self._shelf.current(), answers)

    def tidy_ahead(self, *, whole: bool = False) -> None:
        """Remove answers that were made of what is not published any more.

        Args:
            whole: Also those of what was published last before: not before there are newer ones.

        Raises:
            StorageError: They cannot be removed.
        """
        self._ahead.tidy(self._shelf.current(), whole=whole)

    @property
    def answers_with(self) -> str:
        """Name of the models and the snapshot that answer now; empty: nothing does."""
        with suppress(SegueError):
            return self._shelf.current().name
        return ""

    def lately_active(self, most: int) -> Sequence[str]:
        """Users with a published history, whoever played last before all others."""
        return latest_users(self._shelf.opened, most)

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
        person = self._people.person(somebody, self._moment(somebody, opened), opened)
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

    def said(self, user_id: str) -> Mapping[str, str]:
        """What a user said of tracks, and has not taken back: track id -> word.

        Raises:
            NotReadyError: Nothing has been trained yet.
        """
        words = self._people.get(user_id, self._shelf.current()).records.feedback
        told: dict[str, str] = {}
        for track, word in zip(*(words[name].to_pylist() for name in _SAID), strict=True):
            if track is not None:
                told.pop(track, None)
                if word != UNDO:
                    told[track] = word
        return told

    def genres(self) -> tuple[str, ...]:
        """The genres of the catalogue that most tracks have, the commonest first; 200 at most.

        Raises:
            NotReadyError: Nothing has been trained yet.
        """
        return self._shelf.current().tracks.genres

    def users(self, *, after: str = "", limit: int = 100) -> tuple[UserCard, ...]:
        """The next users behind one, by their ids."""
        published = published_users(self._shelf.opened, after, limit)
        live = set(self.log.keys(ProfileKeeper.name, after=after, limit=limit))
        cards = []
        for user_id in sorted(published.keys() | live):
            with suppress(UnknownUserError):  # forgotten
                cards.append(self.user(user_id))
        return tuple(cards[:limit])

    def user(self, user_id: str) -> UserCard:
        """A user, in short.

        Raises:
            UnknownUserError: Neither a history nor events are known of them.
        """
        row = published_user(self._shelf.opened, user_id)
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

        Other processes follow within a second.

        Raises:
            UnknownUserError: Neither a history nor events are known of them.
        """
        self.user(user_id)
        events = forget_events(self.log, user_id, self._clock())
        self._people.drop(user_id)
        self._answering.drop(user_id)
        self._hurry.drop(user_id)
        self._ahead.forget(user_id)
        self.beside.forget(user_id)
        self.recommended.forget(user_id)
        remains = ""
        if published_user(self._shelf.opened, user_id) is not None:
            remains = (
                "The imported history is not used any more, but is still in the lake, the "
                f"snapshots and the models; `segue forget --user {user_id}` removes it."
            )
        return Forgotten(user_id, events, remains)

    # --- the service itself ---------------------------------------------------------------------

    @property
    def opened(self) -> Opened:
        """The models and the history that answers are made of at this moment.

        Raises:
            NotReadyError: Nothing has been trained yet.
        """
        return self._shelf.current()

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
        lost = self.recommended.lost
        not_noted = f"{lost:,} recommendations were not noted: the disk is full or too slow."
        return Health(
            ready=ready and not silent,
            bundle=opened.bundle.name if opened else None,
            snapshot=opened.snapshot.name if opened else None,
            trained_at=opened.bundle.trained_at if opened else None,
            trouble=(*self._shelf.trouble, *silent, *([not_noted] if lost else [])),
            behind=behind,
        )

    def settled(self) -> None:
        """Wait until what is published and was said is read, and what was recommended is noted."""
        self._shelf.settled()
        self._beside.read()
        self.recommended.flush()

    def close(self) -> None:
        """Let go of the log; nothing is answered after this."""
        self.recommended.close()
        self._ahead.close()
        self.log.close()

    def _behind(self) -> tuple[Mapping[str, int], tuple[str, ...]]:
        """How much each consumer has yet to take; what is wrong, where the log cannot be read."""
        try:
            last = self.log.last()
            return {name: max(last - self.log.cursor(name), 0) for name in self._consumers}, ()
        except SegueError as error:
            _log.warning("the event log cannot be read: %s", error)
            return {}, ("events cannot be read at the moment",)  # anybody may ask for health

    def _made_ahead(self, user_id: str, wishes: Wishes, opened: Opened) -> Answer | None:
        """The answer that was made ahead, if it is still the one."""
        if wishes != QUESTION:
            return None
        found = self._found_ahead(user_id, opened)
        if found is None:
            return None
        if found.is_new:
            self._answering.note(found.answer, found.track_ids, user_id, opened)
        return found.answer

    def _found_ahead(self, user_id: str, opened: Opened) -> FoundAhead | None:
        """What was made ahead for a user of whom nothing else is known since."""
        found = self._ahead.find(opened, user_id)
        if found is None or self._holds(found.made, opened):
            return found
        if found.is_new:
            return None
        found = self._ahead.find(opened, user_id, again=True)  # another may have been made since
        return found if found is not None and self._holds(found.made, opened) else None

    def _holds(self, made: MadeAhead, opened: Opened) -> bool:
        """Whether an answer that was made ahead would be made again now."""
        moment = moment_of(
            self._clock(),
            latest=made.latest,
            last_played_at=made.last_played_at,
            otherwise=opened.bundle.trained_at,
        )
        return moment == made.moment and self._people.is_as_at(
            made.user_id, made.position, made.said
        )

    def _moment(self, somebody: Somebody, opened: Opened) -> datetime:
        """The moment that answers to a user are for."""
        return moment_of(
            self._clock(),
            latest=somebody.live.latest,
            last_played_at=somebody.last_played_at,
            otherwise=opened.bundle.trained_at,
        )

    def _try_out(self, opened: Opened) -> None:
        person, _ = somebody_who((), opened, opened.bundle.trained_at)
        self._answering.try_out(opened, person)
