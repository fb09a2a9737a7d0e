"""`segue build --engine spark`: from the lake to the data set that a training reads."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import pyarrow as pa

from segue import __version__
from segue.errors import NotReadyError, WarehouseError
from segue.flows.build import HasFiles
from segue.flows.spark import build_tasks as tasks
from segue.flows.spark.kept_parts import KeptParts
from segue.flows.spark.session import spark_context
from segue.music import columns as c
from segue.music.lake_tables import LAKE_TABLES
from segue.progress import Progress
from segue.settings.listening import SparkSettings
from segue.warehouse.base import RawFile, Rules
from segue.warehouse.full_models import Model
from segue.warehouse.gathering import MARTS_OF_ALL, Gathering
from segue.warehouse.snapshot_parts import MartFiles, Part, write_index
from segue.warehouse.snapshots import SnapshotStore
from segue.warehouse.storage import checksum

__all__ = ["ABOUT", "DataSetReport", "build_data_set"]

_log = logging.getLogger(__name__)

ABOUT: Final = "about.json"
"""The file of a data set that says who made it of what."""

_PLAYS: Final = "plays"
_PLAYS_A_PART: Final = 250_000
_PLAYS_A_TASK: Final = 1_000_000
_AT_ONCE: Final = 4
"""Parts on their way to the driver, for each core."""

_NO_PLAY: Final = "names an artist only"


@dataclass(frozen=True, slots=True)
class DataSetReport:
    """What a build on Spark made; read = kept + duplicate + all that is rejected.

    Args:
        snapshot: Name of the published data set.
        rows: Mart -> number of rows.
        read: Plays that the lake holds.
        kept: Plays, each once.
        duplicate: Told twice by a source, or by another source as well.
        rejected: Why a row is no play of a track -> rows.
        users: Who has plays.
        parts: Groups of users that were shaped apart.
        resumed: How many of these an interrupted build had finished.
        seconds: Stage -> seconds.
        engine: Who made it: Spark's version and where it ran.
    """

    snapshot: str
    rows: Mapping[str, int]
    read: int
    kept: int
    duplicate: int
    rejected: Mapping[str, int]
    users: int
    parts: int
    resumed: int
    seconds: Mapping[str, float]
    engine: str


def build_data_set(
    *,
    lake: HasFiles,
    data_sets: SnapshotStore,
    rules: Rules,
    spark: SparkSettings,
    memory_limit: str,
    progress: Progress,
    now: datetime,
    anew: bool = False,
    plays_a_part: int = _PLAYS_A_PART,
) -> DataSetReport:
    """Have Spark make what a training reads of the lake, and publish it beside the marts.

    The same models of the same dbt project shape plays as in a build on one machine, for some
    users at a time; the driver matches references and makes what is not of single users.

    Args:
        lake: Where the raw facts are; executors must reach its files.
        data_sets: Where the data set is published.
        rules: What counts as a play, and how alike two titles must be.
        spark: Where Spark is, and how it is set.
        memory_limit: Memory that DuckDB may use, in each of Spark's workers and on the driver.
        progress: Told of every stage.
        now: Aware; becomes part of the data set's name.
        anew: Do not go on with what an interrupted build has finished.
        plays_a_part: Users are shaped together until they have so many plays, about.

    Raises:
        NotReadyError: No plays were imported yet.
        ConfigError: Spark or Java is not installed, or Spark cannot be reached.
        BusyError: Another build on Spark is under way.
        WarehouseError: A lake file is damaged, or a model cannot be made.
        StorageError: The disk is full; an executor failed again and again.
    """
    files = {table: lake.files(table) for table in LAKE_TABLES}
    if not files[_PLAYS]:
        raise NotReadyError(
            "there are no plays to build from yet",
            cure="Run `segue import my_spotify_data.zip` first.",
        )
    work = data_sets.folder.with_name(f"{data_sets.folder.name}-unfinished")
    gathering = Gathering(work / "segue.duckdb", memory_limit=memory_limit, rules=rules)
    with spark_context(spark.master, spark.config, doing="build") as context, gathering.writing():
        kept = KeptParts(work / "kept", _made_from(gathering, files, plays_a_part))
        kept.begin(anew=anew)
        build = _Build(context, gathering, files, kept, memory_limit, progress, {})
        report = build.published(data_sets, plays_a_part, now)
        kept.end()
        gathering.clear()
    _log.info("built %s: %d plays on Spark", report.snapshot, report.kept)
    return report


def _made_from(
    gathering: Gathering, files: Mapping[str, Sequence[RawFile]], plays_a_part: int
) -> str:
    """What a build follows from, as a hash: one that was interrupted goes on if it is the same."""
    pieces = [
        (table, piece.name, piece.place, piece.rows)
        for table, of_table in files.items()
        for file in of_table
        for piece in file.pieces
    ]
    facts = (__version__, gathering.made_from, plays_a_part, sorted(pieces))
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class _Build:
    """One build, from its first step to the last."""

    context: Any
    gathering: Gathering
    files: Mapping[str, Sequence[RawFile]]
    kept: KeptParts
    memory_limit: str
    progress: Progress
    seconds: dict[str, float]

    def published(
        self, data_sets: SnapshotStore, plays_a_part: int, now: datetime
    ) -> DataSetReport:
        """All of it."""
        references, users = self._told()
        models = self._matched(references)
        parts = _parts(users, plays_a_part)
        resumed = len(self.kept.done)
        once = self._once(models, [names[0] for names in parts.values()])
        heard, account = self._heard(once)
        self._shape(once, heard, models, len(parts))
        rows: dict[str, int] = {}
        report = DataSetReport(
            snapshot="",
            rows=rows,
            read=account["read"],
            kept=account["kept"],
            duplicate=account["told_twice"] + account["told_by_two"],
            rejected={_NO_PLAY: account["artist_only"]},
            users=len(users),
            parts=len(parts),
            resumed=resumed,
            seconds=self.seconds,
            engine=f"Spark {self.context.version} at {self.context.master}",
        )

        def write(folder: Path) -> None:
            self._write(folder, parts, report, rows)

        with self._stage("publish", "publishing"):
            snapshot = data_sets.publish(write, now=now)
        return replace(report, snapshot=snapshot.name)

    def _told(self) -> tuple[pa.Table, pa.Table]:
        """What plays call their tracks, and how many there are of each user."""

        @cache
        def told() -> tasks.Told:
            spread = self._files().map(partial(tasks.tell, memory_limit=self.memory_limit))
            both = partial(tasks.told_by_two, memory_limit=self.memory_limit)
            found: tasks.Told = spread.treeReduce(both)
            return found

        with self._stage("read", "Spark: reading the lake"):
            references = self.kept.table("references", lambda: told().references)
            return references, self.kept.table("users", lambda: told().users)

    def _files(self) -> Any:
        """The lake's files of plays, some a task."""
        groups = _groups([tasks.portable(file) for file in self.files[_PLAYS]])
        return self.context.parallelize(groups, len(groups))

    def _matched(self, references: pa.Table) -> Mapping[str, tuple[Model, ...]]:
        """Match references, and make what does not follow from plays; returns the models."""
        with self._stage("match", "matching tracks"):
            self.gathering.clear()
            for table, files in self.files.items():
                if table != _PLAYS:
                    self.gathering.load(table, files)
            self.gathering.tell(references)
            self.gathering.match()
            models = self.gathering.compiled()
            self.gathering.shape(models["told"])
        return models

    def _once(self, models: Mapping[str, tuple[Model, ...]], firsts: Sequence[str]) -> Any:
        """Every part's plays, each once; on the disks of executors from when they are asked for."""
        spread = self._files().flatMap(
            partial(
                tasks.plays_by_part,
                firsts=self.context.broadcast(firsts),
                without=self.kept.done,
                memory_limit=self.memory_limit,
            )
        )
        task = partial(
            tasks.plays_once,
            refs=self.context.broadcast(self.gathering.refs()),
            models=models["once"],
            memory_limit=self.memory_limit,
        )
        level = import_module("pyspark").StorageLevel.DISK_ONLY
        return spread.partitionBy(len(firsts), int).mapPartitions(task).persist(level)

    def _heard(self, once: Any) -> tuple[pa.Table, Mapping[str, int]]:
        """What plays tell of the lengths of tracks, and what became of every row."""

        @cache
        def heard() -> tuple[pa.Table, dict[str, int]]:
            both = partial(tasks.heard_by_two, memory_limit=self.memory_limit)
            found: tuple[pa.Table, dict[str, int]] = once.map(tasks.heard_of).treeReduce(both)
            return found

        with self._stage("once", "Spark: counting every play once"):
            counts = self.kept.table("account", lambda: pa.Table.from_pylist([heard()[1]]))
            table = self.kept.table("heard", lambda: heard()[0])
        [account] = counts.to_pylist()
        wanted = sum(file.rows for file in self.files[_PLAYS])
        if account["read"] != wanted or account["unknown"]:
            raise WarehouseError(
                f"of {wanted:,} plays in the lake {account['read']:,} were read, and "
                f"{account['unknown']:,} were of no known track; nothing was published",
                cure="Run it again; if it fails again, report this message.",
            )
        return table, account

    def _shape(
        self,
        once: Any,
        heard: pa.Table,
        models: Mapping[str, tuple[Model, ...]],
        n_parts: int,
    ) -> None:
        """Make the marts of all parts that are missing, and keep them; then those of all users."""
        known = self.gathering.measure(heard, models["counted"])
        task = partial(
            tasks.shaped,
            known=self.context.broadcast(known),
            models=models["judged"],
            memory_limit=self.memory_limit,
        )
        shaped = once.mapPartitions(task)
        missing = sorted(set(range(n_parts)) - self.kept.done)
        at_once = _AT_ONCE * self.context.defaultParallelism
        with self._stage("shape", "Spark: shaping plays", total=len(missing)):
            for start in range(0, len(missing), at_once):
                some = missing[start : start + at_once]
                for number, part in self.context.runJob(shaped, list, some):
                    self.kept.keep(number, part)
                self.progress.advance(len(some))
            self.gathering.count(self.kept.tracks, models["counted"])

    def _write(
        self,
        folder: Path,
        parts: Mapping[int, tuple[str, str]],
        report: DataSetReport,
        rows: dict[str, int],
    ) -> None:
        """Fill the folder of a data set."""
        marts = self.kept.give(folder, parts)
        for mart in MARTS_OF_ALL:
            path = folder / f"{mart}.parquet"
            counted = self.gathering.export_one(mart, path)
            marts[mart] = MartFiles("", (Part(path.name, counted, "", "", "", checksum(path)),))
        rows.update({mart: files.rows for mart, files in marts.items()})
        if rows[_PLAYS] != report.kept:
            raise WarehouseError(
                f"{rows[_PLAYS]:,} plays were made of {report.kept:,}; nothing was published",
                cure="Run it again; if it fails again, report this message.",
            )
        write_index(folder, marts)
        told = {"segue": __version__, **asdict(report)}
        del told["snapshot"]
        (folder / ABOUT).write_text(json.dumps(told, indent=1), encoding="utf-8")

    @contextmanager
    def _stage(self, name: str, label: str, *, total: int | None = None) -> Iterator[None]:
        began = perf_counter()
        self.progress.start(label, total, "parts" if total is not None else "")
        yield
        self.seconds[name] = perf_counter() - began
        self.progress.done()


def _groups(files: Sequence[RawFile]) -> list[list[RawFile]]:
    """Files that are read by one task: about a million rows."""
    groups: list[list[RawFile]] = []
    rows = _PLAYS_A_TASK
    for file in files:
        if rows >= _PLAYS_A_TASK:
            groups.append([])
            rows = 0
        groups[-1].append(file)
        rows += file.rows
    return groups


def _parts(users: pa.Table, plays_a_part: int) -> dict[int, tuple[str, str]]:
    """Neighbouring users with about so many plays together: number -> first and last of them."""
    parts: dict[int, tuple[str, str]] = {}
    plays = plays_a_part
    ordered = users.sort_by(c.USER_ID)
    for user, n in zip(*(ordered[name].to_pylist() for name in (c.USER_ID, _PLAYS)), strict=True):
        if plays >= plays_a_part:
            parts[len(parts)] = (user, user)
            plays = 0
        parts[len(parts) - 1] = (parts[len(parts) - 1][0], user)
        plays += n
    return parts
