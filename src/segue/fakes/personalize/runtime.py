"""Events in and recommendations out, from the rows at hand: what others play beside one's own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from segue.fakes.personalize.control import Control
from segue.fakes.personalize.filters import Filter, parsed
from segue.fakes.personalize.holdings import Holdings
from segue.fakes.personalize.resources import NoSuchError, RefusalError

__all__ = ["Runtime"]

_RELATED: Final = ("aws-similar-items", "aws-sims", "aws-semantic-similarity")


class Runtime:
    """What is asked of an account that is set up.

    Args:
        control: The account.
    """

    def __init__(self, control: Control) -> None:
        self.control = control
        self._answers = 0

    def answer(self, operation: str, told: dict[str, Any]) -> dict[str, Any]:
        """What an operation answers; RefusalError: the service says no."""
        if operation == "PutEvents":
            return self._events(told)
        if operation in ("PutItems", "PutUsers"):
            return self._rows(operation.removeprefix("Put").upper(), told)
        if operation == "GetRecommendations":
            return self._recommendations(told)
        if operation == "GetPersonalizedRanking":
            return self._ranking(told)
        raise RefusalError("InvalidInputException", f"the stand-in knows no {operation}", 501)

    def _events(self, told: dict[str, Any]) -> dict[str, Any]:
        group = self._tracked(told["trackingId"])
        for event in told["eventList"]:
            self.control.holdings[group].events.append(
                {"userId": told.get("userId"), "sessionId": told["sessionId"], **event}
            )
        return {}

    def _tracked(self, tracking_id: str) -> str:
        for tracker in self.control.resources.of("event-tracker", trackingId=tracking_id):
            return str(tracker.told["datasetGroupArn"])
        raise NoSuchError(tracking_id)

    def _rows(self, kind: str, told: dict[str, Any]) -> dict[str, Any]:
        dataset = self.control.resources.active(told["datasetArn"], "dataset")
        key = kind.removesuffix("S") + "_ID"
        rows = [{key: one[f"{kind[:-1].lower()}Id"]} for one in told[kind.lower()]]
        holdings = self.control.holdings[dataset.told["datasetGroupArn"]]
        holdings.take(kind, rows, whole=False)
        return {}

    def _recommendations(self, told: dict[str, Any]) -> dict[str, Any]:
        arn = told.get("campaignArn", "")
        campaign = self.control.resources.active(arn, "campaign")
        recipe = self._recipe(campaign.told["solutionVersionArn"])
        holdings = self.control.holdings[self.control.group_of(arn, "campaign")]
        related = recipe in _RELATED
        if ("itemId" if related else "userId") not in told:
            raise _invalid(f"{'itemId' if related else 'userId'} is required for {recipe}")
        scored = (
            _beside_item(holdings, told["itemId"]) if related else _for(holdings, told["userId"])
        )
        kept = self._filtered(scored, holdings, told)
        most = told.get("numResults", 25)
        items = [{"itemId": item, "score": score} for item, score in kept[:most]]
        return {"itemList": items, "recommendationId": self._number()}

    def _ranking(self, told: dict[str, Any]) -> dict[str, Any]:
        campaign = self.control.resources.active(told["campaignArn"], "campaign")
        group = self.control.group_of(campaign.arn, "campaign")
        scores = dict(_for(self.control.holdings[group], told["userId"]))
        known = sorted(told["inputList"], key=lambda item: -scores.get(item, -1.0))
        ranked = [{"itemId": item, "score": scores.get(item, 0.0)} for item in known]
        return {"personalizedRanking": ranked, "recommendationId": self._number()}

    def _recipe(self, version: str) -> str:
        found = self.control.resources.get(version, "solution-version")
        return str(found.told["recipeArn"]).rpartition("/")[2]

    def _number(self) -> str:
        self._answers += 1
        return f"RID-{self._answers:08x}"

    def _filtered(
        self, scored: list[tuple[str, float]], holdings: Holdings, told: Mapping[str, Any]
    ) -> list[tuple[str, float]]:
        if "filterArn" not in told:
            return scored
        found = self.control.resources.active(told["filterArn"], "filter")
        rule = parsed(found.told["filterExpression"])
        fitting = set(_fitting(rule, holdings, told))
        return [one for one in scored if (one[0] in fitting) == rule.keeps]


def _invalid(message: str) -> RefusalError:
    return RefusalError("InvalidInputException", message)


def _fitting(rule: Filter, holdings: Holdings, told: Mapping[str, Any]) -> Iterable[str]:
    """Items that fit a filter's condition."""
    values = rule.filled(told.get("filterValues", {}))
    any_at_all = "*" in values
    if rule.dataset == "ITEMS":
        for row in holdings.imported["ITEMS"]:
            if bool(set(row.get(rule.column, "").split("|")) & values) == rule.fits:
                yield row["ITEM_ID"]
        return
    for row in holdings.imported["INTERACTIONS"]:
        mine = row["USER_ID"] == told.get("userId")
        if mine and (any_at_all or (row.get(rule.column, "") in values) == rule.fits):
            yield row["ITEM_ID"]
    for event in holdings.events:
        mine = bool(event.get("itemId")) and event.get("userId") == told.get("userId")
        if mine and (any_at_all or (event["eventType"] in values) == rule.fits):
            yield event["itemId"]


def _for(holdings: Holdings, user: str) -> list[tuple[str, float]]:
    """What those play who share items with the user; for a stranger, what is played most."""
    players: dict[str, set[str]] = defaultdict(set)
    plays = holdings.plays()
    for who, item in plays:
        players[item].add(who)
    own = {item for who, item in plays if who == user}
    alike = Counter(who for item in own for who in players[item] if who != user)
    weights = Counter[str]()
    for who, item in plays:
        weights[item] += alike[who] if own else 1
    return _shares(weights)


def _beside_item(holdings: Holdings, item: str) -> list[tuple[str, float]]:
    """Items of the users who have this one, that one left out."""
    plays = holdings.plays()
    users = {who for who, played in plays if played == item}
    return _shares(Counter(other for who, other in plays if who in users and other != item))


def _shares(weights: Counter[str]) -> list[tuple[str, float]]:
    total = sum(weights.values()) or 1
    order = sorted(weights.items(), key=lambda one: (-one[1], one[0]))
    return [(item, weight / total) for item, weight in order if weight]
