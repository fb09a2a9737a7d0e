"""Settings of a household: who lives in it."""

from __future__ import annotations

from pydantic import Field

from segue.settings.part import Part

__all__ = ["HouseholdUser"]


class HouseholdUser(Part):
    """Somebody of the household: one table [[users]] each."""

    user: str = Field(
        min_length=1,
        max_length=200,
        pattern=r"^\S(.*\S)?$",
        description="As their plays are kept under.",
    )
    name: str = Field("", max_length=60, description="What the page calls them; empty: the same.")
