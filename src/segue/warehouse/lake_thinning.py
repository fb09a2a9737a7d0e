"""Taking a user's rows out of shared files: files without them take their place.

The new files keep the pieces of the old ones, with fewer rows. A warehouse that has loaded the old
ones finds that pieces have changed, and loads everything anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.music.lake_tables import LAKE_TABLES
from segue.warehouse.intact import require_intact
from segue.warehouse.lake_exchange import Exchange, exchange, id_sum, require_written
from segue.warehouse.lake_log import LakeLog
from segue.warehouse.lake_manifest import LakeFile
from segue.warehouse.lake_names import file_name
from segue.warehouse.lake_shared import count_users, readable, rows_of
from segue.warehouse.lake_staging import ROWS_A_PART, Group, part_writer
from segue.warehouse.loading import PIECE
from segue.warehouse.storage import checksum, make_folder, storing, sync_file

__all__ = ["thin_out"]

_FILES_A_COMMIT: Final = 64


def thin_out(
    log: LakeLog,
    scratch: Path,
    files: Sequence[LakeFile],
    *,
    user_id: str,
    now: datetime,
    on_step: Callable[[str], None],
) -> None:
    """Let files without a user's rows count, and those with them not; what was read stays there.

    Args:
        log: The lake's commits.
        scratch: A folder of its own on this machine.
        files: Shared files that count; each holds rows of the user and of others.
        user_id: Whose rows go.
        now: Aware UTC; goes into names and manifests.
        on_step: Told the name of each step.

    Raises:
        WarehouseError: A file is missing or damaged.
        StorageError: The lake cannot be written.
    """
    token = secrets.token_hex(8)
    with storing(scratch):
        make_folder(scratch)
    for start in range(0, len(files), _FILES_A_COMMIT):
        lot = files[start : start + _FILES_A_COMMIT]
        made = []
        for number, file in enumerate(lot, start + 1):
            staged = scratch / f"{now:%Y%m%dT%H%M%SZ}-{token}-{number}.parquet"
            with storing(scratch):
                made.append(_without(file, user_id, staged))
            on_step("thinned")
        exchange(log, made, now=now, token=token, on_step=on_step)


def _without(file: LakeFile, user_id: str, staged: Path) -> Exchange:
    """Write the rows of others, and read them back."""
    require_intact(file)
    keep = ~rows_of(file, user_id)
    group = Group(LAKE_TABLES[file.table], file.partition, "", file.year)
    with readable(file):
        counts, about = _copy(file, keep, staged)
    sync_file(staged)
    require_written(staged, int(keep.sum()), about.pop("ids"))
    pieces = tuple(
        replace(piece, rows=int(rows))
        for piece, rows in zip(file.pieces, counts, strict=True)
        if rows
    )
    made = replace(
        file,
        name=file_name(group, staged.stem),
        rows=sum(piece.rows for piece in pieces),
        users=count_users(staged),
        size=staged.stat().st_size,
        crc32=checksum(staged),
        merged=pieces,
        **about,
    )
    return Exchange(made, staged, (file,))


def _copy(
    file: LakeFile, keep: npt.NDArray[np.bool_], target: Path
) -> tuple[npt.NDArray[np.int64], dict[str, Any]]:
    """Copy some rows, a row group at a time.

    Returns:
        How many are left of each piece; and first and last date, and the sum of the ids, of all.
    """
    date = LAKE_TABLES[file.table].date
    with pq.ParquetFile(file.path) as opened:
        at = np.zeros(len(keep), np.int64)
        if file.merged:
            at = opened.read([PIECE], use_threads=False)[PIECE].to_numpy().astype(np.int64)
        counts = np.bincount(at[keep], minlength=len(file.pieces))
        places = np.cumsum(counts > 0) - 1  # pieces without rows are no pieces
        own = [name for name in opened.schema_arrow.names if name != PIECE]
        schema = pa.schema([opened.schema_arrow.field(name) for name in own])
        schema = schema.append(pa.field(PIECE, pa.int32(), nullable=False))
        start, ids, spans = 0, np.uint64(0), []
        with part_writer(target, schema) as writer, np.errstate(over="ignore"):
            for number in range(opened.num_row_groups):
                rows = opened.read_row_group(number, columns=own, use_threads=False)
                here = slice(start, start + rows.num_rows)
                start += rows.num_rows
                numbers = pa.array(places[at[here]].astype(np.int32))
                rows = rows.append_column(schema.field(PIECE), numbers).filter(pa.array(keep[here]))
                if rows.num_rows:
                    ids += id_sum(rows)
                    spans.append(pc.min_max(rows[date]).as_py() if date else None)
                    writer.write_table(rows.select(schema.names), row_group_size=ROWS_A_PART)
    first = min((span["min"] for span in spans if span), default=None)
    last = max((span["max"] for span in spans if span), default=None)
    return counts, {"first": first, "last": last, "ids": ids}
