"""What music sounds like on average, and which sides of it moved from one span to another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from segue.analytics.heard import Heard
from segue.music import columns as c

__all__ = ["FEATURES", "FeatureShift", "Sound", "shifts"]

FEATURES: Final = (
    c.DANCEABILITY,
    c.ENERGY,
    c.VALENCE,
    c.ACOUSTICNESS,
    c.INSTRUMENTALNESS,
    c.SPEECHINESS,
    c.LIVENESS,
    c.LOUDNESS,
    c.TEMPO,
    c.YEAR,
)
"""What a mean says something about: audio features without key, mode and time signature, and the
year in which a track came out."""


@dataclass(frozen=True, slots=True)
class FeatureShift:
    """How one feature moved.

    Args:
        name: Of the feature.
        mean: Over the later plays.
        mean_before: Over the earlier plays.
        shift: The difference in pooled standard deviations: Cohen's d (Cohen, 1988, “Statistical
            Power Analysis for the Behavioral Sciences”), where 0.2 is small and 0.8 is large.
    """

    name: str
    mean: float
    mean_before: float
    shift: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Sound:
    """Moments of the features.

    Args:
        means: First day of a period -> feature -> mean.
        spans: Whether it is the later span -> feature -> plays, mean, variance.
    """

    means: Mapping[date, Mapping[str, float]]
    spans: Mapping[bool, Mapping[str, tuple[float, float, float]]]

    @classmethod
    def of(cls, heard: Heard, later_from: date) -> Sound:
        """From the table `track_mixes`."""
        means = {
            row.pop("begins"): {name: value for name, value in row.items() if value is not None}
            for row in heard.rows(
                "SELECT begins, "
                + ", ".join(f"{_sum(name)} / {_plays(name)} AS {name}" for name in FEATURES)
                + f"{_FROM} WHERE begins IS NOT NULL GROUP BY begins"
            )
        }
        spans = {}
        for row in heard.rows(
            "SELECT coalesce(begins >= $later_from, false) AS later, "
            + ", ".join(
                f"{_plays(name)} AS {name}_plays, {_sum(name)} AS {name}_sum,"
                f" {_sum(f'{name} * {name}', name)} AS {name}_squares"
                for name in FEATURES
            )
            + f"{_FROM} GROUP BY later",
            later_from=later_from,
        ):
            spans[row["later"]] = {
                name: _moments(*(row[f"{name}_{part}"] for part in ("plays", "sum", "squares")))
                for name in FEATURES
                if row[f"{name}_plays"]
            }
        return cls(means, spans)


_FROM: Final = " FROM track_mixes LEFT JOIN tracks USING (track_id)"


def _plays(name: str) -> str:
    return f"sum(track_mixes.plays) FILTER ({name} IS NOT NULL)"


def _sum(value: str, name: str = "") -> str:
    return f"sum(track_mixes.plays * ({value})::DOUBLE) FILTER ({name or value} IS NOT NULL)"


def _moments(plays: float, total: float, squares: float) -> tuple[float, float, float]:
    plays = float(plays)
    mean = total / plays
    return plays, mean, max(0.0, squares / plays - mean * mean)


def shifts(sound: Sound) -> tuple[FeatureShift, ...]:
    """How each feature moved from the earlier span to the later, the most moved first."""
    now, then = sound.spans.get(True, {}), sound.spans.get(False, {})
    found = []
    for name in FEATURES:
        if name not in now or name not in then:
            continue
        (n1, mean, variance), (n2, mean_before, variance_before) = now[name], then[name]
        pooled = math.sqrt((n1 * variance + n2 * variance_before) / (n1 + n2))
        shift = (mean - mean_before) / pooled if pooled > 0 else 0.0
        found.append(FeatureShift(name, mean, mean_before, shift))
    return tuple(sorted(found, key=lambda each: -abs(each.shift)))
