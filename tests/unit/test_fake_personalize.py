"""The stand-in for Amazon Personalize: it holds clients to the service's own model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from segue.fakes.clock import Clock
from segue.fakes.personalize import FakePersonalize

RECIPE = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
ROLE = "arn:aws:iam::123456789012:role/personalize"
SCHEMA = json.dumps(
    {
        "type": "record",
        "name": "Interactions",
        "namespace": "com.amazonaws.personalize.schema",
        "fields": [
            {"name": "USER_ID", "type": "string"},
            {"name": "ITEM_ID", "type": "string"},
            {"name": "TIMESTAMP", "type": "long"},
            {"name": "EVENT_TYPE", "type": "string"},
        ],
        "version": "1.0",
    }
)
HEAD = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"


def rows(users: int, items: int) -> bytes:
    """User u plays the items u … u+items-1."""
    lines = [f"u{u},t{u + i},17000{i:05d},play\n" for u in range(users) for i in range(items)]
    return (HEAD + "".join(lines)).encode()


class Account:
    """The three clients on one stand-in."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.clock = Clock(datetime(2026, 11, 21, tzinfo=UTC), running=False)
        self.fake = FakePersonalize(self._read, clock=self.clock, seconds=60).start()
        self.plane = self._client("personalize")
        self.events = self._client("personalize-events")
        self.runtime = self._client("personalize-runtime")

    def _read(self, address: str) -> list[bytes]:
        return [data for name, data in sorted(self.files.items()) if name.startswith(address)]

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.fake.url,
            region_name="eu-west-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
            # what boto3 would refuse by itself must reach the service
            config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
        )

    def group(self) -> str:
        arn = self.plane.create_dataset_group(name="music")["datasetGroupArn"]
        self.clock.advance(seconds=60)
        return str(arn)

    def dataset(self, group: str) -> str:
        schema = self.plane.create_schema(name="plays", schema=SCHEMA)["schemaArn"]
        arn = self.plane.create_dataset(
            name="plays", schemaArn=schema, datasetGroupArn=group, datasetType="Interactions"
        )["datasetArn"]
        self.clock.advance(seconds=60)
        return str(arn)

    def imported(self, dataset: str, address: str, mode: str = "FULL") -> dict[str, Any]:
        job = self.plane.create_dataset_import_job(
            jobName=f"job-{len(self.fake.log)}",
            datasetArn=dataset,
            dataSource={"dataLocation": address},
            roleArn=ROLE,
            importMode=mode,
        )["datasetImportJobArn"]
        self.clock.advance(seconds=60)
        found: dict[str, Any] = self.plane.describe_dataset_import_job(datasetImportJobArn=job)
        return dict(found["datasetImportJob"])

    def campaign(self, group: str) -> str:
        solution = self.plane.create_solution(name="s", datasetGroupArn=group, recipeArn=RECIPE)
        self.clock.advance(seconds=60)
        version = self.plane.create_solution_version(solutionArn=solution["solutionArn"])
        self.clock.advance(seconds=60)
        arn = self.plane.create_campaign(
            name="c", solutionVersionArn=version["solutionVersionArn"]
        )["campaignArn"]
        self.clock.advance(seconds=60)
        return str(arn)


@pytest.fixture
def account() -> Iterator[Account]:
    made = Account({"s3://b/plays/1.csv": rows(40, 30)})
    yield made
    made.fake.stop()


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "name is missing"),
        ({"name": "x" * 64}, "64 is above 63"),
        ({"name": "no spaces"}, "does not follow"),
        ({"name": 7}, "string wanted, not int"),
        ({"name": "a", "colour": "red"}, "no such member"),
        ({"name": "a", "domain": "MUSIC"}, "none of ECOMMERCE"),
    ],
)
def test_what_the_model_does_not_allow_is_refused(
    account: Account, told: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClientError, match=words) as error:
        account.plane._make_api_call("CreateDatasetGroup", told) if "colour" not in told else (
            _raw(account, told)
        )
    assert code(error) == "ValidationException"


def _raw(account: Account, told: dict[str, Any]) -> None:
    """boto3 drops members that it does not know, so these are sent by hand."""
    import http.client
    from urllib.parse import urlsplit

    line = http.client.HTTPConnection(urlsplit(account.fake.url).netloc)
    head = {"X-Amz-Target": "AmazonPersonalize.CreateDatasetGroup", "Authorization": "x"}
    line.request("POST", "/", json.dumps(told), head)
    answer = json.loads(line.getresponse().read())
    line.close()
    raise ClientError(
        {"Error": {"Code": answer["__type"], "Message": answer["message"]}}, "CreateDatasetGroup"
    )


def test_what_is_created_takes_its_time(account: Account) -> None:
    arn = account.plane.create_dataset_group(name="music")["datasetGroupArn"]

    def status() -> str:
        found = account.plane.describe_dataset_group(datasetGroupArn=arn)
        return str(found["datasetGroup"]["status"])

    seen = [status()]
    for _ in range(2):
        account.clock.advance(seconds=30)
        seen.append(status())
    assert seen == ["CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"]


def test_nothing_is_built_on_what_is_not_active(account: Account) -> None:
    arn = account.plane.create_dataset_group(name="music")["datasetGroupArn"]
    with pytest.raises(ClientError) as error:
        account.plane.create_event_tracker(name="t", datasetGroupArn=arn)
    assert code(error) == "ResourceInUseException"


def test_a_name_is_given_once(account: Account) -> None:
    account.group()
    with pytest.raises(ClientError) as error:
        account.plane.create_dataset_group(name="music")
    assert code(error) == "ResourceAlreadyExistsException"


def test_what_others_stand_on_stays(account: Account) -> None:
    group = account.group()
    dataset = account.dataset(group)
    with pytest.raises(ClientError) as error:
        account.plane.delete_dataset_group(datasetGroupArn=group)
    assert code(error) == "ResourceInUseException"
    account.plane.delete_dataset(datasetArn=dataset)
    account.plane.delete_dataset_group(datasetGroupArn=group)
    assert account.plane.list_dataset_groups()["datasetGroups"] == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"USER_ID,ITEM_ID,TIMESTAMP\na,b,1\n", "has columns"),
        (HEAD.encode() + b"a,b,yesterday,play\n", "TIMESTAMP is 'yesterday'"),
        (HEAD.encode() + b"a,,1,play\n", "ITEM_ID is empty"),
        (HEAD.encode() + b"a,b,1\n", "fewer values"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_file_that_does_not_fit_the_schema_fails_its_import(
    account: Account, data: bytes, words: str
) -> None:
    account.files["s3://b/bad.csv"] = data
    job = account.imported(account.dataset(account.group()), "s3://b/bad.csv")
    assert job["status"] == "CREATE FAILED"
    assert words in job["failureReason"]


def test_too_little_data_trains_nothing(account: Account) -> None:
    group = account.group()
    account.files["s3://b/few.csv"] = rows(40, 2)
    account.imported(account.dataset(group), "s3://b/few.csv")
    solution = account.plane.create_solution(name="s", datasetGroupArn=group, recipeArn=RECIPE)
    account.clock.advance(seconds=60)
    version = account.plane.create_solution_version(solutionArn=solution["solutionArn"])
    account.clock.advance(seconds=60)
    found = account.plane.describe_solution_version(**version_of(version))["solutionVersion"]
    assert found["status"] == "CREATE FAILED"
    assert "80 interactions; 1000" in found["failureReason"]


def version_of(made: dict[str, Any]) -> dict[str, str]:
    return {"solutionVersionArn": made["solutionVersionArn"]}


def test_the_way_from_files_to_recommendations(account: Account) -> None:
    group = account.group()
    account.imported(account.dataset(group), "s3://b/plays/")
    tracker = account.plane.create_event_tracker(name="live", datasetGroupArn=group)
    campaign = account.campaign(group)
    heard = account.plane.create_filter(
        name="unheard",
        datasetGroupArn=group,
        filterExpression='EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")',
    )["filterArn"]
    account.clock.advance(seconds=60)

    def asked(user: str, **more: Any) -> list[str]:
        found = account.runtime.get_recommendations(
            campaignArn=campaign, userId=user, numResults=5, **more
        )
        return [one["itemId"] for one in found["itemList"]]

    before = asked("new")
    account.events.put_events(
        trackingId=tracker["trackingId"],
        userId="new",
        sessionId="s1",
        eventList=[{"eventType": "play", "sentAt": 1_790_000_000, "itemId": "t0", "eventId": "e1"}],
    )
    assert asked("new") != before
    assert set(asked("new")) <= {f"t{i}" for i in range(30)}
    assert "t0" not in asked("new", filterArn=heard)
    assert [event["itemId"] for event in account.fake.events] == ["t0"]


@pytest.mark.parametrize(
    "told",
    [
        {"eventList": []},
        {"eventList": [{"eventType": "play", "sentAt": 1}] * 11},
        {"eventList": [{"sentAt": 1}]},
        {"eventList": [{"eventType": "play", "sentAt": 1, "properties": "x" * 1025}]},
    ],
)
def test_events_keep_to_the_limits(account: Account, told: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as error:
        account.events.put_events(trackingId="t", userId="u", sessionId="s", **told)
    assert code(error) == "ValidationException"
    assert account.fake.events == []


def test_an_import_in_parts_adds_and_a_whole_one_replaces(account: Account) -> None:
    group = account.group()
    dataset = account.dataset(group)
    account.imported(dataset, "s3://b/plays/")
    account.files["s3://b/more.csv"] = rows(1, 3)
    account.imported(dataset, "s3://b/more.csv", "INCREMENTAL")
    assert len(account.fake.control.holdings[group].plays()) == 1_203
    account.imported(dataset, "s3://b/more.csv", "FULL")
    assert len(account.fake.control.holdings[group].plays()) == 3
