"""The control plane: groups, schemas, imports, trackers, solutions, campaigns and filters."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final

from segue.fakes.personalize.filters import parsed
from segue.fakes.personalize.holdings import Holdings, Read, columns_of, failure_of, named_users
from segue.fakes.personalize.resources import RefusalError, Resource, Resources

__all__ = ["Control"]

_RECIPES: Final = frozenset(
    {
        "aws-user-personalization-v2",
        "aws-user-personalization",
        "aws-personalized-ranking-v2",
        "aws-similar-items",
        "aws-sims",
        "aws-popularity-count",
        "aws-trending-now",
        "aws-semantic-similarity",
    }
)
_NAMED: Final[Mapping[str, tuple[str, str, str]]] = {
    # operation's noun: kind of resource, name of its ARN, name of the list of them
    "DatasetGroup": ("dataset-group", "datasetGroupArn", "datasetGroups"),
    "Schema": ("schema", "schemaArn", "schemas"),
    "Dataset": ("dataset", "datasetArn", "datasets"),
    "DatasetImportJob": ("dataset-import-job", "datasetImportJobArn", "datasetImportJobs"),
    "DataDeletionJob": ("data-deletion-job", "dataDeletionJobArn", "dataDeletionJobs"),
    "EventTracker": ("event-tracker", "eventTrackerArn", "eventTrackers"),
    "Solution": ("solution", "solutionArn", "solutions"),
    "SolutionVersion": ("solution-version", "solutionVersionArn", "solutionVersions"),
    "Campaign": ("campaign", "campaignArn", "campaigns"),
    "Filter": ("filter", "filterArn", "Filters"),
}
_NEEDS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    # a kind, and the kinds that keep it from being deleted with their name for it
    "dataset-group": (
        ("dataset", "datasetGroupArn"),
        ("event-tracker", "datasetGroupArn"),
        ("solution", "datasetGroupArn"),
        ("filter", "datasetGroupArn"),
    ),
    "schema": (("dataset", "schemaArn"),),
    "solution": (("campaign", "solutionArn"),),
}


class Control:
    """What the control plane does, one method an operation that is not like the others.

    Args:
        resources: What the account holds.
        read: How files on S3 are read.
    """

    def __init__(self, resources: Resources, read: Read) -> None:
        self.resources = resources
        self.read = read
        self.holdings: dict[str, Holdings] = {}
        self._numbers = itertools.count(1)
        self._creates: Mapping[str, Callable[[dict[str, Any]], Resource]] = {
            "DatasetGroup": self._group,
            "Schema": self._schema,
            "Dataset": self._dataset,
            "DatasetImportJob": self._import,
            "DataDeletionJob": self._deletion,
            "EventTracker": self._tracker,
            "Solution": self._solution,
            "SolutionVersion": self._version,
            "Campaign": self._campaign,
            "Filter": self._filter,
        }

    def answer(self, operation: str, told: dict[str, Any]) -> dict[str, Any]:
        """What an operation answers; RefusalError: the service says no."""
        for verb in ("Create", "Describe", "Delete", "List", "Update"):
            noun = operation.removeprefix(verb)
            if operation == noun:
                continue
            if verb == "List" and noun.removesuffix("s") in _NAMED:
                return self._list(noun.removesuffix("s"), told)
            if noun in _NAMED and hasattr(self, f"_{verb.lower()}"):
                found: dict[str, Any] = getattr(self, f"_{verb.lower()}")(noun, told)
                return found
        if operation == "GetSolutionMetrics":
            return self._metrics(told["solutionVersionArn"])
        raise RefusalError("InvalidInputException", f"the stand-in knows no {operation}", 501)

    def group_of(self, arn: str, kind: str) -> str:
        """The dataset group that something belongs to."""
        found = self.resources.get(arn, kind)
        if kind == "campaign":
            return self.group_of(found.told["solutionVersionArn"], "solution-version")
        if kind == "solution-version":
            return self.group_of(found.told["solutionArn"], "solution")
        return str(found.told["datasetGroupArn"])

    def _create(self, noun: str, told: dict[str, Any]) -> dict[str, Any]:
        made = self._creates[noun](told)
        extra = {"trackingId": made.told["trackingId"]} if noun == "EventTracker" else {}
        return {_NAMED[noun][1]: made.arn, **extra}

    def _describe(self, noun: str, told: dict[str, Any]) -> dict[str, Any]:
        kind, arn, _ = _NAMED[noun]
        found = self.resources.get(told[arn], kind)
        return {noun[0].lower() + noun[1:]: self._told(found, arn)}

    def _list(self, noun: str, told: dict[str, Any]) -> dict[str, Any]:
        kind, arn, many = _NAMED[noun]
        within = {name: value for name, value in told.items() if name.endswith("Arn")}
        every = [self._told(one, arn) for one in self.resources.of(kind, **within)]
        start, size = int(told.get("nextToken") or 0), int(told.get("maxResults") or 100)
        more = {"nextToken": str(start + size)} if start + size < len(every) else {}
        return {many: every[start : start + size], **more}

    def _delete(self, noun: str, told: dict[str, Any]) -> dict[str, Any]:
        kind, arn, _ = _NAMED[noun]
        users = (
            one
            for other, name in _NEEDS.get(kind, ())
            for one in self.resources.of(other, **{name: told[arn]})
        )
        self.resources.remove(told[arn], kind, used_by=users)
        return {}

    def _update(self, noun: str, told: dict[str, Any]) -> dict[str, Any]:
        if noun != "Campaign":
            raise RefusalError("InvalidInputException", f"the stand-in updates no {noun}", 501)
        found = self.resources.active(told["campaignArn"], "campaign")
        if "solutionVersionArn" in told:
            self.resources.active(told["solutionVersionArn"], "solution-version")
        found.told |= {name: value for name, value in told.items() if name != "campaignArn"}
        found.updated_at = self.resources.clock.now()
        return {"campaignArn": found.arn}

    def _told(self, found: Resource, arn: str) -> dict[str, Any]:
        changed = (found.updated_at or found.created_at).timestamp()
        told = {name: value for name, value in found.told.items() if name[0] != "_"}
        told |= {arn: found.arn, "creationDateTime": found.created_at.timestamp()}
        told["lastUpdatedDateTime"] = changed
        if found.kind != "schema":
            told["status"] = found.status(self.resources.clock.now())
        if found.failure and told["status"].endswith("FAILED"):
            told["failureReason"] = found.failure
        return told

    def _group(self, told: dict[str, Any]) -> Resource:
        made = self.resources.add("dataset-group", f"dataset-group/{told['name']}", told)
        self.holdings[made.arn] = Holdings()
        return made

    def _schema(self, told: dict[str, Any]) -> Resource:
        return self.resources.add("schema", f"schema/{told['name']}", told)

    def _dataset(self, told: dict[str, Any]) -> Resource:
        group = self.resources.active(told["datasetGroupArn"], "dataset-group")
        schema = self.resources.get(told["schemaArn"], "schema")
        kind = told["datasetType"].upper()
        if kind not in ("INTERACTIONS", "ITEMS", "USERS"):
            raise RefusalError("InvalidInputException", f"unknown dataset type {kind}")
        columns_of(schema.told["schema"], kind)
        told = {**told, "datasetType": kind}
        return self.resources.add("dataset", f"dataset/{group.told['name']}/{kind}", told)

    def _import(self, told: dict[str, Any]) -> Resource:
        dataset = self.resources.active(told["datasetArn"], "dataset")
        where = told["dataSource"].get("dataLocation", "")
        if not where or "roleArn" not in told:
            raise RefusalError("InvalidInputException", "dataLocation and roleArn are required")
        now = self.resources.clock.now()
        for one in self.resources.of("dataset-import-job", datasetArn=dataset.arn):
            if now < one.ready_at:
                raise RefusalError("ResourceInUseException", f"{one.arn} is running")
        schema = self.resources.get(dataset.told["schemaArn"], "schema")
        kind = dataset.told["datasetType"]
        failure, rows = failure_of(self.read(where), columns_of(schema.told["schema"], kind))
        made = self.resources.add(
            "dataset-import-job", f"dataset-import-job/{told['jobName']}", told, failure
        )
        if not failure:
            whole = told.get("importMode", "FULL") == "FULL"
            self.holdings[dataset.told["datasetGroupArn"]].take(kind, rows, whole=whole)
        return made

    def _deletion(self, told: dict[str, Any]) -> Resource:
        group = self.resources.active(told["datasetGroupArn"], "dataset-group")
        where = told["dataSource"].get("dataLocation", "")
        found = self.read(where) if where else ()
        failure, users = named_users(found)
        made = self.resources.add(
            "data-deletion-job", f"data-deletion-job/{told['jobName']}", told, failure
        )
        made.told["numDeleted"] = self.holdings[group.arn].forget(users)
        return made

    def _tracker(self, told: dict[str, Any]) -> Resource:
        group = self.resources.active(told["datasetGroupArn"], "dataset-group")
        if any(self.resources.of("event-tracker", datasetGroupArn=group.arn)):
            raise RefusalError("ResourceAlreadyExistsException", "one event tracker a group")
        number = f"{next(self._numbers):08x}"
        told = {**told, "trackingId": f"{number}-0000-4000-8000-000000000000"}
        return self.resources.add("event-tracker", f"event-tracker/{number}", told)

    def _solution(self, told: dict[str, Any]) -> Resource:
        self.resources.active(told["datasetGroupArn"], "dataset-group")
        recipe = told.get("recipeArn", "").rpartition("arn:aws:personalize:::recipe/")[2]
        if recipe not in _RECIPES:
            raise RefusalError("InvalidInputException", f"unknown recipe {recipe!r}")
        return self.resources.add("solution", f"solution/{told['name']}", told)

    def _version(self, told: dict[str, Any]) -> Resource:
        solution = self.resources.active(told["solutionArn"], "solution")
        failure = self.holdings[solution.told["datasetGroupArn"]].too_little()
        rest = f"solution/{solution.told['name']}/{next(self._numbers):08x}"
        told = {"trainingMode": "FULL", **told, "recipeArn": solution.told["recipeArn"]}
        return self.resources.add("solution-version", rest, told, failure)

    def _campaign(self, told: dict[str, Any]) -> Resource:
        version = self.resources.active(told["solutionVersionArn"], "solution-version")
        told = {"minProvisionedTPS": 1, **told, "solutionArn": version.told["solutionArn"]}
        return self.resources.add("campaign", f"campaign/{told['name']}", told)

    def _filter(self, told: dict[str, Any]) -> Resource:
        self.resources.active(told["datasetGroupArn"], "dataset-group")
        parsed(told["filterExpression"])
        return self.resources.add("filter", f"filter/{told['name']}", told)

    def _metrics(self, arn: str) -> dict[str, Any]:
        """Metrics as the service names them; the values are the stand-in's own and mean nothing."""
        self.resources.active(arn, "solution-version")
        named = (
            "coverage",
            "mean_reciprocal_rank_at_25",
            "normalized_discounted_cumulative_gain_at_25",
        )
        return {"solutionVersionArn": arn, "metrics": dict.fromkeys(named, 0.0)}
