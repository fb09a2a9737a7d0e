"""What Segue wants there to be in Personalize, in the order in which it can be made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from segue.aws.personalize_things import (
    CAMPAIGN,
    DATASET,
    FILTER,
    GROUP,
    SCHEMA,
    SOLUTION,
    TRACKER,
    Noun,
)
from segue.flows.personalize.datasets import DATASETS

__all__ = ["RECIPES", "Bill", "Recipe", "Wanted", "wanted"]

Bill = Literal["", "training", "hour"]
"""What a thing costs by being there: nothing, once for each training, or by the hour."""

_WEIGHTS: Final = (("complete", 1.0), ("play", 0.5))
_FILTERS: Final = {
    "unheard": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")',
    "genres": "INCLUDE ItemID WHERE Items.GENRES IN ($GENRES)",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """One of Amazon's ways to recommend.

    Args:
        name: Of the solution and the campaign, behind the group's.
        recipe: Amazon's name.
        events: Whether trainings weigh kinds of events.
    """

    name: str
    recipe: str
    events: bool

    @property
    def arn(self) -> str:
        """Its name in all of AWS."""
        return f"arn:aws:personalize:::recipe/{self.recipe}"


RECIPES: Final = (
    Recipe("for-you", "aws-user-personalization-v2", True),
    Recipe("similar", "aws-similar-items", False),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A thing that is to be there.

    Args:
        noun: What it is.
        name: Its name.
        needs: Member of the request -> the thing whose ARN it is.
        told: The rest of the request.
        bill: What it costs.
    """

    noun: Noun
    name: str
    needs: Mapping[str, Wanted] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    bill: Bill = ""


def wanted(name: str, *, solutions: tuple[str, ...], tps: int) -> tuple[Wanted, ...]:
    """Everything, under a name of the operator's.

    Args:
        name: Of the dataset group, and before all other names.
        solutions: Which of RECIPES.
        tps: Requests a second that each campaign is kept ready for; each is billed by the hour.
    """
    group = Wanted(GROUP, name)
    found = [group]
    in_group = {"datasetGroupArn": group}
    for one in DATASETS:
        mark = hashlib.sha256(one.schema.encode()).hexdigest()[:8]
        schema = Wanted(SCHEMA, f"{name}-{one.kind.lower()}-{mark}", told={"schema": one.schema})
        needs = {**in_group, "schemaArn": schema}
        found += [
            schema,
            Wanted(DATASET, f"{name}-{one.kind.lower()}", needs, {"datasetType": one.kind}),
        ]
    found.append(Wanted(TRACKER, name, in_group))
    for word, expression in _FILTERS.items():
        told = {"filterExpression": expression}
        found.append(Wanted(FILTER, f"{name}-{word}", in_group, told))
    for recipe in RECIPES:
        if recipe.name in solutions:
            found += _of(recipe, name, in_group, tps)
    return tuple(found)


def _of(recipe: Recipe, name: str, in_group: Mapping[str, Wanted], tps: int) -> list[Wanted]:
    told: dict[str, Any] = {"recipeArn": recipe.arn, "performAutoTraining": False}
    if recipe.events:
        weights = [{"eventType": kind, "weight": weight} for kind, weight in _WEIGHTS]
        told["solutionConfig"] = {"eventsConfig": {"eventParametersList": weights}}
    solution = Wanted(SOLUTION, f"{name}-{recipe.name}", in_group, told, "training")
    campaign = Wanted(
        CAMPAIGN,
        f"{name}-{recipe.name}",
        {"solution": solution},
        {"minProvisionedTPS": tps},
        "hour",
    )
    return [solution, campaign]
