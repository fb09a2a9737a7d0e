"""A published snapshot made of tiny tables."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from segue.music.marts import MARTS
from segue.warehouse.snapshots import Snapshot, SnapshotStore
from tests.tiny import NOW


def published(folder: Path, **marts: pa.Table) -> Snapshot:
    """Publish these marts; those not given are empty."""

    def write(into: Path) -> None:
        for name, schema in MARTS.items():
            pq.write_table(marts.get(name, schema.empty_table()), into / f"{name}.parquet")

    return SnapshotStore(folder).publish(write, now=NOW)
