"""Where a long training puts what it has so far, and whom it tells how far it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final, Protocol, runtime_checkable

import numpy.typing as npt

from segue.recommenders.arrays import load_array, save_arrays

__all__ = ["Resumable", "Workplace"]

_EVERY_S: Final = 20.0
_STATE: Final = "state.json"


def _nobody(share: float) -> None:
    """Nobody listens."""


@dataclass
class Workplace:
    """A folder for the state of one training that may be interrupted at any moment.

    Args:
        folder: Made when something is first kept.
        tell: Is told which share of the work is done, 0 … 1.
        every_s: So many seconds lie between two states that are kept.
    """

    folder: Path
    tell: Callable[[float], None] = _nobody
    every_s: float = _EVERY_S
    _kept_at: float = 0.0

    def __post_init__(self) -> None:
        self._kept_at = monotonic()

    def kept(self, of: str) -> tuple[int, dict[str, npt.NDArray[Any]]] | None:
        """The latest whole state: steps done, and arrays by name; None where there is none.

        Args:
            of: What tells this training from another; a state of another is none.
        """
        try:
            state = json.loads((self.folder / _STATE).read_text(encoding="utf-8"))
            if state["of"] != of:
                return None
            place = self.folder / state["place"]
            return state["done"], {name: load_array(place, name) for name in state["arrays"]}
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, of: str, done: int, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep a state, if the last one is old enough; whoever is killed meanwhile has that one."""
        if monotonic() - self._kept_at < self.every_s:
            return
        place = self.folder / f"step-{done}"
        place.mkdir(parents=True, exist_ok=True)
        save_arrays(place, arrays)
        state = {"of": of, "done": done, "place": place.name, "arrays": sorted(arrays)}
        fresh = self.folder / f"{_STATE}.new"
        fresh.write_text(json.dumps(state), encoding="utf-8")
        fresh.replace(self.folder / _STATE)
        for old in self.folder.glob("step-*"):
            if old != place:
                for file in old.iterdir():
                    file.unlink()
                old.rmdir()
        self._kept_at = monotonic()


@runtime_checkable
class Resumable(Protocol):
    """A recommender whose training goes on where an interrupted one stopped."""

    workplace: Workplace | None
    """Where; None: nothing is kept. The result is the same."""
