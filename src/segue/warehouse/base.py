"""What every warehouse can do, and what it tells about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

import pyarrow as pa

from segue.errors import WarehouseError
from segue.progress import Progress

__all__ = ["BuildReport", "LoadReport", "Piece", "RawFile", "Rules", "Warehouse"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A file as an import wrote it, even if several of them were put into one since.

    What a warehouse has loaded it remembers by pieces, so that a lake may be compacted, moved to
    another folder or fetched from elsewhere without anything being loaded twice.

    Args:
        name: Unique and never given again; says nothing of the order.
        place: Puts the pieces of a table in the order of their imports; the `file_no` of the
            piece's rows in the raw table. Below 10**15.
        rows: Number of rows.
    """

    name: str
    place: int
    rows: int


class RawFile(Protocol):
    """A Parquet file of the lake: `row_id` and the columns of its lake table.

    A file of several pieces has a column `piece` as well: the number of each row's piece, from 0.
    """

    @property
    def path(self) -> Path:
        """Where it can be read on this machine; fetched to here, if need be, when first asked."""

    @property
    def place(self) -> str:
        """Where it is in the lake, for people: a path, or an address in S3."""

    @property
    def pieces(self) -> Sequence[Piece]:
        """What imports wrote and this file holds; mostly one."""

    @property
    def rows(self) -> int:
        """How many rows it holds."""

    @property
    def commit_id(self) -> str:
        """The commit that brought it."""

    @property
    def crc32(self) -> int | None:
        """CRC-32 of the file as it was written; None where nobody noted it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as a play, and when two are the same; the settings of the same names.

    Args:
        counted_ms: A play counts from this many milliseconds on.
        finished_share: Heard for this share of the track, 0 … 1: finished.
        session_gap_minutes: A pause of this length starts a new session.
        same_play_seconds: Two sources may differ by this much about the start of a play.
        fuzzy_threshold: Lowest fuzzy score, 0 … 100, that is a match.
        time_zones: User -> IANA name of the time zone of their days and hours; of others, UTC.
    """

    counted_ms: int = 30_000
    finished_share: float = 0.9
    session_gap_minutes: int = 30
    same_play_seconds: int = 90
    fuzzy_threshold: float = 90.0
    time_zones: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """How many rows of a raw table were loaded, and from how many new lake files."""

    table: str
    rows: int
    files: int


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build made.

    Args:
        snapshot: Name of the published snapshot; empty until it is published.
        rows: Mart -> number of rows.
        matches: Method -> number of history tracks (distinct track_refs) matched that way.
        coverage: Share of history tracks found in a catalogue, 0 … 1; None without a catalogue.
        tests: Number of dbt tests that passed.
        seconds: Stage -> seconds.
        warehouse: Where the marts are, in words, without any secret.
        notes: What else there is to say, such as why everything was made anew; sentences.
    """

    snapshot: str
    rows: Mapping[str, int]
    matches: Mapping[str, int] = field(default_factory=dict)
    coverage: float | None = None
    tests: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    warehouse: str = ""
    notes: tuple[str, ...] = ()


class Warehouse(Protocol):
    """Holds the raw tables and shapes them into marts with the dbt project of this room.

    `flows/wiring.py` makes one as `kind(path, rules=…, memory_limit=…, threads=…, **section)`:
    `path` is a file or folder in the data home that is the warehouse's own, `section` the fields
    of the settings section of the same name, if there is one.
    """

    name: ClassVar[str]

    @property
    def where(self) -> str:
        """The place of the marts in words, without any secret: a file, or a server."""

    def writing(self) -> AbstractContextManager[None]:
        """Be the only one who builds; everything else happens inside. Raises BusyError."""

    def load(self, table: str, files: Sequence[RawFile]) -> LoadReport:
        """Bring a raw table up to date with all its lake files; all or nothing.

        `segue.warehouse.loading.plan_load` says what is missing.

        Files rather than batches: the warehouse knows which it has loaded, sees when one is gone,
        and reads Parquet faster by itself than through anybody's hands.
        """

    def build(self, progress: Progress) -> BuildReport:
        """Match tracks, run dbt (models and tests); raises WarehouseError when a test fails."""

    def read(self, table: str, *, columns: Sequence[str] | None = None) -> pa.Table:
        """A mart as Arrow, in the schema of `segue.music.marts`."""

    def export(self, folder: Path, previous: Path | None = None) -> Mapping[str, int]:
        """Write every mart into an empty folder; returns row counts.

        A mart is `<mart>.parquet`, or several files that an index tells of: see
        `segue.warehouse.snapshot_parts`. What has not changed since the previous snapshot, whose
        folder is given, may be taken from there.
        """

    def is_damaged(self, error: WarehouseError) -> bool:
        """Whether an error says that what the warehouse keeps is damaged: `clear` heals that."""

    def clear(self) -> None:
        """Remove all that was loaded and made, so that nothing of it can be read any more.

        The next build makes everything from the lake.
        """
