"""The interactions of one day of raw events."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from segue.flows.personalize.daily.ledger import DayOfFiles, Ledger, Run
from segue.flows.personalize.daily.places import Work
from segue.flows.personalize.daily.tracks import fetch_references
from segue.warehouse.event_files import DayPart, EventFiles, Judging, RowAccount, open_scratch
from segue.warehouse.s3_files import S3File

__all__ = ["account_of", "day_entry", "make_day"]

_AT_ONCE: Final = 256 * 1024**2  # bytes of raw events on this machine's disk
_MOST_NEW: Final = 900_000_000  # bytes: an import of what is new may have a gigabyte
_DAY: Final = timedelta(days=1)


def day_entry(run: Run, day: str) -> str:
    """The ledger's entry of a day."""
    return f"{run.folder}/days/{day}.json"


def account_of(told: dict[str, Any]) -> RowAccount:
    """The account that an entry holds."""
    return RowAccount(**told["account"])


def make_day(work: Work, ledger: Ledger, run: Run, day: DayOfFiles) -> None:
    """Make the interactions of the events that came on a day; made again, they are the same."""
    work.progress.start(f"events of {day.day}")
    settings = work.settings
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        connection = open_scratch(
            folder, memory_limit=settings.memory_limit, threads=settings.threads
        )
        try:
            made = _Day(work, ledger, run, day, folder)
            events = EventFiles(connection, folder / "work", day.size)
            (folder / "work").mkdir()
            made.judge(events)
            (folder / "tracks").mkdir()
            tracks = fetch_references(work, ledger, run, folder / "tracks")
            for part in events.made(made.known(events.days()), tracks):
                made.keep(part)
        finally:
            connection.close()
    unreadable = [day.names[number] for number in events.unreadable]
    ledger.put(day_entry(run, day.day), {**made.told(), "unreadable": unreadable})
    work.progress.done(f"{made.account.kept:,} interactions of {made.account.read:,} rows")


class _Day:
    """A day in the making."""

    def __init__(self, work: Work, ledger: Ledger, run: Run, day: DayOfFiles, folder: Path) -> None:
        self._work, self._ledger, self._run = work, ledger, run
        self._day, self._scratch = day, folder
        self.account = RowAccount()
        self._written: list[dict[str, Any]] = []
        self._users: list[str] = []
        self._before = self._bytes_before()

    def judge(self, events: EventFiles) -> None:
        """Fetch the files, some at a time, and judge their rows."""
        told = self._work.settings.personalize
        since = told.told_since
        judging = Judging(
            _sources(self._work),
            self._work.now,
            told=since is not None and self._day.day >= str(since),
        )
        fetched = self._scratch / "fetched"
        for names in _together(self._work, self._day):
            fetched.mkdir()
            events.add(self._work.places.events.download(names, fetched), judging)
            for path in fetched.iterdir():
                path.unlink()
            fetched.rmdir()

    def known(self, days: Sequence[date]) -> list[Path]:
        """Ids of events that were kept before, but not by an earlier attempt at this day.

        An event that comes again tells the same time, or nearly.
        """
        near = sorted({one + step for one in days for step in (-_DAY, 0 * _DAY, _DAY)})
        files, mine = self._ledger.files, f"/{self._run.run_id}-{self._day.day}-"
        names = [
            found.name
            for one in near
            for found in files.find(f"ids/{self._run.generation}/{one}/")
            if mine not in found.name
        ]
        folder = self._scratch / "known"
        folder.mkdir()
        return files.download(names, folder)

    def keep(self, part: DayPart) -> None:
        """Bring a part to S3."""
        run, day, places = self._run, self._day.day, self._work.places
        self.account += part.account
        if part.csv is not None:
            size = part.csv.stat().st_size
            folder = "0" if run.whole else str(self._before // _MOST_NEW)
            self._before += size
            name = f"interactions/{run.run_id}/{folder}/{day}-{part.number:04d}.csv"
            places.sets.upload(part.csv, name, "text/csv")
            self._written.append({"folder": folder, "bytes": size, "rows": part.account.kept})
        for happened, path in part.ids.items():
            name = f"ids/{run.generation}/{happened}/{run.run_id}-{day}-{part.number:04d}.parquet"
            self._ledger.files.upload(path, name)
        users = f"{run.folder}/users/{day}-{part.number:04d}.parquet"
        self._ledger.files.upload(part.users, users)
        self._users.append(users)
        for path in part.users.parent.iterdir():
            path.unlink()

    def told(self) -> dict[str, Any]:
        """What the ledger keeps of it."""
        account = self.account
        return {
            "account": {
                "read": account.read,
                "kept": account.kept,
                "duplicate": account.duplicate,
                "rejected": dict(account.rejected),
            },
            "files": self._written,
            "users": self._users,
        }

    def _bytes_before(self) -> int:
        """Of interactions that earlier days of this run made."""
        total = 0
        for one in self._run.days:
            if one.day < self._day.day:
                entry = self._ledger.get(day_entry(self._run, one.day)) or {"files": ()}
                total += sum(file["bytes"] for file in entry["files"])
        return total


def _sources(work: Work) -> tuple[str, ...]:
    return tuple(work.settings.training.sources)


def _together(work: Work, day: DayOfFiles) -> list[list[str]]:
    """The files in groups that fit on the disk together."""
    sizes: dict[str, S3File] = {one.name: one for one in work.places.events.find(f"day={day.day}/")}
    groups: list[list[str]] = []
    size = _AT_ONCE
    for name in day.names:
        more = sizes[name].size if name in sizes else 0
        if size + more > _AT_ONCE:
            groups.append([])
            size = 0
        groups[-1].append(name)
        size += more
    return groups
