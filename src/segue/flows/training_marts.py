"""Which marts a training reads: those that everything reads, or the data set that Spark made."""

from __future__ import annotations

from segue.errors import NotReadyError
from segue.settings.listening import TrainingData
from segue.warehouse.snapshots import Snapshot, SnapshotStore

__all__ = ["training_marts"]


def training_marts(
    snapshots: SnapshotStore, data_sets: SnapshotStore, wanted: TrainingData
) -> tuple[Snapshot, TrainingData]:
    """The marts to learn from, and whose they are: "marts" or "spark".

    Args:
        snapshots: Published by `segue build`.
        data_sets: Published by `segue build --engine spark`.
        wanted: The setting training.data.

    Raises:
        NotReadyError: There is none.
        WarehouseError: What was published is gone.
    """
    if wanted == "marts":
        return snapshots.current(), "marts"
    try:
        made = data_sets.current()
    except NotReadyError as error:
        if wanted == "newest":
            return snapshots.current(), "marts"
        raise NotReadyError(
            "Spark has made no data set yet", cure="Run `segue build --engine spark`."
        ) from error
    if wanted == "spark":
        return made, "spark"
    try:
        built = snapshots.current()
    except NotReadyError:
        return made, "spark"
    return (built, "marts") if built.made_at >= made.made_at else (made, "spark")
