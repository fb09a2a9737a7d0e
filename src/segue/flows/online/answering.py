"""Makes answers, and keeps them while they hold."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from segue.errors import NotReadyError
from segue.events.recommended import Recommendation, Recommended
from segue.flows.listener import Person
from segue.flows.making import Making
from segue.flows.online.answers import Answer, answer_of
from segue.flows.online.kept import Kept
from segue.flows.online.people import Somebody
from segue.flows.online.shelf import Opened
from segue.flows.pool import Known
from segue.flows.recommend import resolved
from segue.flows.wishes import Wishes
from segue.music.playlist import Playlist

__all__ = ["Answering", "name_of", "playlist_of", "seeds_of"]

_MOST: Final = 16 << 20
_READY: Final = 4 << 20
_TURN_S: Final = 0.002  # whoever waits to be answered comes before the next that is made ahead
_NOTHING_LOVED: Final = "Nothing is known yet that could be rediscovered."


@dataclass(frozen=True, slots=True)
class _Made:
    """An answer and what it was made of."""

    version: str
    moment: datetime
    answer: Answer


class Answering:
    """Answers to users, to ad-hoc questions and about tracks.

    The same answer comes again as long as nothing has changed that it is made of. Answers are made
    one at a time: two at once would only take turns. Thread-safe.

    Args:
        recommended: Where it is noted what users were told.
        clock: The time, aware.
        most_bytes: Of answers that are kept.
    """

    def __init__(
        self, recommended: Recommended, clock: Callable[[], datetime], *, most_bytes: int = _MOST
    ) -> None:
        self._recommended = recommended
        self._clock = clock
        self._kept: Kept[tuple[str | None, Wishes], _Made] = Kept(most_bytes)
        self._ready: Kept[tuple[str | None, Wishes], tuple[_Made, tuple[str, ...]]] = Kept(_READY)
        self._making = threading.Lock()

    def still(self, somebody: Somebody, wishes: Wishes, moment: datetime) -> Answer | None:
        """The answer of before, if it still holds."""
        return self._again((somebody.user_id, wishes), somebody.version, moment)

    def earlier(self, user_id: str, wishes: Wishes) -> Answer | None:
        """The answer of before, whether or not it still holds."""
        made = self._kept.get((user_id, wishes))
        return None if made is None else made.answer

    def at_last(
        self, somebody: Somebody, opened: Opened, wishes: Wishes, moment: datetime
    ) -> Answer | None:
        """What was got ready for a user, given to them now; None: nothing that holds was."""
        found = self._got_ready(somebody, wishes, moment)
        return None if found is None else self._given(found, somebody, opened, wishes)

    def to_user(
        self,
        somebody: Somebody,
        opened: Opened,
        wishes: Wishes,
        moment: datetime,
        *,
        person: Callable[[], Person],
    ) -> Answer:
        """An answer to a user.

        Args:
            person: Sums the user up, which takes its time.
        """
        key = somebody.user_id, wishes
        found = self._got_ready(somebody, wishes, moment)
        if found is None:
            with self._making:
                if answer := self._again(key, somebody.version, moment):
                    return answer  # somebody else asked the same meanwhile
                found = self._got_ready(somebody, wishes, moment) or self._made(
                    somebody, opened, wishes, moment, person=person()
                )
        return self._given(found, somebody, opened, wishes)

    def _given(
        self,
        found: tuple[_Made, tuple[str, ...]],
        somebody: Somebody,
        opened: Opened,
        wishes: Wishes,
    ) -> Answer:
        """An answer that a user is told from now on."""
        made, track_ids = found
        self._kept.put((somebody.user_id, wishes), made, made.answer.size)
        self.note(made.answer, track_ids, somebody.user_id, opened)
        return made.answer

    def _got_ready(
        self, somebody: Somebody, wishes: Wishes, moment: datetime
    ) -> tuple[_Made, tuple[str, ...]] | None:
        found = self._ready.get((somebody.user_id, wishes))
        if found is None or (found[0].version, found[0].moment) != (somebody.version, moment):
            return None
        return found

    def get_ready(
        self,
        somebody: Somebody,
        opened: Opened,
        wishes: Wishes,
        moment: datetime,
        *,
        person: Callable[[], Person],
    ) -> None:
        """Have an answer at hand before it is asked for; until then nobody was told it."""
        with self._making:
            if self.still(somebody, wishes, moment) is None:
                made = self._made(somebody, opened, wishes, moment, person=person())
                self._ready.put((somebody.user_id, wishes), made, made[0].answer.size)
        time.sleep(_TURN_S)

    def made(
        self,
        somebody: Somebody,
        opened: Opened,
        wishes: Wishes,
        moment: datetime,
        *,
        person: Person,
    ) -> Answer:
        """The same answer, given to nobody yet."""
        return self._made(somebody, opened, wishes, moment, person=person)[0].answer

    def _made(
        self,
        somebody: Somebody,
        opened: Opened,
        wishes: Wishes,
        moment: datetime,
        *,
        person: Person,
    ) -> tuple[_Made, tuple[str, ...]]:
        """A new answer, and its tracks."""
        playlist = playlist_of(opened, person, wishes)
        name = name_of(opened, somebody.user_id, wishes, somebody.version, moment)
        answer = answer_of(playlist, name, somebody.user_id)
        track_ids = tuple(track.track_id for track in playlist.tracks)
        return _Made(somebody.version, moment, answer), track_ids

    def note(
        self, answer: Answer, track_ids: tuple[str, ...], user_id: str, opened: Opened
    ) -> None:
        """Remember what a user is told."""
        self._recommended.note(
            Recommendation(
                recommendation_id=answer.recommendation_id,
                user_id=user_id,
                made_at=answer.made_at,
                told_at=self._clock().astimezone(UTC),
                mix=answer.mix,
                made_of=opened.name,
                track_ids=track_ids,
            )
        )

    def about(self, opened: Opened, person: Person, wishes: Wishes) -> Answer:
        """An answer that is the same for anybody, such as tracks that are like one."""
        key = None, wishes
        if answer := self._again(key, opened.name, person.now):
            return answer
        answer = self.to_nobody(opened, person, wishes, told="")
        self._kept.put(key, _Made(opened.name, person.now, answer), answer.size)
        return answer

    def to_nobody(
        self,
        opened: Opened,
        person: Person,
        wishes: Wishes,
        *,
        told: str,
        notes: tuple[str, ...] = (),
    ) -> Answer:
        """An answer to somebody who is not remembered, and neither is the answer.

        Args:
            told: What they said of themselves.
        """
        with self._making:
            playlist = playlist_of(opened, person, wishes)
        playlist = replace(playlist, notes=(*notes, *playlist.notes))
        return answer_of(playlist, name_of(opened, None, wishes, told, person.now), None)

    def try_out(self, opened: Opened, person: Person) -> None:
        """Have everything at hand that answers are made of, before anybody waits for it.

        Others are answered meanwhile: it is not what they are answered with.
        """
        playlist_of(opened, person, Wishes())

    def drop(self, user_id: str) -> None:
        """Let go of the answers to a user."""
        self._kept.drop(lambda key: key[0] == user_id)
        self._ready.drop(lambda key: key[0] == user_id)

    def _again(
        self, key: tuple[str | None, Wishes], version: str, moment: datetime
    ) -> Answer | None:
        made = self._kept.get(key)
        if made is None or made.version != version or made.moment != moment:
            return None
        return made.answer


def playlist_of(
    opened: Opened, person: Person, wishes: Wishes, *, by: type[Making] = Making
) -> Playlist:
    """A playlist; where none can be made, an empty one that says why.

    Args:
        by: How it is made.
    """
    bundle, notes = opened.bundle, tuple[str, ...]()
    seeds = seeds_of(wishes, opened)
    if wishes.mix == "rediscover" and not person.listener.heard:
        wishes, notes = replace(wishes, mix="discover"), (_NOTHING_LOVED,)
    try:
        playlist = by(bundle, person, wishes, seeds, Known(bundle.catalogue)).playlist()
    except NotReadyError as error:
        playlist = _empty(person, wishes, str(error))
    return replace(playlist, notes=(*notes, *playlist.notes))


def seeds_of(wishes: Wishes, opened: Opened) -> tuple[str, ...]:
    """The tracks that a wish starts from, each once.

    Raises:
        UnknownTrackError: One is no track here.
    """
    return tuple(dict.fromkeys(_seed(text, opened) for text in wishes.seeds))


def _seed(text: str, opened: Opened) -> str:
    """The track that is meant; what is an id already is not looked for by name."""
    known = opened.tracks.id_of(text)
    if opened.bundle.catalogue.rows([known])[0] >= 0:
        return known
    return resolved([text], opened.bundle, opened.snapshot)[0]


def name_of(
    opened: Opened,
    user_id: str | None,
    wishes: Wishes,
    told: str,
    moment: datetime,
    *made: str,
) -> str:
    """The same for the same answer, in whichever process it is made.

    Args:
        made: How, and of what, where it was not by all that there is.
    """
    made_of = (opened.name, user_id, told, repr(wishes), moment.isoformat(), *made)
    return "r" + hashlib.sha256(repr(made_of).encode()).hexdigest()[:24]


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
