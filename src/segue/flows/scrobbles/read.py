"""Read what somebody played from a service, newest first, into the lake: each play once."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from segue.errors import SegueError, ServiceDownError, ServiceError, SourceError
from segue.flows.scrobbles.reach import Reach
from segue.music import columns as c
from segue.music.account import Account
from segue.own_folder import own_folder
from segue.progress import Progress
from segue.services.scrobbles import Page, Scrobbled, ScrobbleService
from segue.services.sign_ins import SignIns
from segue.sources.base import FileSource, ReadOptions
from segue.sources.inputs import PlainFile
from segue.sources.reject_reasons import FUTURE_DAYS
from segue.warehouse.lake import Lake
from segue.warehouse.storage import storing

__all__ = ["ReadPlays", "Reading"]

_log = logging.getLogger(__name__)

_AT_ONCE: Final = 10_000
_LATE: Final = timedelta(days=15)
"""Players that were offline report within two weeks; Last.fm takes nothing later."""
_LOOK_BACK_EVERY: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ReadPlays:
    """What one look brought.

    Args:
        account: What became of the plays that were read.
        playing: Plays that were only going on, and come again.
        newest: The moment of the newest play ever read, in seconds since 1970; None: there is none.
        unread_until: Plays up to this moment are still to be read; None: all were.
        missing: Plays that the service counts beyond those that it told, since the last time.
        lost_at: Seconds in which more plays began than the service tells.
        requests: How many were made.
        error: What stopped it; what was read before is kept.
    """

    account: Account = field(default_factory=Account)
    playing: int = 0
    newest: int | None = None
    unread_until: int | None = None
    missing: int = 0
    lost_at: tuple[int, ...] = ()
    requests: int = 0
    error: SegueError | None = None


@dataclass
class Reading:
    """Reads the plays of one account for one user.

    The place to go on from is noted after the plays are in the lake, which keeps a play that is
    told again once: whatever happens in between, no play is lost and none counts twice.

    Args:
        service: Asked for plays.
        source: Reads what it tells, as it reads its export.
        lake: Where plays go.
        places: Where the place to go on from is noted.
        account: Whose plays, as the service calls them.
        user_id: Whose they are here.
        clock: The time, aware UTC.
        progress: Told how many plays were read.
        at_once: Plays that are kept in one go.
    """

    service: ScrobbleService
    source: FileSource
    lake: Lake
    places: SignIns
    account: str
    user_id: str
    clock: Callable[[], datetime]
    progress: Progress
    at_once: int = _AT_ONCE

    def run(self, *, since: datetime | None = None) -> ReadPlays:
        """Read what was not read yet.

        Args:
            since: Read everything from here on again.

        Returns:
            What came of it; with the error, where the service stopped it: what was read is kept.

        Raises:
            BusyError: Something else is writing to the lake; the next look brings the same plays.
            StorageError: The lake cannot be written.
        """
        self._reach = Reach.from_json(self.places.mark(self.user_id, self._mark))
        self._noted = self._reach
        self._before = self._reach
        self._known = set(self._reach.told) if since is None else set[str]()
        self._pending: list[Scrobbled] = []
        self._last: frozenset[str] = frozenset()
        self._found = ReadPlays()
        self._new = 0
        begun = self.service.requests
        error: SegueError | None = None
        try:
            self._read(since)
        except ServiceError as stopped:
            error = stopped
            self._keep_and_note()
        except KeyboardInterrupt:
            self._keep_and_note()
            raise
        return replace(
            self._found,
            newest=self._reach.newest,
            unread_until=self._reach.open[0][1] if self._reach.open else None,
            requests=self.service.requests - begun,
            error=error,
        )

    @property
    def _mark(self) -> str:
        return f"plays of {self.account.casefold()}"

    # --- what is asked for ----------------------------------------------------------------------

    def _read(self, since: datetime | None) -> None:
        first = self.service.page(self.account, until=None, brief=self._before.begun)
        looked_back = self._open(first, since)
        expected = None
        if not self._before.begun:
            expected = self.service.count(self.account) if first.total is None else first.total
        label = f"{self.service.name} of {self.account}"
        self.progress.start(label, None if expected is None else float(expected), "plays")
        self._read_open(first)
        self._keep_and_note()
        if self._before.begun and not looked_back and self._missing(first):
            self._look_back()
            self._read_open(None)
            self._keep_and_note()
        self._found = replace(self._found, missing=self._missing(first))
        self._reach = replace(self._reach, total=first.total)
        self._keep_and_note()
        account = self._found.account
        self.progress.done(f"{account.kept:,} new, {account.duplicate:,} known already")

    def _open(self, first: Page, since: datetime | None) -> bool:
        """Say which times are to be read; whether late plays are looked for among them."""
        newest, now = self._newest(first), _seconds(self.clock())
        if newest is None:
            return False
        if self._reach.newest is None:
            self._reach = replace(self._reach.reaching(newest, 0), looked_back_at=now)
            return True
        last = self._reach.newest
        if since is not None:
            self._reach = self._reach.reaching(newest, min(_seconds(since), last))
        # A clock that was put back must not keep it from looking; what is old goes before.
        lately = 0 <= now - self._reach.looked_back_at < _LOOK_BACK_EVERY.total_seconds()
        if not (lately or self._before.open):
            self._reach = self._reach.reaching(newest, last)
            self._look_back()
            return True
        if any(row.key not in self._known for row in first.rows):
            self._reach = self._reach.reaching(newest, last)
        return False

    def _look_back(self) -> None:
        newest = self._reach.newest
        assert newest is not None
        back = max(0, (self._before.newest or newest) - int(_LATE.total_seconds()))
        reach = self._reach.reaching(newest, back)
        self._reach = replace(reach, looked_back_at=_seconds(self.clock()))

    def _read_open(self, page: Page | None) -> None:
        """Read every open span, the newest first.

        Args:
            page: The newest plays of all, where they have just been told.
        """
        until: int | None = None
        skip = 0
        while self._reach.open:
            since, last = self._reach.open[0]
            oldest = None if page is None else _oldest(page)
            if page is None or (until is None and oldest is not None and oldest > last):
                until, skip = last, 0
                page = self.service.page(self.account, until=until)
                oldest = _oldest(page)
            self._take(page)
            if not page.more or (oldest is not None and oldest < since):
                self._reach, page = self._reach.read_down_to(None), None
                continue
            place = self._next_place(until, skip, oldest)
            if place is None:
                self._reach, page = self._reach.read_down_to(None), None
                continue
            until, skip = place
            self._reach = self._reach.read_down_to(max(until, since))
            if len(self._pending) >= self.at_once:
                self._keep_and_note()
            page = self.service.page(self.account, until=until, skip=skip)

    def _next_place(
        self, until: int | None, skip: int, oldest: int | None
    ) -> tuple[int, int] | None:
        """Where older plays are asked for: up to the oldest one, whose second may hold more."""
        if oldest is not None and (until is None or oldest < until):
            return oldest, 0
        if until is not None and self.service.skips:
            return until, skip + 1
        if until is None or oldest is None:
            return None
        self._found = replace(self._found, lost_at=(*self._found.lost_at, oldest))
        return oldest - 1, 0

    def _newest(self, page: Page) -> int | None:
        """The newest moment that can be meant; a clock that runs ahead would hide what comes."""
        latest = _seconds(self.clock() + timedelta(days=FUTURE_DAYS))
        return max(
            (row.at for row in page.rows if row.at is not None and row.at <= latest), default=None
        )

    def _missing(self, first: Page) -> int:
        """How many plays the service counts beyond those that it told."""
        if first.total is None or (self._before.begun and self._before.total is None):
            return 0
        grown = first.total - (self._before.total or 0)
        return max(0, grown - max(self._new, self._found.account.kept))

    # --- what becomes of it ---------------------------------------------------------------------

    def _take(self, page: Page) -> None:
        """Keep in mind what a page tells, but for what is known and what the last page told."""
        fresh = [r for r in page.rows if r.key not in self._known and r.key not in self._last]
        self._pending += fresh
        if not self._last:  # the newest ones: the next look finds them again
            self._remember(row.key for row in page.rows)
        self._last = frozenset(row.key for row in page.rows)
        after = self._before.newest
        self._new += sum(after is None or row.at is None or row.at > after for row in fresh)
        self._found = replace(self._found, playing=max(self._found.playing, page.playing))
        self.progress.advance(len(fresh))

    def _keep_and_note(self) -> None:
        """Put what was told into the lake, and then note how far that goes."""
        if self._pending:
            account, refused = self._keep(self._pending)
            self._pending = []
            self._found = replace(self._found, account=self._found.account + account)
            self._remember(refused)
        if self._reach != self._noted:
            self.places.set_mark(self.user_id, self._mark, self._reach.as_json())
            self._noted = self._reach

    def _keep(self, rows: Sequence[Scrobbled]) -> tuple[Account, list[str]]:
        """Import some plays, as an export with them would be; the keys of those refused."""
        now, name = self.clock(), f"{self.account}.json"
        title = f"{self.service.name}: {self.account}"
        refused: list[str] = []
        with (
            self.lake.writing(),
            self.lake.begin(
                "history", self.lake.folder, user_id=self.user_id, name=title
            ) as staged,
        ):
            path = _written(self.lake.scratch, rows)
            staged.file(name, self.source.name)
            try:
                options = ReadOptions(self.user_id, "", now)
                for chunk in self.source.read(PlainFile(path, name, path), options):
                    staged.stage(name, chunk)
                    places = (place - 1 for place in chunk.rejects[c.ROW].to_pylist())
                    refused += [rows[place].key for place in places if place < len(rows)]
            except SourceError as error:
                raise ServiceDownError(
                    f"{self.service.name} told plays that cannot be read",
                    service=self.service.name,
                    cure="Run it again; where it stays so, please report it.",
                ) from error
            commit = staged.commit(now)
            path.unlink(missing_ok=True)
        _log.info("%s: %d plays read, %d new", self.service.name, len(rows), commit.total.kept)
        return commit.total, refused

    def _remember(self, keys: Iterable[str]) -> None:
        self._reach = self._reach.remembering([*keys, *self._reach.told])


def _oldest(page: Page) -> int | None:
    return min((row.at for row in page.rows if row.at is not None), default=None)


def _written(folder: Path, rows: Sequence[Scrobbled]) -> Path:
    with storing(folder):
        own_folder(folder)
        path = folder / "plays.json"
        path.write_text(json.dumps([row.record for row in rows]), encoding="ascii")
    return path


def _seconds(when: datetime) -> int:
    return int(when.timestamp())
