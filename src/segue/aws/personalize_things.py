"""What there is in Amazon Personalize: found by name, made, waited for, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from segue.aws.clients import Aws
from segue.errors import ServiceDownError, ServiceError

__all__ = [
    "ACTIVE",
    "CAMPAIGN",
    "DATASET",
    "DELETION",
    "FILTER",
    "GROUP",
    "IMPORT",
    "SCHEMA",
    "SERVICE",
    "SOLUTION",
    "TRACKER",
    "VERSION",
    "Noun",
    "Thing",
    "Things",
]

SERVICE: Final = "Amazon Personalize"
ACTIVE: Final = "ACTIVE"
_WAITS: Final = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Noun:
    """A kind of thing, and what boto3 calls what is done with it.

    Args:
        word: In operations: create_<word>.
        many: The list that list_<word>s answers.
        arn: The member that holds its ARN.
        said: As told to a person.
    """

    word: str
    many: str
    arn: str
    said: str

    @property
    def one(self) -> str:
        """The member that describe_<word> answers: datasetGroup for dataset_group."""
        return self.arn.removesuffix("Arn")


GROUP: Final = Noun("dataset_group", "datasetGroups", "datasetGroupArn", "dataset group")
SCHEMA: Final = Noun("schema", "schemas", "schemaArn", "schema")
DATASET: Final = Noun("dataset", "datasets", "datasetArn", "dataset")
IMPORT: Final = Noun("dataset_import_job", "datasetImportJobs", "datasetImportJobArn", "import job")
DELETION: Final = Noun(
    "data_deletion_job", "dataDeletionJobs", "dataDeletionJobArn", "data deletion job"
)
TRACKER: Final = Noun("event_tracker", "eventTrackers", "eventTrackerArn", "event tracker")
SOLUTION: Final = Noun("solution", "solutions", "solutionArn", "solution")
VERSION: Final = Noun("solution_version", "solutionVersions", "solutionVersionArn", "training")
CAMPAIGN: Final = Noun("campaign", "campaigns", "campaignArn", "campaign")
FILTER: Final = Noun("filter", "Filters", "filterArn", "filter")
_NAMES: Final = ("name", "jobName", "datasetType")


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that is there.

    Args:
        noun: What it is.
        arn: Its name in all of AWS.
        status: ACTIVE, CREATE PENDING, CREATE FAILED …; schemas are always ACTIVE.
        made_at: When it was made, aware UTC.
        told: All that the service says of it.
    """

    noun: Noun
    arn: str
    status: str
    made_at: datetime
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its short name."""
        return next((str(self.told[key]) for key in _NAMES if key in self.told), self.arn)

    @property
    def failed(self) -> str:
        """Why it could not be made; empty: it could, or is being made."""
        if "FAILED" not in self.status:
            return ""
        return str(self.told.get("failureReason") or "no reason is given")


class Things:
    """An account's resources in Personalize, in one region.

    Args:
        aws: How to reach it.
        sleep: Waits some seconds.
        limit_seconds: For how long something is waited for.
    """

    def __init__(
        self, aws: Aws, *, sleep: Callable[[float], None], limit_seconds: float = 6 * 3600
    ) -> None:
        self._aws = aws
        self._sleep = sleep
        self._limit = limit_seconds

    def every(self, noun: Noun, **within: str) -> Iterator[Thing]:
        """All things of a kind, such as those of one dataset group."""
        told: dict[str, Any] = dict(within)
        while True:
            page = self._call(f"list_{noun.word}s", f"list every {noun.said}", **told)
            for one in page[noun.many]:
                yield _thing(noun, one)
            if not page.get("nextToken"):
                return
            told["nextToken"] = page["nextToken"]

    def find(self, noun: Noun, name: str, **within: str) -> Thing | None:
        """The thing of this name with all that is known of it; None: there is none."""
        for one in self.every(noun, **within):
            if one.name == name:
                return self.look(noun, one.arn)
        return None

    def look(self, noun: Noun, arn: str) -> Thing:
        """What is known of a thing."""
        told = self._call(f"describe_{noun.word}", f"tell of {arn}", **{noun.arn: arn})
        return _thing(noun, told[noun.one])

    def make(self, noun: Noun, name: str, **told: Any) -> str:
        """Have a thing made; its ARN. Personalize goes on with it by itself."""
        key = "jobName" if noun in (IMPORT, DELETION) else "name"
        named = {} if noun is VERSION and not name else {key: name}
        made = self._call(
            f"create_{noun.word}", f"make the {noun.said} {name}".rstrip(), **named, **told
        )
        return str(made[noun.arn])

    def wait(self, noun: Noun, arn: str) -> Thing:
        """Wait until a thing is active.

        Raises:
            ServiceError: It could not be made; the message says why.
            ServiceDownError: It is not ready in time; it may be later.
        """
        waited, turn = 0.0, 0
        while True:
            found = self.look(noun, arn)
            if found.status == ACTIVE:
                return found
            if found.failed:
                raise ServiceError(
                    f"the {noun.said} {found.name} failed: {found.failed}",
                    service=SERVICE,
                    cure="Mend what it says, then run it again.",
                )
            if waited >= self._limit:
                raise ServiceDownError(
                    f"the {noun.said} {found.name} is not ready yet ({found.status})",
                    service=SERVICE,
                    cure="Run it again later: it goes on where it stands.",
                )
            pause = _WAITS[min(turn, len(_WAITS) - 1)]
            self._sleep(pause)
            waited, turn = waited + pause, turn + 1

    def change(self, noun: Noun, arn: str, **told: Any) -> None:
        """Change a thing, as a campaign to another training."""
        self._call(f"update_{noun.word}", f"change {arn}", **{noun.arn: arn}, **told)

    def remove(self, noun: Noun, arn: str) -> bool:
        """Remove a thing and wait until it is gone; whether it was there."""
        try:
            self._call(f"delete_{noun.word}", f"remove {arn}", **{noun.arn: arn})
        except ServiceError as error:
            if _is_gone(error):
                return False
            raise
        waited = 0.0
        while waited < self._limit:
            try:
                self.look(noun, arn)
            except ServiceError as error:
                if _is_gone(error):
                    return True
                raise
            self._sleep(_WAITS[0])
            waited += _WAITS[0]
        raise ServiceDownError(
            f"{arn} is still being removed", service=SERVICE, cure="Run it again later."
        )

    def metrics(self, version: str) -> Mapping[str, float]:
        """What Personalize measured of a training, by its names for it."""
        found = self._call("get_solution_metrics", f"measure {version}", solutionVersionArn=version)
        return {str(name): float(value) for name, value in found["metrics"].items()}

    def _call(self, operation: str, doing: str, **told: Any) -> dict[str, Any]:
        client = self._aws.client("personalize")
        with self._aws.explained(SERVICE, doing):
            answer: dict[str, Any] = getattr(client, operation)(**told)
            return answer


def _thing(noun: Noun, told: Mapping[str, Any]) -> Thing:
    made = told.get("creationDateTime") or datetime.min.replace(tzinfo=UTC)
    status = str(told.get("status", ACTIVE))
    return Thing(noun, str(told[noun.arn]), status, made, dict(told))


def _is_gone(error: ServiceError) -> bool:
    return "(ResourceNotFoundException)" in error.message
