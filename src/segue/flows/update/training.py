"""Whether models are due to be trained again: by what is new, and by their age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from segue.errors import NotReadyError
from segue.flows.update.memory import UpdateMemory
from segue.music import columns as c

if TYPE_CHECKING:
    from collections.abc import Collection

    from segue.flows.wiring import Wiring
    from segue.recommenders.bundle import Bundle
    from segue.warehouse.snapshots import Snapshot

__all__ = ["Due", "note_training", "training_due"]

_TRAINED: Final = "trained"


@dataclass(frozen=True, slots=True)
class Due:
    """Whether to train.

    Args:
        why: Or why not, in words.
        plays: From sources that models may learn from, now.
        tracks: In the catalogue, now.
    """

    due: bool
    why: str
    plays: int
    tracks: int


def training_due(wiring: Wiring, memory: UpdateMemory, now: datetime) -> Due:
    """Compare what is published with what the published models have learned from.

    Raises:
        NotReadyError: Nothing was built yet.
    """
    settings = wiring.settings
    snapshot = wiring.snapshots.current()
    plays, tracks = _plays(snapshot, settings.training.sources), snapshot.rows("tracks")
    try:
        bundle = wiring.bundles.current()
    except NotReadyError:
        return Due(True, "nothing is trained yet", plays, tracks)
    if bundle.snapshot == snapshot.name:
        return Due(False, "the models know all that was built", plays, tracks)
    rules, (since, known, known_tracks) = settings.update, _learned(bundle, memory)
    days = (now - since).total_seconds() / 86_400
    if known is not None and known_tracks is not None:
        share = max(_growth(known, plays), _growth(known_tracks, tracks))
        new = f"{plays - known:+,} plays and {tracks - known_tracks:+,} tracks since"
        if share >= rules.train_share and share > 0:
            return Due(True, new, plays, tracks)
        if not share:
            return Due(False, "nothing that models learn from is new", plays, tracks)
    else:
        new = "something new since"
    if days >= rules.train_days:
        return Due(True, f"{new} {days:.0f} days", plays, tracks)
    return Due(False, f"{new} {since:%d %b}: too little for now", plays, tracks)


def note_training(memory: UpdateMemory, bundle: str, due: Due, now: datetime) -> None:
    """Remember what a bundle was learned from."""
    memory.note(_TRAINED, now, bundle=bundle, plays=due.plays, tracks=due.tracks)


def _learned(bundle: Bundle, memory: UpdateMemory) -> tuple[datetime, int | None, int | None]:
    """When the models were trained, and on how many plays and tracks, if that is known."""
    last = memory.deed(_TRAINED)
    if last is None or last.detail.get("bundle") != bundle.name:
        return bundle.trained_at, None, None  # trained by hand
    return last.at, last.detail["plays"], last.detail["tracks"]


def _growth(was: int, now: int) -> float:
    """By which share it has changed; fewer plays are a change as well."""
    return abs(now - was) / max(1, was)


def _plays(snapshot: Snapshot, sources: Collection[str]) -> int:
    told = snapshot.read("plays", columns=[c.SOURCE])[c.SOURCE]
    return int(pc.sum(pc.is_in(told, pa.array(sources, pa.string()))).as_py() or 0)
