"""Everything that was asked of one history, as one value; its JSON is the stable answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from segue.analytics.drift import Drift, drift
from segue.analytics.heard import Heard
from segue.analytics.newness import Newness, newness
from segue.analytics.periods import Every, period_for, period_of_mixes
from segue.analytics.rhythm import Clock, Streaks, clock, streaks
from segue.analytics.tops import OF, By, Of, Ranked, most, top
from segue.analytics.totals import Timeline, Totals, timeline, totals, totals_before
from segue.analytics.windows import Window

__all__ = ["VIEWS", "Asked", "Statistics", "View", "work_out"]

View = Literal["summary", "top", "clock", "streaks", "new", "skips", "finished", "drift"]
VIEWS: Final[tuple[View, ...]] = (
    "summary",
    "top",
    "clock",
    "streaks",
    "new",
    "skips",
    "finished",
    "drift",
)
VERSION: Final = 1
_IN_SUMMARY: Final = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be worked out.

    Args:
        view: Which side of the history.
        of: View “top” only: what is ranked.
        by: Rankings by counted plays or by time heard.
        limit: The most places of a ranking.
        every: The length of periods; None: what fits the window.
    """

    view: View = "summary"
    of: tuple[Of, ...] = OF
    by: By = "plays"
    limit: int = 10
    every: Every | None = None


@dataclass(frozen=True)
class Statistics:
    """The answer; what was not asked for is empty or None.

    Args:
        user_id: Whose history.
        snapshot: Name of the published marts.
        time_zone: Name of the zone in which hours and days are told.
        asked: What was asked.
        window: Of which span.
        totals: Sums of the window.
        before: Sums of the window before; None without one.
        timeline: The window in periods.
        top: What is ranked -> its places.
        clock: Hours of the week.
        streaks: Days in a row.
        new: New against known.
        skipped: Tracks and artists skipped most.
        finished: Tracks finished most.
        drift: How taste moved.
    """

    user_id: str
    snapshot: str
    time_zone: str
    asked: Asked
    window: Window
    totals: Totals
    before: Totals | None = None
    timeline: Timeline | None = None
    top: Mapping[Of, tuple[Ranked, ...]] = field(default_factory=dict)
    clock: Clock | None = None
    streaks: Streaks | None = None
    new: Newness | None = None
    skipped: Mapping[Of, tuple[Ranked, ...]] = field(default_factory=dict)
    finished: tuple[Ranked, ...] = ()
    drift: Drift | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values: a key for each part that was worked out."""
        told: dict[str, Any] = {
            "version": VERSION,
            "user_id": self.user_id,
            "snapshot": self.snapshot,
            "view": self.asked.view,
            "by": self.asked.by,
            "time_zone": self.time_zone,
            "window": self.window.as_dict(),
            "totals": self.totals.as_dict(),
            "before": None if self.before is None else self.before.as_dict(),
        }
        if self.top:
            told["top"] = {of: _rows(places) for of, places in self.top.items()}
        for name in ("timeline", "clock", "streaks", "new", "drift"):
            part = getattr(self, name)
            if part is not None:
                told[name] = part.as_dict()
        if self.asked.view in ("skips", "summary"):
            told["skipped"] = {of: _rows(places) for of, places in self.skipped.items()}
        if self.asked.view in ("finished", "summary"):
            told["finished"] = {"tracks": _rows(self.finished)}
        return told


def _rows(places: tuple[Ranked, ...]) -> list[dict[str, Any]]:
    return [place.as_dict() for place in places]


def work_out(heard: Heard, asked: Asked, *, snapshot: str, now: datetime) -> Statistics:
    """The parts that a view shows.

    Args:
        heard: The sums of the history.
        asked: Which parts.
        snapshot: Name of the marts, for the record.
        now: Aware, in the listener's time zone.
    """
    span = heard.window.span
    every = asked.every or period_for(span)
    parts: dict[str, Any] = {}
    match asked.view:
        case "summary":
            few = min(asked.limit, _IN_SUMMARY)
            parts = {
                "top": {of: top(heard, of, by=asked.by, limit=few) for of in OF},
                "timeline": timeline(heard, every),
                "clock": clock(heard),
                "streaks": streaks(heard, now),
                "new": newness(heard, every),
                "skipped": {"tracks": most(heard, "skips", limit=few)},
                "finished": most(heard, "finishes", limit=few),
            }
        case "top":
            ranked = {of: top(heard, of, by=asked.by, limit=asked.limit) for of in asked.of}
            parts = {"top": ranked}
        case "clock":
            parts = {"clock": clock(heard)}
        case "streaks":
            parts = {"streaks": streaks(heard, now), "timeline": timeline(heard, "day")}
        case "new":
            parts = {"new": newness(heard, every)}
        case "skips":
            kinds: tuple[Of, ...] = ("tracks", "artists")
            parts = {"skipped": {of: most(heard, "skips", of, limit=asked.limit) for of in kinds}}
        case "finished":
            parts = {"finished": most(heard, "finishes", limit=asked.limit)}
        case "drift":
            parts = {"drift": drift(heard, asked.every or period_of_mixes(span))}
    return Statistics(
        user_id=heard.user_id,
        snapshot=snapshot,
        time_zone=heard.zone,
        asked=asked,
        window=heard.window,
        totals=totals(heard),
        before=totals_before(heard),
        **parts,
    )
