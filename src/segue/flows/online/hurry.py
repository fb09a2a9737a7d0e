"""Answers for when there is no time to make whole ones: one of before, or a quick one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from segue.flows.listener import Person
from segue.flows.online.ahead import QUESTION, Ahead
from segue.flows.online.answering import Answering, name_of, playlist_of, seeds_of
from segue.flows.online.answers import BEFORE, QUICK, Answer, answer_of, what_is_left
from segue.flows.online.kept import Kept
from segue.flows.online.people import Somebody
from segue.flows.online.shelf import Opened
from segue.flows.pool import Known
from segue.flows.quick import QuickMaking
from segue.flows.wishes import Wishes

__all__ = ["Hurry"]

_MOST: Final = 4 << 20
_LEFT: Final = 2 / 3
"""An answer of before of which less is left holds no more."""


@dataclass(frozen=True, slots=True)
class _Given:
    """An answer and what it holds for."""

    version: str
    moment: datetime
    answer: Answer


class Hurry:
    """Answers that cost little; the same one comes again until something changes. Thread-safe.

    Args:
        answering: Makes whole ones, and remembers them.
        ahead: Has those that were made before anybody asked.
    """

    def __init__(self, answering: Answering, ahead: Ahead) -> None:
        self._answering = answering
        self._ahead = ahead
        self._kept: Kept[tuple[str, Wishes], _Given] = Kept(_MOST)

    def answer(
        self,
        somebody: Somebody,
        opened: Opened,
        wishes: Wishes,
        moment: datetime,
        *,
        person: Callable[[], Person],
    ) -> Answer:
        """The best that is known of a user without asking every recommender.

        Args:
            person: Sums the user up.
        """
        whole = self._answering.still(somebody, wishes, moment)
        if whole or (whole := self._answering.at_last(somebody, opened, wishes, moment)):
            return whole
        key = somebody.user_id, wishes
        kept = self._kept.get(key)
        if kept is not None and (kept.version, kept.moment) == (somebody.version, moment):
            return kept.answer
        answer, track_ids = self._made(somebody, opened, wishes, moment, person())
        self._kept.put(key, _Given(somebody.version, moment, answer), answer.size)
        self._answering.note(answer, track_ids, somebody.user_id, opened)
        return answer

    def drop(self, user_id: str) -> None:
        """Let go of the answers to a user."""
        self._kept.drop(lambda key: key[0] == user_id)

    def _made(
        self,
        somebody: Somebody,
        opened: Opened,
        wishes: Wishes,
        moment: datetime,
        person: Person,
    ) -> tuple[Answer, tuple[str, ...]]:
        user_id, version = somebody.user_id, somebody.version
        earlier = None if somebody.mark else self._earlier(user_id, wishes, opened)
        if earlier is not None:
            of = earlier.recommendation_id
            name = name_of(opened, user_id, wishes, version, moment, BEFORE, of)
            fitting = _fitting(opened, person, wishes, earlier)
            left, track_ids = what_is_left(earlier, fitting, name)
            if len(track_ids) >= max(1.0, _LEFT * wishes.size):
                return left, track_ids
        playlist = playlist_of(opened, person, wishes, by=QuickMaking)
        name = name_of(opened, user_id, wishes, version, moment, QUICK)
        answer = answer_of(playlist, name, user_id, made=QUICK)
        return answer, tuple(track.track_id for track in playlist.tracks)

    def _earlier(self, user_id: str, wishes: Wishes, opened: Opened) -> Answer | None:
        """What the user was told last, or would have been."""
        told = self._answering.earlier(user_id, wishes)
        if told is None and wishes == QUESTION:
            told = self._ahead.earlier(opened, user_id)
        return told


def _fitting(opened: Opened, person: Person, wishes: Wishes, earlier: Answer) -> frozenset[str]:
    bundle, seeds = opened.bundle, seeds_of(wishes, opened)
    making = QuickMaking(bundle, person, wishes, seeds, Known(bundle.catalogue))
    return making.fitting([track.track_id for track in earlier.tracks])
