"""Simulate a world and its listeners: music, exports and a crowd to try everything on."""

from __future__ import annotations

import logging
from pathlib import Path
from time import perf_counter

from segue.progress import Progress
from segue.sources import simulation
from segue.sources.simulation import SimulationReport, SimulationSettings

__all__ = ["simulate"]

_LOG = logging.getLogger(__name__)


def simulate(settings: SimulationSettings, out: Path, progress: Progress) -> SimulationReport:
    """Write a simulated world to `out`: a catalogue, a crowd, and exports of some users.

    Args:
        settings: How large, how long, from which seed.
        out: A folder that is new, empty, or an earlier simulation, which is then replaced.
        progress: Told of every stage.

    Returns:
        Where the files are, how much is in them, and measures of what was played.

    Raises:
        ConfigError: `out` holds something else.
        BusyError: Another run is writing to `out`.
        StorageError: The disk is full or `out` cannot be written.
    """
    began = perf_counter()
    report = simulation.simulate(settings, out, progress)
    _LOG.info(
        "simulated %d tracks, %d crowd plays and %d histories in %.1f s",
        report.tracks,
        report.crowd_plays,
        len(report.histories),
        perf_counter() - began,
    )
    return report
