"""The CloudFormation templates: written offline, looked at resource by resource."""

from __future__ import annotations

import base64
import fnmatch
import json
import os
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from segue.aws.clients import Aws
from tests.deploy.synthesis import CDK, ROOT, listed, needs_cdk, of, run, statements, synth
from tests.s3_server import S3Server, keys

pytestmark = needs_cdk


def test_what_is_wrong_with_a_choice_is_said(tmp_path: Path) -> None:
    for choice, said in (
        ("parts=pipeline,nonsense", "there is no part “nonsense”"),
        ("parts=serving", "choose that, too"),
        ("parts=datasets,pipeline", "add both"),
        ("shards=0", "give a whole number from 1 on"),
        ("parts=", "no part is chosen"),
        ("name=a-", "single hyphens between them"),
        ("nmae=a", "did you mean name?"),
    ):
        done = synth(tmp_path, choice)
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_choices_that_cannot_be_deployed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "deploy/aws"))
    choices: Any = import_module("segue_aws.choices")
    for wrong in (
        "mail=nobody", "memory=64", "memory=99999", "told_since=2026-13-01", "published=",
        "published=events/x", "event_days=7", "time_zone=Mars/Base", "collect_when=rate(0 hours)",
        "collect_when=rate(1 hours)", "update_when=cron(0 6 * *)", "tracking_id=abc", "image=",
        "parallel=11", "environment=*", "datasets_when=at(2026-01-01T00:00:00)", "name=a--b",
    ):  # fmt: skip
        name, _, value = wrong.partition("=")
        with pytest.raises(ValueError, match=f"^{name} is “"):
            choices.Choices.of({name: value}, source=ROOT)
    fine = {"mail": "a@b.org", "time_zone": "Europe/Berlin", "collect_when": "rate(12 hours)"}
    found = choices.Choices.of({**fine, "published": "/homes/update/"}, source=ROOT)
    assert (found.published, found.collect_when) == ("homes/update", "rate(12 hours)")


def test_the_code_of_functions_is_the_package_alone(
    out: Path, resources: dict[str, dict[str, Any]]
) -> None:
    functions = of(resources, "Lambda::Function")
    ours = [one for one in functions if str(one.get("Handler")).startswith("segue.doors.aws.")]
    assert {one["Handler"] for one in ours} == {
        "segue.doors.aws.profiles.handler",
        "segue.doors.aws.hot.handler",
        "segue.doors.aws.users.handler",
    }
    for one in ours:
        assert one["Runtime"] == "python3.13"
        module = one["Handler"].rpartition(".")[0].replace(".", "/")
        assets = [path for path in out.glob("asset.*") if path.is_dir()]
        assert any((asset / f"{module}.py").exists() for asset in assets)
    assert not list(out.glob("asset.*/**/*.pyc"))


def test_no_action_is_a_wildcard_and_no_role_has_a_managed_policy(
    resources: dict[str, dict[str, Any]],
) -> None:
    for statement in statements(resources):
        for action in listed(statement["Action"]):
            assert "*" not in action, statement
        # IAM knows no narrower resource for a list of what an account has in Personalize
        lists = all(one.startswith("personalize:List") for one in listed(statement["Action"]))
        for resource in listed(statement["Resource"]):
            assert lists or resource != "*", statement
    managed = [one for one in of(resources, "IAM::Role") if "ManagedPolicyArns" in one]
    # API Gateway writes its log for the whole account; AWS wants its own policy for that
    assert [json.dumps(one["ManagedPolicyArns"]).count("PushToCloudWatch") for one in managed] == [
        1
    ]


def test_every_function_has_a_role_of_its_own(resources: dict[str, dict[str, Any]]) -> None:
    roles = [json.dumps(one["Role"]) for one in of(resources, "Lambda::Function")]
    assert len(set(roles)) == len(roles)


def test_buckets_are_private_encrypted_and_stay(resources: dict[str, dict[str, Any]]) -> None:
    buckets = [one for one in resources.values() if one["Type"] == "AWS::S3::Bucket"]
    assert len(buckets) == 3
    for bucket in buckets:
        assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
        assert "BucketEncryption" in bucket["Properties"]
        assert bucket["DeletionPolicy"] == "Retain"
    rules = [
        rule
        for bucket in buckets
        for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    ]
    glacier = [rule for rule in rules if "Transitions" in rule]
    assert [rule["Prefix"] for rule in glacier] == ["events/"]
    assert glacier[0]["Transitions"][0] == {"StorageClass": "GLACIER", "TransitionInDays": 90}


def test_what_is_kept_is_encrypted_and_not_lost_with_a_stack(
    resources: dict[str, dict[str, Any]],
) -> None:
    for kind in ("Kinesis::Stream", "DynamoDB::Table"):
        kept = [one for one in resources.values() if one["Type"] == f"AWS::{kind}"]
        assert [one["DeletionPolicy"] for one in kept] == ["Retain"]
    assert of(resources, "Kinesis::Stream")[0]["StreamEncryption"]["EncryptionType"] == "KMS"
    table = of(resources, "DynamoDB::Table")[0]
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert {one["SqsManagedSseEnabled"] for one in of(resources, "SQS::Queue")} == {True}


def test_functions_follow_the_stream_and_nothing_is_dropped(
    resources: dict[str, dict[str, Any]],
) -> None:
    mappings = of(resources, "Lambda::EventSourceMapping")
    assert len(mappings) == 2
    for one in mappings:
        assert one["BisectBatchOnFunctionError"] is True
        assert one["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert "GivenUp" in json.dumps(one["DestinationConfig"]["OnFailure"])
        assert one["StartingPosition"] == "TRIM_HORIZON"
    # events stay beside a profile for longer than the stream can deliver them again
    hours = of(resources, "Kinesis::Stream")[0]["RetentionPeriodHours"]
    days = [
        int(one["Environment"]["Variables"]["SEGUE_EVENT_DAYS"])
        for one in of(resources, "Lambda::Function")
        if "SEGUE_PROFILE_TABLE" in one.get("Environment", {}).get("Variables", {})
    ]
    assert set(days) == {30}
    assert days[0] * 24 > 2 * hours


def test_every_stack_says_what_its_outputs_are_for(out: Path) -> None:
    told = json.loads((out / "segue-pipeline.template.json").read_text())["Outputs"]
    assert told.keys() >= {"Address", "AdminKeyId", "KeyId", "ListenersPlan", "Stream"}
    for path in out.glob("*.template.json"):
        for name, one in json.loads(path.read_text()).get("Outputs", {}).items():
            assert "Export" in one or "Endpoint" in name or one["Description"], name


def test_a_key_is_asked_for_and_bodies_are_looked_at(
    resources: dict[str, dict[str, Any]],
) -> None:
    methods = of(resources, "ApiGateway::Method")
    assert all(method["ApiKeyRequired"] is True for method in methods)
    (method,) = [one for one in methods if one["Integration"]["Type"] == "AWS"]
    assert method["HttpMethod"] == "POST"
    assert "RequestValidatorId" in method
    assert of(resources, "ApiGateway::RequestValidator")[0]["ValidateRequestBody"] is True
    schema = of(resources, "ApiGateway::Model")[0]["Schema"]
    event, many = schema["oneOf"]
    assert many["properties"]["events"]["maxItems"] == 500
    assert event["required"] == ["event_id", "user_id", "track_id", "event_type", "timestamp"]
    plans = of(resources, "ApiGateway::UsagePlan")
    assert [one["Throttle"] for one in plans] == [{"RateLimit": 100, "BurstLimit": 200}] * 3
    # keys of single users bring no events: nobody looks at whose those are
    nothing, few = {"RateLimit": 0, "BurstLimit": 0}, {"RateLimit": 2, "BurstLimit": 10}
    forgetting = "/users/{user_id+}/DELETE"
    assert [one["ApiStages"][0]["Throttle"] for one in plans] == [
        {forgetting: nothing},
        {forgetting: nothing, "/events/POST": nothing},
        {forgetting: few},
    ]
    scopes = [
        tag["Value"]
        for one in of(resources, "ApiGateway::ApiKey")
        for tag in one["Tags"]
        if tag["Key"] == "segue:scope"
    ]
    assert scopes == ["recommend", "admin"]


def actions_of(resources: dict[str, dict[str, Any]], function: dict[str, Any]) -> set[str]:
    """What the role of a function may do."""
    role = json.dumps(function["Role"]).split('"')[3]
    return {
        action
        for one in of(resources, "IAM::Policy")
        if role in json.dumps(one["Roles"])
        for statement in one["PolicyDocument"]["Statement"]
        for action in listed(statement["Action"])
    }


def test_forgetting_a_user_is_a_function_of_its_own(
    resources: dict[str, dict[str, Any]],
) -> None:
    (users,) = [
        one
        for one in of(resources, "Lambda::Function")
        if one.get("Handler") == "segue.doors.aws.users.handler"
    ]
    assert users["Timeout"] == 29
    (method,) = [
        one for one in of(resources, "ApiGateway::Method") if one["HttpMethod"] == "DELETE"
    ]
    assert "ForgettingUsers" in json.dumps(method["Integration"]["Uri"])
    assert actions_of(resources, users) == {
        "apigateway:DELETE",
        "apigateway:GET",
        "dynamodb:BatchWriteItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
    others = [one for one in of(resources, "Lambda::Function") if one is not users]
    for one in others:
        assert not {"apigateway:DELETE", "dynamodb:BatchWriteItem"} & actions_of(resources, one)


def test_recommendations_are_answered_behind_the_same_api(
    resources: dict[str, dict[str, Any]],
) -> None:
    (serve,) = [
        one for one in of(resources, "Lambda::Function") if "SEGUE_PUBLISHED" in json.dumps(one)
    ]
    assert serve["ImageConfig"]["Command"] == ["segue.doors.aws.serve.handler"]
    assert serve["Timeout"] == 29  # API Gateway waits no longer
    told = serve["Environment"]["Variables"]
    assert set(told) == {"SEGUE_PUBLISHED", "SEGUE_PROFILE_TABLE", "SEGUE_EVENT_DAYS"}
    assert json.dumps(told["SEGUE_PUBLISHED"]).endswith('"/home"]]}')
    routes = [
        one["HttpMethod"]
        for one in of(resources, "ApiGateway::Method")
        if one["Integration"]["Type"] == "AWS_PROXY"
    ]
    assert sorted(routes) == ["DELETE", "GET", "GET", "GET", "GET", "POST"]
    paths = {one["PathPart"] for one in of(resources, "ApiGateway::Resource")}
    assert paths == {"events", "recommendations", "recommend", "users", "tracks"} | {
        "{what+}",
        "{user_id+}",
    }
    assert actions_of(resources, serve) == {
        "apigateway:GET",
        "dynamodb:GetItem",
        "dynamodb:Query",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
    }


def test_firehose_writes_what_the_table_and_athena_read(
    resources: dict[str, dict[str, Any]],
) -> None:
    (table,) = of(resources, "Glue::Table")
    told = table["TableInput"]
    assert [one["Name"] for one in told["PartitionKeys"]] == ["day"]
    assert told["Parameters"]["projection.enabled"] == "true"
    template = json.dumps(told["Parameters"]["storage.location.template"])
    assert "/events/day=${day}/" in template
    (delivery,) = of(resources, "KinesisFirehose::DeliveryStream")
    s3 = delivery["ExtendedS3DestinationConfiguration"]
    assert s3["Prefix"] == "events/day=!{timestamp:yyyy-MM-dd}/"
    schema = s3["DataFormatConversionConfiguration"]["SchemaConfiguration"]
    assert schema["TableName"] == told["Name"]
    assert schema["DatabaseName"] == table["DatabaseName"]
    (group,) = of(resources, "Athena::WorkGroup")
    assert group["WorkGroupConfiguration"]["EnforceWorkGroupConfiguration"] is True
    columns = {one["Name"] for one in told["StorageDescriptor"]["Columns"]} | {"day"}
    for query in of(resources, "Athena::NamedQuery"):
        assert query["WorkGroup"] == group["Name"]
        assert any(column in query["QueryString"] for column in columns)


def plain(told: Any) -> Any:
    """Properties with names in the place of what only CloudFormation knows."""
    if isinstance(told, list):
        return [plain(one) for one in told]
    if not isinstance(told, dict):
        return told
    if "Fn::Join" in told:
        return "".join(plain(one) for one in told["Fn::Join"][1])
    if told.keys() & {"Ref", "Fn::GetAtt", "Fn::ImportValue"}:
        return "arn:aws:s3:::a-name"
    return {name: plain(one) for name, one in told.items()}


def test_glue_and_firehose_take_what_the_template_says(
    resources: dict[str, dict[str, Any]], s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in keys().items():
        monkeypatch.setenv(name, value)
    aws = Aws("us-east-1", s3.url)
    catalogue, firehose = aws.client("glue"), aws.client("firehose")
    (database,) = of(resources, "Glue::Database")
    (table,) = of(resources, "Glue::Table")
    catalogue.create_database(DatabaseInput=plain(database["DatabaseInput"]))
    catalogue.create_table(DatabaseName="segue", TableInput=plain(table["TableInput"]))
    kept = catalogue.get_table(DatabaseName="segue", Name="events")["Table"]
    columns = {one["Name"]: one["Type"] for one in kept["StorageDescriptor"]["Columns"]}
    assert columns["ms_played"] == "bigint"
    assert kept["Parameters"]["projection.day.type"] == "date"
    (delivery,) = of(resources, "KinesisFirehose::DeliveryStream")
    told = {name: value for name, value in plain(delivery).items() if name != "Tags"}
    firehose.create_delivery_stream(DeliveryStreamName="segue", **told)
    found = firehose.describe_delivery_stream(DeliveryStreamName="segue")
    (target,) = found["DeliveryStreamDescription"]["Destinations"]
    to = target["ExtendedS3DestinationDescription"]
    assert to["Prefix"] == "events/day=!{timestamp:yyyy-MM-dd}/"
    assert to["DataFormatConversionConfiguration"]["Enabled"] is True


def test_data_sets_are_made_daily_and_imports_followed_to_their_end(
    resources: dict[str, dict[str, Any]],
) -> None:
    (rule,) = of(resources, "Events::Rule")
    assert rule["ScheduleExpression"] == "cron(30 2 * * ? *)"
    assert "Machine" in json.dumps(rule["Targets"])
    (machine,) = of(resources, "StepFunctions::StateMachine")
    parts = machine["DefinitionString"]["Fn::Join"][1]
    told = json.loads("".join(one if isinstance(one, str) else "arn" for one in parts))
    states = told["States"]
    assert (told["StartAt"], states["Step"]["Next"]) == ("Step", "Next")
    assert "ServiceDownError" in states["Step"]["Retry"][-1]["ErrorEquals"]
    choices = {one["StringEquals"]: one["Next"] for one in states["Next"]["Choices"]}
    assert choices == {"done": "Done", "waiting": "Wait"}
    assert states["Next"]["Default"] == states["Wait"]["Next"] == "Step"
    assert states["Wait"]["SecondsPath"] == "$.wait_seconds"
    (environment,) = (
        one["Environment"]["Variables"]
        for one in of(resources, "Lambda::Function")
        if "SEGUE_PERSONALIZE__LEDGER" in one.get("Environment", {}).get("Variables", {})
    )
    assert environment["SEGUE_PERSONALIZE__TOLD_SINCE"] == "2000-01-01"
    passed = [one for one in statements(resources) if one["Action"] == "iam:PassRole"]
    service = {"StringEquals": {"iam:PassedToService": "personalize.amazonaws.com"}}
    assert [one["Condition"] for one in passed] == [service]


def test_functions_on_schedules_are_watched_too(
    stacks: dict[str, dict[str, dict[str, Any]]],
) -> None:
    found = {
        name.rstrip("0123456789ABCDEF"): one["Properties"]
        for name, one in stacks["watching"].items()
        if one["Type"] == "AWS::CloudWatch::Alarm"
    }
    limits = {"UpdaterSlow": 810_000, "CollectorSlow": 270_000, "SyncSlow": 270_000}
    assert {name: found[name]["Threshold"] for name in limits} == limits
    for name in ("Updater", "Collector", "Sync", "DataSets"):
        assert (found[f"{name}Errors"]["Threshold"], found[f"{name}Throttles"]["Threshold"]) == (
            1,
            0,
        )
    (board,) = of(stacks["watching"], "CloudWatch::Dashboard")
    for name in ("Updater", "Collector", "Sync", "DataSets"):
        assert f"{name}: longest" in json.dumps(board)


def test_somebody_is_told_when_events_wait_or_are_refused(
    resources: dict[str, dict[str, Any]],
) -> None:
    alarms = of(resources, "CloudWatch::Alarm")
    watched = {one["MetricName"] for one in alarms}
    assert watched >= {
        "IteratorAge",
        "Errors",
        "Throttles",
        "5XXError",
        "Latency",
        "ApproximateNumberOfMessagesVisible",
    }
    assert all(one["AlarmActions"] for one in alarms)
    (budget,) = of(resources, "Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 50, "Unit": "USD"}
    assert len(budget["NotificationsWithSubscribers"]) == 2


def test_linters_find_nothing(out: Path) -> None:
    templates = [str(path) for path in out.glob("*.template.json")]
    # W3005: what the CDK writes down twice
    lint = run("cfn-lint", "-r", "eu-west-1", "-i", "W3005", "-t", *templates)
    assert lint.returncode == 0, lint.stdout
    settings = str(ROOT / "deploy/aws/checkov.yaml")
    scan = run("checkov", "-d", str(out), "--config-file", settings, folder=out)
    assert scan.returncode == 0, scan.stdout
    reasons = (ROOT / "deploy/aws/checkov.yaml").read_text().splitlines()
    assert all(" # " in line for line in fnmatch.filter(reasons, "*- CKV_*"))


def test_the_mappings_make_a_record_of_each_event() -> None:
    one = {"event_id": "1", "user_id": "an\"n o'né/\\", "track_id": "t", "context": {"events": 3}}
    two = {"event_id": "2", "user_id": "bob"}
    told = {
        "folder": str(ROOT / "deploy/aws"),
        "bodies": [one, {"events": [one, two]}],
        "answers": [
            {"FailedRecordCount": 0, "Records": [1, 2]},
            {"FailedRecordCount": 1, "Records": [1, 2]},
            {"__type": "ValidationException", "message": "too long"},
            {"__type": "ProvisionedThroughputExceededException"},
        ],
    }
    script = Path(__file__).with_name("mapping.py")
    done = subprocess.run(
        [str(CDK / "python"), str(script)],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{CDK}:{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stderr
    (single, batch), (well, failed, large, full) = json.loads(done.stdout)
    assert [_event(record) for record in single["Records"]] == [one]
    assert single["Records"][0]["PartitionKey"] == one["user_id"]
    assert [_event(record) for record in batch["Records"]] == [one, two]
    assert [record["PartitionKey"] for record in batch["Records"]] == [one["user_id"], "bob"]
    assert well == [{"accepted": 2}, {"header": {}}]
    assert failed[0]["status"] == failed[1]["status"] == 503
    assert failed[1]["header"] == full[1]["header"] == {"Retry-After": "1"}
    assert (large[0]["status"], large[1]["status"]) == (413, 413)
    assert full[0]["status"] == 503
    assert "status" not in full[1], "503 it is already"


def _event(record: dict[str, str]) -> Any:
    return json.loads(base64.b64decode(record["Data"]))
