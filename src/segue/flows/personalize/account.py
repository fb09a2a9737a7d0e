"""Settings turned into what Segue wants in Personalize, and how the two compare."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from segue.aws.clients import Aws
from segue.aws.personalize_things import (
    CAMPAIGN,
    GROUP,
    SCHEMA,
    TRACKER,
    VERSION,
    Noun,
    Thing,
    Things,
)
from segue.errors import ConfigError
from segue.flows.personalize.wanted import RECIPES, Wanted, wanted
from segue.settings import Settings

__all__ = ["Account", "Found", "open_account"]


@dataclass(frozen=True, slots=True)
class Found:
    """A thing that is wanted, and what there is of it.

    Args:
        wanted: The thing.
        thing: As it is; None: it is not there.
    """

    wanted: Wanted
    thing: Thing | None

    @property
    def state(self) -> str:
        """missing, failed, making or there."""
        if self.thing is None:
            return "missing"
        if self.thing.failed:
            return "failed"
        return "there" if self.thing.status == "ACTIVE" else "making"


@dataclass(frozen=True)
class Account:
    """An account of Personalize with what Segue wants in it.

    Args:
        things: What is there.
        wanted: What should be.
        settings: Under which settings.
    """

    things: Things
    wanted: tuple[Wanted, ...]
    settings: Settings

    @property
    def name(self) -> str:
        """Of the dataset group."""
        return self.settings.personalize.name

    def group(self) -> Thing | None:
        """The dataset group."""
        return self.things.find(GROUP, self.name)

    def find(self, one: Wanted) -> Thing | None:
        """What there is of a thing."""
        if one.noun in (GROUP, SCHEMA):
            return self.things.find(one.noun, one.name)
        group = self.group()
        if group is None:
            return None
        if one.noun is CAMPAIGN:
            return self._campaign(one)
        told = {"datasetGroupArn": group.arn}
        if one.noun.word == "dataset":  # listed without its name, but there is one of a kind
            name = str(one.told["datasetType"]).upper()
            return next((t for t in self.things.every(one.noun, **told) if _kind(t) == name), None)
        return self.things.find(one.noun, one.name, **told)

    def compare(self) -> tuple[Found, ...]:
        """Everything that is wanted, beside what there is."""
        return tuple(Found(one, self.find(one)) for one in self.wanted)

    def of(self, noun: Noun) -> tuple[Wanted, ...]:
        """What is wanted of a kind."""
        return tuple(one for one in self.wanted if one.noun is noun)

    def latest_training(self, solution: Thing) -> Thing | None:
        """The newest training that can be used."""
        every = self.things.every(VERSION, solutionArn=solution.arn)
        done = [one for one in every if one.status == "ACTIVE"]
        return max(done, key=lambda one: one.made_at, default=None)

    def tracking_id(self) -> str:
        """What PutEvents has to be told; empty: nothing is deployed."""
        tracker = next((self.find(one) for one in self.of(TRACKER)), None)
        return "" if tracker is None else str(tracker.told.get("trackingId", ""))

    def _campaign(self, one: Wanted) -> Thing | None:
        solution = self.find(one.needs["solution"])
        if solution is None:
            return None
        return self.things.find(CAMPAIGN, one.name, solutionArn=solution.arn)


def open_account(settings: Settings, *, sleep: Callable[[float], None] = time.sleep) -> Account:
    """The account that the settings mean.

    Raises:
        ConfigError: A setting cannot be used, or boto3 is not installed.
    """
    told = settings.personalize
    known = tuple(recipe.name for recipe in RECIPES)
    for name in told.solutions:
        if name not in known:
            raise ConfigError(
                f"there is no solution “{name}”",
                field="personalize.solutions",
                cure=f"Choose from: {', '.join(known)}.",
            )
    aws = Aws(told.region, told.endpoint_url)
    every = wanted(told.name, solutions=told.solutions, tps=told.tps)
    return Account(Things(aws, sleep=sleep), every, settings)


def _kind(thing: Thing) -> Any:
    return str(thing.told.get("datasetType", "")).upper()
