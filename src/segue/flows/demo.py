"""Show: the whole journey on simulated listeners, from their export to an explained playlist."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from segue.flows.build import build
from segue.flows.evaluate import evaluate
from segue.flows.ingest import IngestReport, ingest
from segue.flows.kept_board import keep_board
from segue.flows.recommend import Wishes, recommend
from segue.flows.simulate import simulate
from segue.flows.train import train
from segue.flows.wiring import Wiring
from segue.music.playlist import Playlist
from segue.own_folder import own_folder
from segue.progress import Progress
from segue.sources.base import Kind, ReadOptions
from segue.sources.simulation import SimulationSettings
from segue.warehouse.lake_lock import exclusive

if TYPE_CHECKING:
    from segue.evaluation.leaderboard import Leaderboard

__all__ = ["LIST_LENGTH", "DemoReport", "demo"]

# A world small enough for a minute and large enough that every model has something to learn.
WORLD: Final = SimulationSettings(
    users=300,
    tracks=12_000,
    plays_per_user=1_000,
    days=730,
    histories=1,
    history_plays=20_000,
    end=datetime(2026, 11, 1, tzinfo=UTC),
    seed=17,
)
WEEKS_HELD_OUT: Final = 4
LIST_LENGTH: Final = 30


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Where everything is, and what came out."""

    home: Path
    export: Path
    playlist_file: Path
    imported: IngestReport
    board: Leaderboard
    playlist: Playlist
    program: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "home": str(self.home),
            "export": str(self.export),
            "playlist_file": str(self.playlist_file),
            "import": self.imported.as_dict(),
            "evaluation": self.board.as_dict(),
            "tracks": [track.as_dict() for track in self.playlist.tracks],
        }


def demo(wiring: Wiring, *, now: datetime, progress: Progress) -> DemoReport:
    """Run every flow once in the demo's own home, which is made anew.

    Raises:
        BusyError: Another demo is under way in the same home.
    """
    with exclusive(wiring.settings.home.with_name("demo.lock"), "demo"):
        return _demo(wiring, now, progress)


def _demo(wiring: Wiring, now: datetime, progress: Progress) -> DemoReport:
    shutil.rmtree(wiring.settings.home, ignore_errors=True)
    world = simulate(WORLD, wiring.home / "world", progress)
    export = next(iter(world.histories.values()))
    imported = _ingest(wiring, [export], "history", now=now, progress=progress)
    _ingest(wiring, [world.catalogue], "catalogue", now=now, progress=progress)
    _ingest(wiring, world.crowd, "crowd", now=now, progress=progress)
    build(
        lake=wiring.lake,
        warehouse=wiring.warehouse,
        snapshots=wiring.snapshots,
        progress=progress,
        now=now,
    )
    board = _learn(wiring, now=now, progress=progress)
    keep_board(wiring.home, wiring.settings.user_id, board, now)
    playlist = recommend(
        bundle=wiring.bundles.current(),
        snapshot=wiring.snapshots.current(),
        user_id=wiring.settings.user_id,
        wishes=Wishes(mix="discover", size=LIST_LENGTH),
        now=None,
    )
    playlists = wiring.home / "playlists"
    own_folder(playlists)
    written = wiring.sink("m3u", playlists / "discover.m3u8").publish(playlist)
    return DemoReport(
        home=wiring.home,
        export=export,
        playlist_file=Path(written.destination),
        imported=imported,
        board=board,
        playlist=playlist,
        program=sys.argv[0],
    )


def _ingest(
    wiring: Wiring, inputs: Sequence[Path], kind: Kind, *, now: datetime, progress: Progress
) -> IngestReport:
    options = ReadOptions(user_id=wiring.settings.user_id, name="simulated", now=now)
    report = ingest(
        inputs,
        sources=wiring.sources,
        kind=kind,
        lake=wiring.lake,
        options=options,
        limits=wiring.limits,
        progress=progress,
    )
    for entry in report.inputs:
        if entry.error is not None:
            raise entry.error
    return report


def _learn(wiring: Wiring, *, now: datetime, progress: Progress) -> Leaderboard:
    training = wiring.settings.training
    board = evaluate(
        snapshot=wiring.snapshots.current(),
        users=(wiring.settings.user_id,),
        weeks=WEEKS_HELD_OUT,
        ks=(LIST_LENGTH,),
        training_sources=training.sources,
        seed=training.seed,
        threads=training.threads,
        left_out=training.left_out,
        progress=progress,
    )
    train(
        snapshot=wiring.snapshots.current(),
        bundles=wiring.bundles,
        training_sources=training.sources,
        seed=training.seed,
        threads=training.threads,
        left_out=training.left_out,
        progress=progress,
        now=now,
    )
    return board
