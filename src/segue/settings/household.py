"""Settings of a household: who lives in it, and which plays are none of theirs."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from segue.settings.part import Part

__all__ = ["WEEKDAYS", "HouseholdUser", "NotMine", "Weekday"]

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: Final[tuple[Weekday, ...]] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
_HOURS: Final = re.compile(r"([01]?\d|2[0-3]):[0-5]\d-([01]?\d|2[0-3]):[0-5]\d")


def _hours(text: str) -> str:
    first, _, last = text.partition("-")
    if text and (not _HOURS.fullmatch(text) or first == last):
        raise ValueError(f"“{text}” is no time of day, such as 18:30-20:00")
    return text


class HouseholdUser(Part):
    """Somebody of the household: one table [[users]] each."""

    user: str = Field(
        min_length=1,
        max_length=200,
        pattern=r"^\S(.*\S)?$",
        description="As their plays are kept under.",
    )
    name: str = Field("", max_length=60, description="What the page calls them; empty: the same.")


class NotMine(Part):
    """Plays of somebody else under one's name, such as a child's: one table [[not_mine]] each.

    What is said in several ways has to hold together; of several in a list one is enough.
    """

    name: str = Field(min_length=1, max_length=60, description="What the rule is called.")
    user: str = Field("", description="Whose plays; empty: the user `user_id`.")
    artists: tuple[str, ...] = Field((), description="Plays of one of these artists.")
    devices: tuple[str, ...] = Field(
        (), description="Plays on a device whose name has one of these words in it."
    )
    days: tuple[Weekday, ...] = Field((), description="Plays that began on one of these days.")
    hours: Annotated[str, AfterValidator(_hours)] = Field(
        "", description="Plays that began in these hours, such as 18:30-20:00."
    )
    first: date | None = Field(None, description="Not before this day.")
    last: date | None = Field(None, description="Not after this day.")
    whole_sessions: bool = Field(
        False, description="All that was played in one go with such a play, too."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        told = (self.artists, self.devices, self.days, self.hours, self.first, self.last)
        if not any(told):
            raise ValueError("it says of no play that it is somebody else’s")
        if self.first and self.last and self.first > self.last:
            raise ValueError("its last day is before the first")
        return self
