"""What every warehouse can do, and what it tells about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

import pyarrow as pa

from segue.progress import Progress

__all__ = ["BuildReport", "LoadReport", "Warehouse"]


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
    """

    snapshot: str
    rows: Mapping[str, int]
    matches: Mapping[str, int] = field(default_factory=dict)
    coverage: float | None = None
    tests: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)


class Warehouse(Protocol):
    """Holds the raw tables and shapes them into marts with the dbt project of this room."""

    name: ClassVar[str]

    def load(self, table: str, batches: Iterable[pa.RecordBatch]) -> LoadReport:
        """Append lake rows to a raw table; all or nothing."""

    def build(self, progress: Progress) -> BuildReport:
        """Match tracks, run dbt (models and tests); raises WarehouseError when a test fails."""

    def read(self, table: str, *, columns: Sequence[str] | None = None) -> pa.Table:
        """A mart as Arrow, in the schema of `segue.music.marts`."""

    def export(self, folder: Path) -> Mapping[str, int]:
        """Write every mart as `<mart>.parquet` into `folder`; returns row counts."""
