"""A user leaves what Segue keeps on AWS, on moto's server and a stand-in for Personalize."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from segue.aws.kept_files import KeptFiles
from segue.aws.profile_table import ProfileTable
from segue.doors.cli.app import app
from segue.errors import BusyError, StorageError
from segue.flows.aws.kept_home import KeptHome
from segue.flows.personalize.daily.ledger import Ledger
from segue.flows.personalize.deploy import deploy
from segue.progress import Silent
from segue.warehouse.s3_client import S3Options, S3Place
from segue.warehouse.s3_files import S3Files
from tests.flows.test_daily_datasets import NOW, Cloud, cloud_of, event, parquet, track
from tests.flows.test_personalize import crowd
from tests.s3_server import Fault, Request, S3Server, s3_proxy

PARTS = ("events/", "datasets/", "sets/")


@pytest.fixture
def bare(s3: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A cloud that nobody has used."""
    made = cloud_of(s3, bucket, monkeypatch)
    yield made
    made.fake.stop()


@pytest.fixture
def cloud(bare: Cloud) -> Cloud:
    """Two users all over the place, in a bucket that keeps older versions."""
    bare.s3.put_bucket_versioning(Bucket=bare.bucket, VersioningConfiguration={"Status": "Enabled"})
    bare.catalogue([track(0, "pop"), track(1, "folk")])
    deploy(bare.account(), Silent())
    bare.events([event(n, user=("ann", "bob")[n % 2]) for n in range(40)])
    bare.events([event(n, user="bob") for n in range(50, 60)], name="b")
    bare.profile(*(event(n) for n in range(30)))
    bare.profile(*(event(n, user="bob") for n in range(3)))
    bare.run()
    return bare


def forget(*words: str, user: str = "ann") -> Result:
    return CliRunner().invoke(app, ["--quiet", "aws", "forget", "--user", user, *words])


def told(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, (result.output, result.exception)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def versions(cloud: Cloud) -> Iterator[tuple[str, bytes]]:
    """All that S3 has, older versions included."""
    for prefix in PARTS:
        page = cloud.s3.list_object_versions(Bucket=cloud.bucket, Prefix=prefix)
        for one in page.get("Versions", ()):
            held = cloud.s3.get_object(
                Bucket=cloud.bucket, Key=one["Key"], VersionId=one["VersionId"]
            )
            yield one["Key"], held["Body"].read()


def holding(cloud: Cloud, user: str) -> list[str]:
    """Keys of the versions that name a user."""
    found = []
    for key, body in versions(cloud):
        if (
            key.endswith(".parquet")
            and "user_id" in (table := pq.read_table(io.BytesIO(body))).column_names
        ):
            body = " ".join(table["user_id"].to_pylist()).encode()
        if user.encode() in body:
            found.append(key)
    return found


def sorts(cloud: Cloud, user: str) -> tuple[str, ...]:
    return ProfileTable(cloud.aws, cloud.table, keep=timedelta(days=30), sleep=print).sorts(user)


def events_of(cloud: Cloud) -> list[dict[str, Any]]:
    page = cloud.s3.list_objects_v2(Bucket=cloud.bucket, Prefix="events/")["Contents"]
    return [
        row for one in page for row in pq.read_table(io.BytesIO(cloud.get(one["Key"]))).to_pylist()
    ]


def test_a_user_goes_from_everywhere_and_others_stay(cloud: Cloud) -> None:
    others = [row for row in events_of(cloud) if row["user_id"] == "bob"]
    looked = told(forget("--dry-run", "--json"))
    assert (looked["items"], looked["done"]) == (31, False)
    assert looked["events"] == {"files": 1, "rows": 20, "old": 0, "frozen": 0, "unreadable": 0}
    assert looked["ledger"]["files"] >= 1
    assert looked["sets"]["rows"] == 21, "her interactions and she"
    assert looked["personalize"] == "would be asked"
    assert len(holding(cloud, "ann")) > 3

    files = S3Files(S3Place(cloud.bucket, "datasets"), S3Options(cloud.s3.meta.endpoint_url))
    with Ledger(files).held(NOW, "whoever makes data sets"):
        assert isinstance(forget("--yes").exception, BusyError)
    went = told(forget("--yes", "--json"))
    assert went["sets"] == looked["sets"]
    assert went["personalize"] == "asked"
    assert [key for key in holding(cloud, "ann") if "/forget/" not in key] == []
    assert sorts(cloud, "ann") == ()
    assert len(sorts(cloud, "bob")) == 4
    assert events_of(cloud) == others
    assert {row["USER_ID"] for row in cloud.rows("INTERACTIONS")} == {"bob"}
    assert {row["USER_ID"] for row in cloud.rows("USERS")} == {"bob"}

    cloud.events([event(100, user="bob")], name="c")
    assert cloud.run()["kept"] == 1, "files that were taken are still known to be"
    cloud.put("events/day=2020-01-01/old.parquet", parquet([event(1)]), StorageClass="GLACIER")
    cloud.put("events/day=2026-01-01/odd.parquet", b"no parquet")
    again = forget("--yes")
    assert again.exit_code == 1
    assert "1  files stay, for they are in Glacier" in again.output
    assert "1  files stay, for they cannot be read" in again.output
    assert "Personalize: done" in again.output
    listing = cloud.s3.list_objects_v2(Bucket=cloud.bucket, Prefix="sets/forget/")
    assert "Contents" not in listing


def test_broken_off_anywhere_it_goes_on(
    cloud: Cloud, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 refuses the first write or removal, then the third, the fifth …"""
    made: list[str] = []

    def cut(allowed: int, request: Request) -> Fault | None:
        if request.method in ("PUT", "DELETE"):
            made.append(request.path)
        return Fault(403, "AccessDenied") if made and len(made) > allowed else None

    with s3_proxy(s3) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        for allowed in range(0, 40, 2):
            made.clear()
            proxy.fault = partial(cut, allowed)
            result = forget("--yes", "--json")
            proxy.fault = lambda request: None
            if result.exit_code == 0:
                break
            assert isinstance(result.exception, StorageError), result.exception
            # a process that died leaves its lease, which ends by itself
            cloud.s3.delete_object(Bucket=cloud.bucket, Key="datasets/lease.json")
    assert 2 < allowed < 38
    assert [key for key in holding(cloud, "ann") if "/forget/" not in key] == []
    assert {row["USER_ID"] for row in cloud.rows("INTERACTIONS")} == {"bob"}
    assert len([row for row in events_of(cloud) if row["user_id"] == "bob"]) == 30


def test_a_home_loses_what_was_made_of_everybody(
    bare: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"s3://{bare.bucket}/home"
    with KeptHome(bare.aws, place, tmp_path / "home").opened(
        now=NOW, until=NOW + timedelta(hours=1)
    ):
        crowd(tmp_path / "home" / "snapshots", users=2, plays=2)
    files = KeptFiles(bare.aws, bare.bucket, "home")
    assert "nobody has agreed" in str(forget("--state", place, user="u01").exception)
    assert told(forget("--state", place, "--yes", "--json", user="nobody"))["homes"] == {}
    assert any(name.startswith("snapshots/") for name in files.look())
    assert told(forget("--state", place, "--yes", "--json", user="u01"))["homes"] == {place: None}
    assert not any(name.startswith("snapshots/") for name in files.look())
    assert told(forget("--state", place, "--yes", "--json", user="u01"))["homes"] == {}
    assert "nobody is named" in str(forget(user="").exception)
