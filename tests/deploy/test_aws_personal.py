"""The updater, the collector and the synchroniser, as CloudFormation gets them, and their image."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.deploy.synthesis import ROOT, listed, needs_cdk, of, synth

pytestmark = needs_cdk
PARTS = ("updater", "collector", "sync")


def function(stack: dict[str, dict[str, Any]]) -> dict[str, Any]:
    (found,) = of(stack, "Lambda::Function")
    return found


def may(stack: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Action -> what it is allowed on, in the policy of the function."""
    found: dict[str, str] = {}
    for policy in of(stack, "IAM::Policy"):
        if "FunctionRole" in json.dumps(policy["Roles"]):
            for statement in policy["PolicyDocument"]["Statement"]:
                for action in listed(statement["Action"]):
                    found[action] = found.get(action, "") + json.dumps(statement["Resource"])
    return found


def test_parts_stand_alone(stacks: dict[str, dict[str, dict[str, Any]]], tmp_path: Path) -> None:
    assert set(stacks) >= {"keep", "personal", *PARTS}
    for before in ("manifest.json", "segue-pipeline.template.json", "mine.template.json"):
        (tmp_path / before).write_text("{}")
    done = synth(tmp_path, "parts=collector,watching", "image=here")
    assert done.returncode == 0, done.stderr
    alone = {path.name for path in tmp_path.glob("*.template.json")} - {"mine.template.json"}
    assert alone == {
        f"segue-{name}.template.json" for name in ("keep", "personal", "collector", "watching")
    }
    watched = json.loads((tmp_path / "segue-watching.template.json").read_text())["Resources"]
    told = {one["AlarmDescription"] for one in of(watched, "CloudWatch::Alarm")}
    assert "Collector nearly takes too long" in told, "without a pipeline, too"
    assert len(of(watched, "Budgets::Budget")) == 1
    made = json.loads((tmp_path / "segue-collector.template.json").read_text())["Resources"]
    assert function(made)["ImageConfig"]["Command"] == ["segue.doors.aws.collect.handler"]
    assert (tmp_path / "mine.template.json").exists()
    assert "SEGUE_VARIABLES" not in function(made)["Environment"]["Variables"]
    assets = json.loads((tmp_path / "segue-collector.assets.json").read_text())["dockerImages"]
    (image,) = assets.values()
    assert image["source"]["dockerFile"] == "deploy/aws/image/Dockerfile"
    assert image["source"]["platform"] == "linux/arm64"
    context = tmp_path / image["source"]["directory"]
    there = {path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file()}
    assert {"pyproject.toml", "src/segue/doors/aws/update.py", "README.md"} <= there
    assert "requirements/image-lambda.txt" in there
    assert not [name for name in there if name.startswith((".", "tests/", "docs/", "bench/"))]
    assert not [name for name in there if name.endswith(".pyc")]


def test_what_is_wrong_with_a_choice_is_said(tmp_path: Path) -> None:
    for word, said in (
        ("parts=sync", "the part sync needs"),
        ("update_when=monday", "update_when is “monday”"),
        ("user=a b", "user is “a b”"),
        ("memory=lots", "memory is “lots”"),
    ):
        done = synth(tmp_path, word)
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_functions_run_their_handlers_from_the_image(
    stacks: dict[str, dict[str, dict[str, Any]]],
) -> None:
    handlers = {"updater": "update", "collector": "collect", "sync": "sync"}
    for part, handler in handlers.items():
        made = function(stacks[part])
        assert made["PackageType"] == "Image"
        assert made["ImageConfig"]["Command"] == [f"segue.doors.aws.{handler}.handler"]
        assert made["Architectures"] == ["arm64"]
        told = made["Environment"]["Variables"]
        assert told["SEGUE_USER_ID"] == "me"
        assert {"SEGUE_LAKE", "SEGUE_STATE", "SEGUE_VARIABLES"} <= set(told)
        assert "DeadLetterConfig" in made
        (config,) = of(stacks[part], "Lambda::EventInvokeConfig")
        assert config["MaximumRetryAttempts"] == 2
    assert function(stacks["updater"])["MemorySize"] == 512
    places = {json.dumps(function(stacks[part])["Environment"]["Variables"]["SEGUE_STATE"])
              for part in PARTS}  # fmt: skip
    assert len(places) == 3, "each has a place of its own"


def test_each_may_do_what_it_does_and_no_more(
    stacks: dict[str, dict[str, dict[str, Any]]],
) -> None:
    usual = {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:ListBucket",
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
        "sqs:SendMessage",
    }
    assert set(may(stacks["collector"])) == set(may(stacks["sync"])) == usual
    assert set(may(stacks["updater"])) == usual | {"sns:Publish"}
    # a collector only adds to the lake
    assert "lake" not in may(stacks["collector"])["s3:DeleteObject"]
    assert "/homes/collect/*" in may(stacks["collector"])["s3:DeleteObject"]
    assert "/lake/*" in may(stacks["updater"])["s3:DeleteObject"]
    for part in PARTS:
        assert all('"*"' not in allowed for allowed in may(stacks[part]).values())
        assert "SignIn" in may(stacks[part])["secretsmanager:PutSecretValue"]


def test_schedules_try_again_and_what_is_given_up_is_told(
    stacks: dict[str, dict[str, dict[str, Any]]],
) -> None:
    expected = {
        "updater": "cron(0 6 ? * MON *)",
        "collector": "rate(1 hour)",
        "sync": "cron(30 6 * * ? *)",
    }
    for part, when in expected.items():
        (schedule,) = of(stacks[part], "Scheduler::Schedule")
        assert schedule["ScheduleExpression"] == when
        assert schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"] > 0
        (queue,) = of(stacks[part], "SQS::Queue")
        assert queue["SqsManagedSseEnabled"] is True
        assert "GivenUp" in json.dumps(schedule["Target"]["DeadLetterConfig"])
        (alarm,) = of(stacks[part], "CloudWatch::Alarm")
        assert alarm["AlarmActions"]
    personal = stacks["personal"]
    assert [one["Protocol"] for one in of(personal, "SNS::Subscription")] == ["email"] * 2
    secrets = [one for one in personal.values() if one["Type"] == "AWS::SecretsManager::Secret"]
    assert {one["Properties"]["Name"] for one in secrets} == {
        "segue/spotify/me",
        "segue/variables",
    }
    assert {one["DeletionPolicy"] for one in secrets} == {"Retain"}


# --- the image ----------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, lines that go on put together, without comments."""
    text = (ROOT / "deploy/aws/image/Dockerfile").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in whole)]


def test_the_image_is_small_and_its_user_nobody() -> None:
    told = instructions()
    bases = [rest for word, rest in told if word == "FROM"]
    assert len(bases) == 3
    assert bases[0].startswith("${BASE_IMAGE}${BASE_DIGEST:+@${BASE_DIGEST}} AS ")
    assert [rest for word, rest in told if word == "USER"] == ["10001:10001"]
    last = max(n for n, (word, _) in enumerate(told) if word == "FROM")
    assert [rest for word, rest in told[last:] if word == "COPY"] == [
        "--from=build /opt/segue /opt/segue"
    ]
    assert dict(told)["ENTRYPOINT"] == '["/opt/segue/bin/python", "-m", "awslambdaric"]'
    (digest,) = [rest for word, rest in told if word == "ARG" and "DIGEST" in rest]
    assert re.fullmatch(r"BASE_DIGEST=sha256:[0-9a-f]{64}", digest)


def test_whatever_the_image_installs_is_locked() -> None:
    runs = [rest for word, rest in instructions() if word == "RUN"]
    installs = [
        one for rest in runs for one in re.split("&&|;", rest) if re.search("pip install", one)
    ]
    assert len(installs) == 3
    assert all("--require-hashes" in one or "--no-deps --no-build-isolation" in one
               for one in installs)  # fmt: skip
    assert "://" not in "\n".join(rest for _, rest in instructions())
    lock = (ROOT / "requirements/image-lambda.txt").read_text()
    pinned = _pinned(lock)
    assert {"awslambdaric", "boto3", "snowflake-connector-python", "hatchling"} <= {
        name for name, _ in pinned
    }
    tested = _pinned((ROOT / "requirements/dev.txt").read_text())
    assert {name for name, _ in pinned - tested} <= {"certifi"}


def _pinned(lock: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^([a-z0-9.-]+)==([^ ;]+)", lock, re.MULTILINE))


def test_the_script_of_the_image_is_a_script() -> None:
    script = str(ROOT / "deploy/aws/image/slim.sh")
    assert subprocess.run(["sh", "-n", script], capture_output=True).returncode == 0
    assert subprocess.run(["sh", script, sys.executable + "-none"], capture_output=True).returncode
