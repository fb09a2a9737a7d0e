"""A simulated world: music, listeners and plays, in the formats that the sources read."""

from segue.sources.simulation.settings import HABITS, Habit, SimulationSettings
from segue.sources.simulation.simulate import SimulationReport, simulate
from segue.sources.simulation.statistics import Statistics

__all__ = [
    "HABITS",
    "Habit",
    "SimulationReport",
    "SimulationSettings",
    "Statistics",
    "simulate",
]
