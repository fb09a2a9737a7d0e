"""What a service can be asked: who is asked about, how many at a time, what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from segue.errors import ServiceDownError
from segue.flows.enriching.knowledge import Knowledge, Thing
from segue.music import columns as c
from segue.music.lake_tables import name_ref

__all__ = [
    "Found",
    "Kind",
    "Question",
    "Service",
    "listed",
    "number",
    "strange",
    "text",
    "track_row",
]

_NOTHING_FOUND_DAYS: Final = 30

Question = tuple[str, Thing]
"""What is asked, in the service's words, and the track it is asked about."""


@dataclass
class Found:
    """What a service told.

    Args:
        answers: Rows of the lake's table `answers`, as far as the service says.
        catalogue: Rows of its `catalogue`.
        tags: Rows of its `artist_tags`.
    """

    answers: list[dict[str, Any]] = field(default_factory=list)
    catalogue: list[dict[str, Any]] = field(default_factory=list)
    tags: list[dict[str, Any]] = field(default_factory=list)

    def answer(
        self,
        question: Question,
        row: Mapping[str, Any] | None = None,
        position: int = 0,
        *,
        facts: Sequence[str] = (),
    ) -> None:
        """One row that answers a question.

        Args:
            facts: What is known of the track now; see `FACTS`.
        """
        asked, thing = question
        told = {c.ASKED: asked, c.SUBJECT_REF: thing.ref, c.POSITION: position}
        self.answers.append({**told, c.FACTS: list(facts) or None, **(row or {})})

    def like(
        self, question: Question, position: int, score: float, catalogue: str, **row: Any
    ) -> None:
        """A track that is like the one that was asked about, and which enters the catalogue."""
        told = track_row(**row)
        self.answer(question, {**told, c.SCORE: min(1.0, score)}, position)
        self.catalogue.append({c.CATALOGUE: catalogue, **told})


@dataclass(frozen=True)
class Kind:
    """One sort of question.

    Args:
        name: What it is called in the lake.
        batch: Questions in one request.
        fresh_days: So long an answer is good.
        wanted: The questions worth asking, most wanted first; those answered already among them.
        ask: Asks some of them.
        requests: For each request that `ask` is one of.
    """

    name: str
    batch: int
    fresh_days: int
    wanted: Callable[[Knowledge], Iterable[Question]]
    ask: Callable[[Sequence[Question]], Found]
    requests: int = 1

    def open(self, source: str, known: Knowledge, now: datetime) -> Iterator[Question]:
        """Those that nobody has answered, or not for long; each once."""
        seen = set()
        for asked, thing in self.wanted(known):
            told_at, found = known.asked.get((source, self.name, asked), (None, False))
            days = self.fresh_days if found else min(self.fresh_days, _NOTHING_FOUND_DAYS)
            if asked in seen or (told_at is not None and now - told_at < timedelta(days=days)):
                continue
            seen.add(asked)
            yield asked, thing


class Service(Protocol):
    """An open service."""

    source: str
    """The value of the `source` column."""

    apart_s: float
    """Seconds between two requests, for saying how long it takes."""

    @property
    def requests(self) -> int:
        """How many were made so far."""

    @property
    def kinds(self) -> Sequence[Kind]:
        """What it can be asked, in the order in which one leads to another."""


def track_row(
    *, title: str, artist: str, mbid: str | None = None, uri: str | None = None, **more: Any
) -> dict[str, Any]:
    """The columns that say which track it is, by the best identity there is."""
    ref = uri or (f"mbid:{mbid}" if mbid else name_ref(artist, title))
    return {
        c.TRACK_REF: ref,
        c.TITLE: title or None,
        c.ARTIST: artist or None,
        c.RECORDING_MBID: mbid,
        c.SPOTIFY_URI: uri,
        **more,
    }


def strange(service: str) -> ServiceDownError:
    """The error where an answer is something else."""
    return ServiceDownError(
        f"{service} answered with something else", service=service, cure="Run it again later."
    )


def listed(told: Any, *keys: str) -> list[Mapping[str, Any]]:
    """The objects in a list that lies in an answer; a single one is a list of one."""
    for key in keys:
        told = told.get(key) if isinstance(told, Mapping) else None
    rows = told if isinstance(told, list) else [told]
    return [row for row in rows if isinstance(row, Mapping)]


def text(value: Any) -> str:
    """A text without blanks around it; anything else is empty."""
    return value.strip() if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    """A finite number, or a text with one."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if abs(found) < 1e15 else None
