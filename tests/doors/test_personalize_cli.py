"""`segue personalize` as somebody at a keyboard meets it, on a stand-in."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from segue.doors.cli.app import app
from segue.errors import SegueError
from segue.fakes.personalize import FakePersonalize
from tests.flows.test_personalize import ROLE, crowd
from tests.s3_server import S3Server

Segue = Callable[..., Any]


@pytest.fixture
def fake(s3: S3Server) -> Iterator[FakePersonalize]:
    client = s3.client()

    def read(address: str) -> Sequence[bytes]:
        place = urlsplit(address)
        bucket, prefix = place.netloc, place.path.lstrip("/")
        found = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
        return [client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in found]

    with FakePersonalize(read) as made:
        yield made


@pytest.fixture
def segue(
    fake: FakePersonalize,
    s3: S3Server,
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Segue:
    home = tmp_path / "home"
    crowd(home / "snapshots")
    told = {
        "SEGUE_HOME": str(home),
        "SEGUE_S3__ENDPOINT_URL": s3.url,
        "SEGUE_PERSONALIZE__REGION": "eu-west-1",
        "SEGUE_PERSONALIZE__ENDPOINT_URL": fake.url,
        "SEGUE_PERSONALIZE__NAME": f"s{uuid.uuid4().hex[:6]}",
        "SEGUE_PERSONALIZE__BUCKET": f"s3://{bucket}/sets",
        "SEGUE_PERSONALIZE__ROLE_ARN": ROLE,
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    return lambda *words: CliRunner().invoke(app, ["personalize", *words])


def test_from_nothing_to_a_campaign_and_away_again(segue: Segue) -> None:
    plan = segue("plan")
    assert "are still to be made" in plan.output
    assert "billed by the hour" in plan.output
    assert "Next: segue personalize import" in segue("deploy").output
    brought = segue("import")
    assert "Interactions  all" in brought.output
    assert "Add --yes" in str(segue("train").exception)
    assert "Next: segue personalize campaign" in segue("train", "--yes").output
    campaign = segue("campaign", "--yes")
    assert "[models.personalize]" in campaign.output
    assert 'campaign = "arn:aws:personalize:' in campaign.output
    assert "730 TPS-hours" in segue("status").output
    told = json.loads(segue("status", "--json").output)
    assert {one["state"] for one in told} == {"there"}
    gone = segue("destroy", "--yes")
    assert "Removed" in gone.output
    assert "Nothing is billed by the hour." in segue("status").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("import",), "is not deployed"),
        (("import", "--until", "soon"), "is no day and no moment"),
        (("import", "--new", "--whole"), "exclude each other"),
        (("train", "--yes"), "nothing was imported to learn from"),
        (("campaign", "--yes"), "has not been trained"),
        (("campaign",), "Add --yes"),
        (("daily",), "personalize.events is not set"),
    ],
)
def test_what_is_too_early_or_wrong_is_said(
    segue: Segue, words: tuple[str, ...], said: str
) -> None:
    done = segue(*words)
    assert done.exit_code != 0
    assert isinstance(done.exception, SegueError)
    assert said in str(done.exception)
