"""The state machine of the daily data sets, executed: moto interprets its definition."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from segue.doors.aws.datasets import handler
from segue.flows.personalize.deploy import deploy
from segue.progress import Silent
from tests.deploy.synthesis import needs_cdk, of
from tests.flows.test_daily_datasets import Cloud, cloud_of, event, track
from tests.lambda_runtime import FunctionError
from tests.s3_server import S3Server
from tests.state_machines import StateMachines, state_machines

pytestmark = needs_cdk
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:datasets"


class Scripted:
    """A function that answers what it is told to, and notes what it is handed."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.handed: list[Any] = []

    def __call__(self, told: Any) -> Any:
        self.handed.append(told)
        answer = self.answers.pop(0)
        if callable(answer):
            return answer(told)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(scope="module")
def function() -> Scripted:
    return Scripted()


@pytest.fixture(scope="module")
def machines(function: Scripted) -> Iterator[StateMachines]:
    with state_machines(function) as made:
        yield made


@pytest.fixture(scope="module")
def definition(resources: dict[str, dict[str, Any]]) -> str:
    """As the template has it, but that what is tried again is so after a second."""
    (machine,) = of(resources, "StepFunctions::StateMachine")
    parts = machine["DefinitionString"]["Fn::Join"][1]
    told = json.loads("".join(one if isinstance(one, str) else FUNCTION for one in parts))
    for retry in told["States"]["Step"]["Retry"]:
        retry["IntervalSeconds"] = 1
    return json.dumps(told)


def answer(state: str, seconds: int = 0, **more: Any) -> dict[str, Any]:
    return {"state": state, "run": "r1", "wait_seconds": seconds, "whole": False, **more}


def test_each_answer_is_the_next_question_until_it_is_done(
    machines: StateMachines, function: Scripted, definition: str
) -> None:
    function.handed.clear()
    working, waiting = answer("working"), answer("waiting", 1)
    busy = FunctionError("ServiceDownError", "S3 does not answer")
    function.answers[:] = [working, busy, waiting, answer("done", account={"kept": 3})]
    found = machines.run(definition, {"whole": True})
    assert (found.status, found.output["account"]) == ("SUCCEEDED", {"kept": 3})
    assert function.handed == [{"whole": True}, working, working, waiting]
    assert found.states == ("Step", "Next", "Step", "Next", "Wait", "Step", "Next", "Done")


def test_what_trying_again_does_not_mend_ends_it_as_failed(
    machines: StateMachines, function: Scripted, definition: str
) -> None:
    function.answers[:] = [FunctionError("ConfigError", "“whole” is true or false")]
    found = machines.run(definition, {"whole": 7})
    assert (found.status, found.error, found.states) == ("FAILED", "ConfigError", ("Step",))


@pytest.fixture
def cloud(s3: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    made = cloud_of(s3, bucket, monkeypatch)
    yield made
    made.fake.stop()


def test_data_sets_are_made_and_imports_followed_by_an_execution(
    machines: StateMachines, function: Scripted, definition: str, cloud: Cloud
) -> None:
    cloud.catalogue([track(0, "pop")])
    deploy(cloud.account(), Silent())
    cloud.events([event(n) for n in range(5)])

    def step(told: Any) -> Any:
        """The real one, but that nobody has to wait for imports as long as it says."""
        found = handler(told, None)
        cloud.clock.advance(seconds=found["wait_seconds"])
        return {**found, "wait_seconds": min(1, found["wait_seconds"])}

    function.answers[:] = [step] * 20
    found = machines.run(definition, {})
    assert found.status == "SUCCEEDED"
    assert found.output["account"]["kept"] == 5
    assert "Wait" in found.states
    assert len(cloud.rows("INTERACTIONS")) == 5
    assert found.states[-1] == "Done"
