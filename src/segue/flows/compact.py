"""Compact: after a build, small lake files are put together once there are many of them."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from segue.errors import StorageError, Temporary, WarehouseError

if TYPE_CHECKING:
    from segue.progress import Progress
    from segue.warehouse.lake import Lake
    from segue.warehouse.lake_compaction import CompactionReport

__all__ = ["compact_if_due"]

_log = logging.getLogger(__name__)


def compact_if_due(
    lake: Lake, *, at_least: int, progress: Progress, now: datetime
) -> CompactionReport | None:
    """Put small files together where somebody has many; None where there was nothing to do.

    It is upkeep: where it cannot be done now, because somebody imports or because the lake may
    only be read from here, it is left for another time.

    Args:
        at_least: Small files of one user, source and year that are too many; 0: never.
        now: Aware UTC.

    Raises:
        WarehouseError: A file of the lake is missing or damaged.
    """
    if not at_least or not lake.compaction_is_due(files=at_least):
        return None
    try:
        return lake.compact(now, at_least=at_least, progress=progress)
    except (StorageError, WarehouseError) as error:
        if not isinstance(error, StorageError | Temporary):
            raise
        _log.info("small files stay for now: %s", error.message)
        return None
