"""Look: what this data home holds, how fresh each part is, and what comes next."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from segue.errors import NotReadyError, WarehouseError
from segue.flows.training_marts import training_marts
from segue.music import columns as c
from segue.warehouse.build_failure import read_failure

if TYPE_CHECKING:
    from segue.recommenders.bundle import BundleStore
    from segue.services.sign_ins import SignInFacts
    from segue.settings.listening import TrainingData
    from segue.warehouse.base import Warehouse
    from segue.warehouse.lake import Lake
    from segue.warehouse.snapshots import Snapshot, SnapshotStore

__all__ = ["Status", "status"]

_NO_IMPORTS: Final = ("feedback", "compaction", "forget")
"""Kinds of commits that bring nothing for a build to shape anew."""


@dataclass(frozen=True, slots=True)
class Status:
    """What is here.

    Args:
        bytes: Disk space that the home takes.
        warehouse: Where builds make the marts, in words.
        imports: One entry a commit of the lake, oldest first, with its account.
        snapshot: Name, rows of the marts, users, and whether nothing was imported since.
        data_set: Name and rows of what Spark made for training, if it did.
        bundle: Name, recommenders, and whether it was trained on what training would read now.
        damaged: "snapshot", "data_set" or "bundle" -> what is wrong with it.
        failure: When, why and what to do, if the last build failed.
        sign_ins: Who is signed in at foreign services, and for how long.
        next_step: The command to type now.
    """

    home: Path
    bytes: int
    warehouse: str
    imports: list[dict[str, Any]]
    snapshot: dict[str, Any] | None
    data_set: dict[str, Any] | None
    bundle: dict[str, Any] | None
    damaged: dict[str, str]
    failure: dict[str, Any] | None
    sign_ins: list[dict[str, Any]]
    next_step: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values, times in ISO 8601."""
        ready: dict[str, Any] = _plain(asdict(self))
        return ready


def status(
    *,
    home: Path,
    lake: Lake,
    warehouse: Warehouse,
    snapshots: SnapshotStore,
    data_sets: SnapshotStore,
    training_data: TrainingData,
    bundles: BundleStore,
    sign_ins: Sequence[SignInFacts] = (),
    now: datetime | None = None,
) -> Status:
    """Read manifests and pointers only; nothing is locked and nothing is changed."""
    commits = [commit for commit in lake.commits() if commit.kind not in _NO_IMPORTS]
    imports: list[dict[str, Any]] = [
        {
            "commit_id": commit.commit_id,
            "made_at": commit.made_at,
            "kind": commit.kind,
            "input": commit.input,
            "account": commit.total.as_dict(),
        }
        for commit in commits
    ]
    last_import = max((commit.made_at for commit in commits), default=None)
    damaged: dict[str, str] = {}
    snapshot = _snapshot(snapshots, last_import, damaged)
    read_now = _read_by_training(snapshots, data_sets, training_data)
    bundle = _bundle(bundles, read_now, damaged)
    return Status(
        home=home,
        bytes=_bytes(home),
        warehouse=warehouse.where,
        imports=imports,
        snapshot=snapshot,
        data_set=_data_set(data_sets, damaged),
        bundle=bundle,
        damaged=damaged,
        failure=None if (failure := read_failure(snapshots.folder)) is None else asdict(failure),
        sign_ins=[] if now is None else [one.as_dict(now) for one in sign_ins],
        next_step=_next_step(imports, snapshot, bundle),
    )


def _bytes(folder: Path) -> int:
    """Bytes of all files, a file of two names once; what is taken away meanwhile does not count."""
    sizes: dict[tuple[int, int], int] = {}
    for where, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                about = (Path(where) / name).lstat()
                sizes[about.st_dev, about.st_ino] = about.st_size
    return sum(sizes.values())


def _snapshot(
    snapshots: SnapshotStore, last_import: datetime | None, damaged: dict[str, str]
) -> dict[str, Any] | None:
    try:
        return _facts(snapshots.current(), last_import)
    except NotReadyError:
        return None
    except WarehouseError as error:
        damaged["snapshot"] = error.message
        return None


def _facts(snapshot: Snapshot, last_import: datetime | None) -> dict[str, Any]:
    users = snapshot.read(
        "users", columns=[c.USER_ID, c.PLAYS, "tracks", c.FIRST_PLAYED_AT, c.LAST_PLAYED_AT]
    )
    return {
        "name": snapshot.name,
        "made_at": snapshot.made_at,
        "rows": {mart: snapshot.rows(mart) for mart in ("plays", "tracks", "artists")},
        "users": users.to_pylist(),
        # names of snapshots are exact to the second
        "fresh": last_import is None or snapshot.made_at >= last_import.replace(microsecond=0),
    }


def _data_set(data_sets: SnapshotStore, damaged: dict[str, str]) -> dict[str, Any] | None:
    try:
        made = data_sets.current()
    except NotReadyError:
        return None
    except WarehouseError as error:
        damaged["data_set"] = error.message
        return None
    rows = {mart: made.rows(mart) for mart in ("plays", "tracks")}
    return {"name": made.name, "made_at": made.made_at, "rows": rows}


def _read_by_training(
    snapshots: SnapshotStore, data_sets: SnapshotStore, wanted: TrainingData
) -> str | None:
    """Name of the marts that a training would read now."""
    try:
        return training_marts(snapshots, data_sets, wanted)[0].name
    except (NotReadyError, WarehouseError):
        return None


def _bundle(
    bundles: BundleStore, read_now: str | None, damaged: dict[str, str]
) -> dict[str, Any] | None:
    try:
        bundle = bundles.current()
    except NotReadyError as error:
        if not bundles.empty:
            damaged["bundle"] = error.message
        return None
    return {
        "name": bundle.name,
        "trained_at": bundle.trained_at,
        "recommenders": sorted(bundle.recommenders),
        "fresh": bundle.snapshot == read_now,
    }


def _next_step(
    imports: list[dict[str, Any]],
    snapshot: dict[str, Any] | None,
    bundle: dict[str, Any] | None,
) -> str:
    if not any(entry["kind"] in ("history", "events") for entry in imports):
        return "segue import my_spotify_data.zip   (or: segue demo)"
    if snapshot is None or not snapshot["fresh"]:
        return "segue build"
    if bundle is None or not bundle["fresh"]:
        return "segue train"
    return "segue recommend"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value
