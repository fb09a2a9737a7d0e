"""A user leaves what Segue keeps on AWS: events, profile, data sets, Personalize and homes."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc

from segue.aws.clients import Aws
from segue.aws.profile_table import ProfileTable
from segue.errors import BusyError, NotReadyError, UnknownUserError, WarehouseError
from segue.flows.aws.kept_home import KeptHome
from segue.flows.forget import forget, look
from segue.flows.home_parts import MODELS, SNAPSHOTS
from segue.flows.personalize.account import Account
from segue.flows.personalize.daily.ledger import Ledger
from segue.flows.personalize.forget_user import FOLDER, Asked, forget_in_personalize
from segue.flows.wiring import Wiring
from segue.music import columns as c
from segue.progress import Progress
from segue.recommenders.bundle import BundleStore
from segue.warehouse.lake_forget import Whose
from segue.warehouse.rows_without import csv_without, parquet_without
from segue.warehouse.s3_files import S3Files
from segue.warehouse.s3_versions import S3Version, S3Versions
from segue.warehouse.snapshots import SnapshotStore

__all__ = ["FilesLoss", "Kept", "LossOnAws", "forget_on_aws"]

_AT_ONCE: Final = 8
_A_HOME_TAKES: Final = timedelta(minutes=30)
_Without = Callable[[Path, str, Path], int]


@dataclass(frozen=True)
class Kept:
    """Where Segue keeps something on AWS; what is None or empty is not there.

    Args:
        table: Profiles, and the latest events beside them.
        events: Raw events in Parquet.
        ledger: What daily data sets took.
        sets: Data sets for Personalize.
        account: Of Personalize; None: it is not asked.
        homes: Addresses of homes, s3://bucket/prefix, that functions work on or answer from.
        open_home: The objects of a home in a folder of this machine.
        aws: How to reach S3, for homes.
    """

    table: ProfileTable | None
    events: S3Files | None
    ledger: S3Files | None
    sets: S3Files | None
    account: Account | None
    homes: tuple[str, ...]
    open_home: Callable[[Path], Wiring]
    aws: Aws


@dataclass(frozen=True, slots=True)
class FilesLoss:
    """What is of a user in files of one place.

    Args:
        files: In how many.
        rows: In those that are read; what older versions hold is not counted.
        old: Older versions, kept by the bucket, with rows of the user.
        frozen: Files in Glacier: nobody can tell what is in them before they are restored.
        unreadable: Files that are not what their names say.
    """

    files: int = 0
    rows: int = 0
    old: int = 0
    frozen: int = 0
    unreadable: int = 0

    def __add__(self, other: FilesLoss) -> FilesLoss:
        return FilesLoss(
            self.files + other.files,
            self.rows + other.rows,
            self.old + other.old,
            self.frozen + other.frozen,
            self.unreadable + other.unreadable,
        )


@dataclass(frozen=True)
class LossOnAws:
    """What is there of a user, or was.

    Args:
        user_id: Whose.
        items: In the table.
        events, ledger, sets: In files.
        personalize: What Personalize was asked, or would be; None: there is no dataset group.
        homes: Address -> rows of the user in the lake, or None: only marts and models knew them.
            Homes that know nothing of them are left out.
    """

    user_id: str
    items: int = 0
    events: FilesLoss = FilesLoss()
    ledger: FilesLoss = FilesLoss()
    sets: FilesLoss = FilesLoss()
    personalize: Asked | None = None
    homes: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        """Whether there is no trace of the user; what Personalize knows it does not say."""
        files = (self.events, self.ledger, self.sets)
        return not (self.items or self.homes or any(one.files or one.old for one in files))

    @property
    def left(self) -> int:
        """Files that nobody could look into."""
        files = (self.events, self.ledger, self.sets)
        return sum(one.frozen + one.unreadable for one in files)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"user": self.user_id, **asdict(self), "left": self.left}


def forget_on_aws(
    kept: Kept, user_id: str, *, dry_run: bool, now: datetime, progress: Progress
) -> LossOnAws:
    """Remove a user, place by place; broken off, the next call finds what is left.

    Nothing notes how far it came: each place is looked through every time, older versions of files
    included, and what is clean is left alone. Events first, so that nothing is made of them again.

    Args:
        kept: The places.
        user_id: Whose data go.
        dry_run: Only look.
        now: Aware UTC.
        progress: Told which place it is.

    Raises:
        BusyError: Daily data sets or a home are being made; what came before is done.
        ServiceError: A service refuses.
        StorageError: S3 refuses or does not answer.
    """
    items = 0
    if kept.table is not None:
        progress.start("profile")
        table = kept.table
        items = len(table.sorts(user_id)) if dry_run else table.forget(user_id, now)
        progress.done(f"{items:,} items")
    sweep = _Sweep(user_id, progress, dry_run=dry_run)
    events = sweep.through(kept.events, ".parquet", parquet_without)
    with _nobody_else(kept.ledger, now, dry_run=dry_run):
        ledger = sweep.through(kept.ledger, ".parquet", parquet_without)
        sets = sweep.through(kept.sets, ".csv", csv_without)
        asked = None
        if kept.account is not None and kept.sets is not None:
            asked = forget_in_personalize(kept.account, kept.sets, user_id, now, dry_run=dry_run)
    homes = _forget_in_homes(kept, user_id, now, progress, dry_run=dry_run)
    return LossOnAws(user_id, items, events, ledger, sets, asked, homes)


@contextmanager
def _nobody_else(ledger: S3Files | None, now: datetime, *, dry_run: bool) -> Iterator[None]:
    """Let no data sets be made meanwhile: they could bring back what was removed."""
    if ledger is None or dry_run:
        yield
        return
    with Ledger(ledger).held(now, "forget"):
        yield


class _Sweep:
    """Goes through files, several at a time."""

    def __init__(self, user_id: str, progress: Progress, *, dry_run: bool) -> None:
        self._user_id, self._progress, self._dry_run = user_id, progress, dry_run

    def through(self, files: S3Files | None, ending: str, without: _Without) -> FilesLoss:
        if files is None:
            return FilesLoss()
        self._progress.start(str(files.place))
        versions, told = S3Versions(files), FilesLoss()
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(_AT_ONCE) as pool:

            def one(version: S3Version) -> FilesLoss:
                place = Path(folder) / f"{threading.get_ident()}"
                return self._one(versions, version, without, place)

            try:
                for found in pool.map(one, _data(versions, ending)):
                    told = told + found
                    self._progress.advance()
            except BaseException:
                pool.shutdown(cancel_futures=True)  # else all the others would be gone through
                raise
        self._progress.done(f"{told.rows:,} rows in {told.files:,} files")
        return told

    def _one(
        self, versions: S3Versions, version: S3Version, without: _Without, place: Path
    ) -> FilesLoss:
        if version.frozen:
            return FilesLoss(frozen=1)
        source, target = place.with_suffix(".read"), place.with_suffix(".written")
        try:
            versions.fetch(version, source)
            try:
                rows = without(source, self._user_id, target)
            except WarehouseError:
                return FilesLoss(unreadable=1)
            if not rows:
                return FilesLoss()
            if not version.latest:
                if not self._dry_run:
                    versions.remove(version)
                return FilesLoss(old=1)
            if not self._dry_run and not versions.replace(version, target):
                raise BusyError(f"{version.name} is being written by others", cure="Run it again.")
            return FilesLoss(files=1, rows=rows)
        finally:
            source.unlink(missing_ok=True)
            target.unlink(missing_ok=True)


def _data(versions: S3Versions, ending: str) -> Iterator[S3Version]:
    """Files that hold data; lists of users to be forgotten are none."""
    return (one for one in versions.find(ending) if not one.name.startswith(f"{FOLDER}/"))


def _forget_in_homes(
    kept: Kept, user_id: str, now: datetime, progress: Progress, *, dry_run: bool
) -> dict[str, int | None]:
    """Of all homes what was made of everybody's data goes first, and then from the lake.

    They may share the lake: whoever finds nothing there any more could not know whether marts and
    models were made before.
    """
    found: dict[str, int | None] = {}
    for address in kept.homes:
        with _home(kept, address, now) as wiring:
            rows = _rows(wiring, user_id)
            if rows is None and not _in_marts(wiring.home, user_id):
                continue
            found[address] = rows
            if not dry_run:
                with wiring.warehouse.writing():
                    wiring.warehouse.clear()
                SnapshotStore(wiring.home / SNAPSHOTS).clear()
                BundleStore(wiring.home / MODELS).clear()
    for address in () if dry_run else found:
        with _home(kept, address, now) as wiring:
            if _rows(wiring, user_id) is not None:
                forget(wiring, Whose(user_id), progress=progress, now=now)
    return found


@contextmanager
def _home(kept: Kept, address: str, now: datetime) -> Iterator[Wiring]:
    """A home, on this machine for as long as the block lasts, and kept again at its end."""
    with tempfile.TemporaryDirectory() as folder:
        home = KeptHome(kept.aws, address, Path(folder) / "home")
        with home.opened(now=now, until=now + _A_HOME_TAKES):
            yield kept.open_home(home.home)


def _rows(wiring: Wiring, user_id: str) -> int | None:
    """How many rows of the lake are the user's; None: nothing knows of them."""
    try:
        return sum(look(wiring, Whose(user_id)).rows.values())
    except UnknownUserError:
        return None


def _in_marts(home: Path, user_id: str) -> bool:
    try:
        snapshot = SnapshotStore(home / SNAPSHOTS).current()
    except NotReadyError:
        return False
    users = snapshot.read("plays", columns=[c.USER_ID]).column(c.USER_ID)
    return bool(pc.any(pc.equal(users, user_id)).as_py())
