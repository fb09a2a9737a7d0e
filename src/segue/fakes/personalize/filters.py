"""Filter expressions, as far as the stand-in knows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from segue.fakes.personalize.resources import RefusalError

__all__ = ["Filter", "parsed"]

_WHOLE: Final = re.compile(
    r"\s*(INCLUDE|EXCLUDE)\s+ItemID\s+WHERE\s+(Items|Interactions|Users)\.(\w+)\s+(NOT IN|IN|=)"
    r"\s*\(?([^()]*)\)?\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Filter:
    """Which items stay.

    Args:
        keeps: Whether items that fit are kept, or left out.
        dataset: ITEMS, INTERACTIONS or USERS.
        column: Its column.
        fits: Whether the value has to be among the values, or must not be.
        values: What is compared with; $NAME stands for a value given with each request.
    """

    keeps: bool
    dataset: str
    column: str
    fits: bool
    values: tuple[str, ...]

    def filled(self, given: Mapping[str, str]) -> frozenset[str]:
        """The values, with those of the request for names; RefusalError: one is missing."""
        found: set[str] = set()
        for value in self.values:
            if not value.startswith("$"):
                found.add(value)
            elif value[1:] in given:
                found |= {one.strip().strip('"') for one in given[value[1:]].split(",")}
            else:
                raise RefusalError("InvalidInputException", f"filterValues lacks {value[1:]}")
        return frozenset(found)


def parsed(expression: str) -> Filter:
    """The filter that an expression means.

    Raises:
        RefusalError: The stand-in cannot follow it; the real one may.
    """
    found = _WHOLE.fullmatch(expression)
    if found is None:
        raise RefusalError("InvalidInputException", f"cannot parse filter: {expression}")
    verb, dataset, column, how, values = found.groups()
    listed = tuple(one.strip().strip('"') for one in values.split(",") if one.strip())
    return Filter(
        verb.upper() == "INCLUDE",
        dataset.upper(),
        column.upper(),
        how.upper() != "NOT IN",
        listed,
    )
