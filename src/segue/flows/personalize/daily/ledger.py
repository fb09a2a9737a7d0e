"""What daily data sets took and made, kept in S3 so that any process can go on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from segue.errors import BusyError, WarehouseError
from segue.warehouse.s3_files import S3Files

__all__ = ["DayOfFiles", "Ledger", "Run", "Standing"]

_STATE: Final = "state.json"
_LEASE: Final = "lease.json"
_HELD: Final = timedelta(minutes=16)  # a function lives for 15


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the whole stands.

    Args:
        generation: Another, higher one whenever everything is taken anew.
        run: What is under way; None: nothing is.
        last: The last run that ended; None: none has.
        last_day: The latest day of which files were taken.
    """

    generation: int = 0
    run: str | None = None
    last: str | None = None
    last_day: str | None = None


@dataclass(frozen=True, slots=True)
class DayOfFiles:
    """Files that came on a day.

    Args:
        day: YYYY-MM-DD.
        names: Of the files.
        size: Bytes, together.
    """

    day: str
    names: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Run:
    """What one run takes; it does not change.

    Args:
        run_id: Seconds since 1970 at which it was planned.
        generation: Of which it is part.
        whole: Whether it replaces what was imported before.
        days: Files, the earliest day first.
        frozen: Files that cannot be read, since they have been moved to Glacier.
    """

    run_id: str
    generation: int
    whole: bool
    days: tuple[DayOfFiles, ...]
    frozen: int = 0

    @property
    def folder(self) -> str:
        """Where the ledger keeps what belongs to it."""
        return f"runs/{self.run_id}"


class Ledger:
    """The account, in a place of S3.

    Args:
        files: The place.
    """

    def __init__(self, files: S3Files) -> None:
        self.files = files

    @contextmanager
    def held(self, now: datetime, owner: str) -> Iterator[None]:
        """Be the only one at work.

        Raises:
            BusyError: Another process is; one that died is waited for a quarter of an hour.
        """
        found = self.files.read_tagged(_LEASE)
        if found is not None:
            told = json.loads(found[0])
            if told["until"] > now.timestamp():
                raise BusyError(
                    "daily data sets are being made by another process", cure="Wait a little."
                )
        until = {"until": (now + _HELD).timestamp(), "owner": owner}
        tag = None if found is None else found[1]
        if not self.files.take_over(_LEASE, json.dumps(until).encode(), tag):
            raise BusyError(
                "daily data sets are being made by another process", cure="Wait a little."
            )
        try:
            yield
        finally:
            self.files.remove(_LEASE)

    def standing(self) -> Standing:
        """Where the whole stands."""
        return Standing(**(self.get(_STATE) or {}))

    def stand(self, standing: Standing) -> None:
        """Note it."""
        self.put(_STATE, asdict(standing))

    def run(self, run_id: str) -> Run:
        """A run that was planned."""
        told = self.get(f"runs/{run_id}/plan.json")
        if told is None:
            raise WarehouseError(
                f"the ledger in {self.files.place} has lost its run {run_id}",
                cure="Begin anew with everything: `segue personalize daily --whole`.",
            )
        days = tuple(
            DayOfFiles(one["day"], tuple(one["names"]), one["size"]) for one in told["days"]
        )
        return Run(**{**told, "days": days})

    def plan(self, run: Run) -> None:
        """Note what a run takes."""
        self.put(f"{run.folder}/plan.json", asdict(run))

    def taken(self, generation: int, day: str) -> set[str]:
        """The files of a day that were taken by runs that ended."""
        found: dict[str, list[str]] = self.get(f"taken/{generation}/{day}.json") or {}
        return set(found.get("names", ()))

    def take(self, generation: int, day: str, names: set[str]) -> None:
        """Note further files as taken."""
        every = sorted(self.taken(generation, day) | names)
        self.put(f"taken/{generation}/{day}.json", {"names": every})

    def get(self, name: str) -> dict[str, Any] | None:
        """An entry; None: there is none."""
        found = self.files.read(name)
        if found is None:
            return None
        try:
            told: dict[str, Any] = json.loads(found)
        except ValueError as error:
            raise WarehouseError(
                f"{self.files.place}/{name} is damaged",
                cure="Begin anew with everything: `segue personalize daily --whole`.",
            ) from error
        return told

    def put(self, name: str, told: Mapping[str, Any]) -> None:
        """Write an entry."""
        self.files.write(name, json.dumps(told, indent=1, sort_keys=True).encode())
