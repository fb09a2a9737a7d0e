"""What an update did, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, get_args

__all__ = ["EXIT_CODES", "STEPS", "StepName", "StepReport", "StepState", "UpdateReport"]

StepName = Literal["collect", "build", "train", "recommend", "publish", "notify"]
STEPS: Final[tuple[StepName, ...]] = get_args(StepName)

StepState = Literal["done", "skipped", "planned", "failed"]

EXIT_CODES: Final[Mapping[StepName, int]] = {step: 11 + n for n, step in enumerate(STEPS)}
"""What `segue update` leaves with when this step is the first that failed."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """What became of one step.

    Args:
        state: `skipped` is no fault: there was nothing to do, or it is not wanted or set up;
            `planned`: what would be done.
        words: The result, or the reason, in a sentence without a full stop.
        cure: What helps, where it failed.
        seconds: How long it took.
        details: One entry for each account, playlist or destination, JSON-ready.
    """

    step: StepName
    state: StepState
    words: str
    cure: str = ""
    seconds: float = 0.0
    details: tuple[Mapping[str, Any], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "step": self.step,
            "state": self.state,
            "words": self.words,
            "cure": self.cure,
            "seconds": round(self.seconds, 3),
            "details": [dict(one) for one in self.details],
        }


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What became of all steps, in their order.

    Args:
        requests: Service -> requests that were made to it meanwhile, by whomever.
    """

    started_at: datetime
    ended_at: datetime
    steps: tuple[StepReport, ...]
    requests: Mapping[str, int] = field(default_factory=dict)
    dry_run: bool = False

    @property
    def exit_code(self) -> int:
        """0, or that of the first step that failed."""
        failed = (EXIT_CODES[one.step] for one in self.steps if one.state == "failed")
        return next(failed, 0)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at.isoformat(),
            "dry_run": self.dry_run,
            "exit_code": self.exit_code,
            "requests": dict(self.requests),
            "steps": [one.as_dict() for one in self.steps],
        }
