"""Enrich: ask open services what a history does not tell, and keep every answer in the lake."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from segue.errors import BlockedError, ConfigError, SegueError, ServiceDownError, UnknownUserError
from segue.flows.enriching.knowledge import Coverage, Knowledge
from segue.flows.enriching.open import SOURCES, open_service
from segue.flows.enriching.questions import Found, Kind, Question, Service
from segue.flows.wiring import Wiring
from segue.music import columns as c
from segue.music.lake_tables import ANSWERS, ARTIST_TAGS, CATALOGUE, REJECTS, LakeTable
from segue.progress import Progress, Silent
from segue.warehouse.lake import Lake
from segue.warehouse.snapshots import Snapshot

__all__ = ["EnrichReport", "Enriched", "Plan", "enrich", "plan"]

_log = logging.getLogger(__name__)

_KEPT_EVERY: Final = 50
_FAILURES: Final = 3
_TRACK_COLUMNS: Final = (
    c.TRACK_ID,
    c.TITLE,
    c.ARTIST,
    c.ARTISTS,
    c.SPOTIFY_URI,
    c.RECORDING_MBID,
    c.ISRC,
    c.ENERGY,
    c.GENRES,
    c.YEAR,
    c.POPULARITY,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one sort of question would take.

    Args:
        source: The service.
        kind: What is asked.
        questions: That nobody has answered yet; more may follow from the answers.
        requests: That they take.
        seconds: How long that takes.
        days: How many days' budgets that takes.
    """

    source: str
    kind: str
    questions: int
    requests: int
    seconds: float
    days: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "source": self.source,
            "kind": self.kind,
            "questions": self.questions,
            "requests": self.requests,
            "seconds": round(self.seconds, 1),
            "days": self.days,
        }


@dataclass(frozen=True, slots=True)
class Enriched:
    """What came of one service.

    Args:
        asked: Questions that were answered, or to which it knows no answer.
        found: Those to which it knew one.
        requests: How many were made.
        left: Questions that are open still.
        until: The day's budget is used: the rest from this moment on. None: it is not.
        error: What else stopped it; what was answered before is kept.
    """

    source: str
    asked: int = 0
    found: int = 0
    requests: int = 0
    left: int = 0
    until: datetime | None = None
    error: SegueError | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "source": self.source,
            "asked": self.asked,
            "found": self.found,
            "requests": self.requests,
            "left": self.left,
            "until": None if self.until is None else self.until.isoformat(),
            "error": None if self.error is None else self.error.message,
        }


@dataclass(frozen=True, slots=True)
class EnrichReport:
    """What one run brought; it counts from the next `segue build` on.

    Args:
        before: What was known when it began.
        after: What is known now.
    """

    user_id: str
    sources: tuple[Enriched, ...]
    before: Coverage
    after: Coverage

    @property
    def failed(self) -> tuple[Enriched, ...]:
        """Services that were stopped by an error; a budget that is used is none."""
        return tuple(one for one in self.sources if one.error is not None)

    @property
    def left(self) -> int:
        """Questions that are open still."""
        return sum(one.left for one in self.sources)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "user": self.user_id,
            "sources": [one.as_dict() for one in self.sources],
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
        }


def enrich(
    wiring: Wiring,
    *,
    clock: Callable[[], datetime],
    sources: Sequence[str] = (),
    user_id: str | None = None,
    requests: int | None = None,
    progress: Progress | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> EnrichReport:
    """Ask some services about a user's tracks, the dearest first, and keep the answers.

    Answers and what was asked go into the lake in one commit, so that a run that is killed goes on
    where it was, and nothing is asked twice within its time.

    Args:
        clock: The time, aware UTC.
        sources: Services to ask; default: the setting `enrich.sources`.
        user_id: Whose tracks; default: the setting.
        requests: To each service in this run; default: the setting.
        pause: Waits for so many seconds between two requests.

    Raises:
        ConfigError: No service is named, or one lacks a setting.
        NotReadyError: Nothing was built yet.
        UnknownUserError: The user has no plays.
        BusyError: Something else is writing to the lake.
    """
    progress, user = progress or Silent(), user_id or wiring.settings.user_id
    services = _opened(wiring, sources, clock, pause, user)
    known = _knowledge(wiring, user)
    before = known.coverage()
    most = requests or wiring.settings.enrich.requests
    found = tuple(
        _Asking(service, known, wiring.lake, user, clock, most, progress).run()
        for service in services
    )
    return EnrichReport(user, found, before, known.coverage())


def plan(
    wiring: Wiring,
    *,
    clock: Callable[[], datetime],
    sources: Sequence[str] = (),
    user_id: str | None = None,
) -> tuple[Plan, ...]:
    """What would be asked, and how long that takes; nothing is asked.

    Raises:
        ConfigError: No service is named, or one lacks a setting.
        NotReadyError: Nothing was built yet.
        UnknownUserError: The user has no plays.
    """
    user = user_id or wiring.settings.user_id
    services = _opened(wiring, sources, clock, time.sleep, user)
    known = _knowledge(wiring, user)
    found = []
    for service in services:
        budget = wiring.settings.section(service.source)["requests_per_day"]
        for kind in service.kinds:
            questions = sum(1 for _ in kind.open(service.source, known, clock()))
            needed = -(-questions // kind.batch) * kind.requests
            days = -(-needed // budget)
            found.append(
                Plan(service.source, kind.name, questions, needed, needed * service.apart_s, days)
            )
    return tuple(found)


def _opened(
    wiring: Wiring,
    sources: Sequence[str],
    clock: Callable[[], datetime],
    pause: Callable[[float], None],
    user: str,
) -> list[Service]:
    wanted = tuple(dict.fromkeys(sources)) or wiring.settings.enrich.sources
    if not wanted:
        raise ConfigError(
            "no service may be asked about your tracks yet",
            field="enrich.sources",
            cure=f"Choose with --source or SEGUE_ENRICH__SOURCES among: {', '.join(SOURCES)}. They"
            " learn titles and artists you play, and, of ListenBrainz, your name there.",
        )
    return [open_service(wiring, name, clock, pause, user) for name in wanted]


def _knowledge(wiring: Wiring, user: str) -> Knowledge:
    """What the snapshot and the lake know."""
    told = wiring.settings.enrich
    snapshot = wiring.snapshots.current()
    known = Knowledge(told.seeds, told.tracks)
    known.add_mine(*_of_user(snapshot, user))
    answers = wiring.lake.rows(ANSWERS.name).sort_by(c.TOLD_AT)
    for row in answers.filter(pc.equal(answers[c.USER_ID], user)).to_pylist():
        known.learn(row)
    return known


def _of_user(snapshot: Snapshot, user: str) -> tuple[list[dict[str, Any]], frozenset[str]]:
    """The user's tracks with their plays and references, and which of them are saved."""
    mine = [(c.USER_ID, "==", user)]
    counts = snapshot.read("user_track_counts", columns=[c.TRACK_ID, c.PLAYS], filters=mine)
    if not counts.num_rows:
        raise UnknownUserError(user, cure="Import a history and run `segue build` first.")
    library = snapshot.read("library", columns=[c.TRACK_ID, c.KIND], filters=mine)
    saved = library.filter(pc.equal(library[c.KIND], "saved_track"))[c.TRACK_ID].drop_null()
    ids = counts[c.TRACK_ID].combine_chunks()
    tracks = snapshot.read("tracks", columns=list(_TRACK_COLUMNS))
    tracks = tracks.filter(pc.is_in(tracks[c.TRACK_ID], value_set=ids))
    refs = _references(snapshot, ids)
    plays = dict(zip(ids.to_pylist(), counts[c.PLAYS].to_pylist(), strict=True))
    rows = [
        {**row, c.PLAYS: plays[row[c.TRACK_ID]], "ref": refs[row[c.TRACK_ID]]}
        for row in tracks.to_pylist()
        if row[c.TRACK_ID] in refs and row[c.TITLE] and (row[c.ARTIST] or row[c.ARTISTS])
    ]
    return rows, frozenset(saved.to_pylist())


def _references(snapshot: Snapshot, ids: pa.Array) -> dict[str, str]:
    """What each track is called in the lake: of several names the first."""
    columns = [c.TRACK_REF, c.TRACK_ID, "in_history"]
    matches = snapshot.read("track_matches", columns=columns)
    wanted = pc.and_(matches["in_history"], pc.is_in(matches[c.TRACK_ID], value_set=ids))
    first = matches.filter(wanted).group_by(c.TRACK_ID).aggregate([(c.TRACK_REF, "min")])
    return dict(
        zip(first[c.TRACK_ID].to_pylist(), first[f"{c.TRACK_REF}_min"].to_pylist(), strict=True)
    )


@dataclass
class _Asking:
    """One service in one run."""

    service: Service
    known: Knowledge
    lake: Lake
    user_id: str
    clock: Callable[[], datetime]
    most: int
    progress: Progress

    def run(self) -> Enriched:
        """Ask until nothing is open, or nothing more may be asked."""
        self._begun = self._kept_at = self.service.requests
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._report = Enriched(self.service.source)
        self.progress.start(f"Asking {self.service.source}", float(self.most), "requests")
        try:
            for kind in self.service.kinds:
                self._ask_all(kind)
        except BlockedError as error:
            if error.reason == "budget":
                self._report = replace(self._report, until=error.until)
            else:
                self._report = replace(self._report, error=error)
        except SegueError as error:
            self._report = replace(self._report, error=error)
        finally:
            self._keep()
        now = self.clock()
        left = sum(
            1
            for kind in self.service.kinds
            for _ in kind.open(self.service.source, self.known, now)
        )
        requests = self.service.requests - self._begun
        self._report = replace(self._report, requests=requests, left=left)
        self.progress.done(f"{self._report.found:,} of {self._report.asked:,} answered")
        _log.info(
            "%s: %d questions, %d requests", self.service.source, self._report.asked, requests
        )
        return self._report

    def _ask_all(self, kind: Kind) -> None:
        failures = 0
        questions = iter(list(kind.open(self.service.source, self.known, self.clock())))
        while some := list(islice(questions, kind.batch)):
            used = self.service.requests - self._begun
            if used + kind.requests > self.most:
                return
            try:
                found = kind.ask(some)
            except ServiceDownError:
                failures += 1  # one answer that is nonsense must not keep the others away
                if failures >= _FAILURES or len(some) < kind.batch:
                    raise
                continue
            failures = 0
            self._take(kind, some, found)
            self.progress.advance(self.service.requests - self._begun - used)
            if self.service.requests - self._kept_at >= _KEPT_EVERY:
                self._keep()

    def _take(self, kind: Kind, asked: Sequence[Question], found: Found) -> None:
        same = {
            c.USER_ID: self.user_id,
            c.SOURCE: self.service.source,
            c.KIND: kind.name,
            c.TOLD_AT: self.clock(),
        }
        answered = {row[c.ASKED] for row in found.answers}
        nothing = [
            {c.ASKED: name, c.SUBJECT_REF: thing.ref, c.POSITION: -1}
            for name, thing in asked
            if name not in answered
        ]
        for row in (*found.answers, *nothing):
            full = dict.fromkeys(ANSWERS.schema.names) | same | row
            self.known.learn(full)
            self._rows.setdefault(ANSWERS.name, []).append(full)
        self._rows.setdefault(CATALOGUE.name, []).extend(found.catalogue)
        self._rows.setdefault(ARTIST_TAGS.name, []).extend(found.tags)
        self._report = replace(
            self._report,
            asked=self._report.asked + len(asked),
            found=self._report.found + len(answered),
        )

    def _keep(self) -> None:
        """Put answers, and that they were asked for, into the lake in one commit."""
        rows, self._rows, self._kept_at = self._rows, {}, self.service.requests
        if not rows.get(ANSWERS.name):
            return
        name = f"answers of {self.service.source}"
        with (
            self.lake.writing(),
            self.lake.begin("catalogue", self.lake.folder, user_id="", name=name) as staged,
        ):
            staged.file(name, self.service.source)
            for table in (ANSWERS, CATALOGUE, ARTIST_TAGS):
                if found := rows.get(table.name):
                    staged.stage(name, _Told(_table(found, table), table))
            staged.commit(self.clock())


@dataclass(frozen=True, slots=True)
class _Told:
    """What is staged."""

    rows: pa.Table
    table: LakeTable

    @property
    def rejects(self) -> pa.Table:
        return REJECTS.empty_table()


def _table(rows: Sequence[Mapping[str, Any]], table: LakeTable) -> pa.Table:
    names = table.schema.names
    full = [{name: row.get(name) for name in names} for row in rows]
    return pa.Table.from_pylist(full, schema=table.schema)
