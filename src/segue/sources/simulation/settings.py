"""How large a simulated world is, and what seed it grows from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

from segue.errors import ConfigError

__all__ = ["HABITS", "HABIT_NAMES", "Habit", "SimulationSettings"]

Habit = Literal["mixed", "binger", "loyalist", "explorer", "rotator", "regular"]
HABITS: Final[tuple[Habit, ...]] = get_args(Habit)
HABIT_NAMES: Final = ", ".join(HABITS)

_MINIMUM: Final = {
    "users": 0,
    "tracks": 200,
    "plays_per_user": 20,
    "days": 14,
    "seed": 0,
    "histories": 0,
    "history_plays": 50,
    "workers": 1,
    "shard_plays": 1000,
}
_MAXIMUM: Final = {"tracks": 20_000_000, "days": 7300, "workers": 256}


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """A simulated world, in full: the same settings give the same bytes.

    Args:
        end: Aware; the moment after the last play.
        users: People in all; the first `histories` of them get an export of their own, the rest
            are the crowd.
        tracks: Tracks in the catalogue, at least 200.
        plays_per_user: Mean number of plays of a crowd listener (plays of 30 s and more).
        days: Length of the time that is simulated.
        seed: Everything random comes from here, 0 or more.
        histories: How many users get their own Spotify export.
        history_plays: Streams in each of those exports, about (skips included).
        habits: What kind of listeners the users with an export are, in turn.
        catalogue: "csv", or "parquet" for catalogues that are large.
        workers: Processes for the crowd; the files do not depend on it.
        shard_plays: A crowd larger than this is written as several Parquet files of about this
            many plays each.

    Raises:
        ConfigError: A value is out of bounds; the message names it.

    >>> SimulationSettings(end=datetime.fromisoformat("2026-01-01T00:00:00+00:00")).users
    200
    """

    end: datetime
    users: int = 200
    tracks: int = 10_000
    plays_per_user: int = 1500
    days: int = 730
    seed: int = 17
    histories: int = 1
    history_plays: int = 20_000
    habits: tuple[Habit, ...] = HABITS
    catalogue: Literal["csv", "parquet"] = "csv"
    workers: int = 1
    shard_plays: int = 2_000_000

    def __post_init__(self) -> None:
        for name, least in _MINIMUM.items():
            value = getattr(self, name)
            most = _MAXIMUM.get(name)
            if value < least or (most is not None and value > most):
                bounds = f"{least:,} or more" if most is None else f"{least:,} to {most:,}"
                raise ConfigError(
                    f"simulation: {name} is {value:,}", field=name, cure=f"It must be {bounds}."
                )
        self._check_the_rest()

    def _check_the_rest(self) -> None:
        if self.histories > self.users:
            raise ConfigError(
                f"simulation: {self.histories:,} histories for {self.users:,} users",
                field="histories",
                cure="Ask for more users, or for fewer histories.",
            )
        if self.end.tzinfo is None:
            raise ConfigError(
                "simulation: end has no time zone", field="end", cure="Give it in UTC."
            )
        unknown = [habit for habit in self.habits if habit not in HABITS]
        if unknown or not self.habits:
            raise ConfigError(
                f"simulation: habits are {', '.join(self.habits) or 'missing'}",
                field="habits",
                cure=f"Choose from {HABIT_NAMES}.",
            )
        if self.catalogue not in ("csv", "parquet"):
            raise ConfigError(
                f"simulation: catalogue is {self.catalogue}",
                field="catalogue",
                cure="Choose csv or parquet.",
            )

    @property
    def start(self) -> datetime:
        """The first moment that is simulated."""
        return self.end - timedelta(days=self.days)

    @property
    def end_s(self) -> int:
        """`end` as Unix seconds."""
        return int(self.end.timestamp())

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; without `workers`, which changes nothing that is written."""
        values = asdict(self)
        values["end"] = self.end.isoformat()
        values["habits"] = list(self.habits)
        del values["workers"]
        return values
