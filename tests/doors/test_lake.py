"""`segue lake`, and a lake on S3, as somebody at a keyboard meets them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doors.home import Answer, Home
from tests.s3_server import S3Server

Segue = Callable[..., Answer]


@pytest.fixture
def segue(home: Home, s3: S3Server, bucket: str) -> Segue:
    """The command, with its lake on S3."""
    at_s3 = {"SEGUE_LAKE": f"s3://{bucket}/segue", "SEGUE_S3__ENDPOINT_URL": s3.url}

    def run(*arguments: str | Path, **more: str) -> Answer:
        return home(*arguments, **at_s3 | more)

    return run


def test_from_import_to_verify_on_s3(segue: Segue, export: Path, home: Home) -> None:
    assert "nothing yet" in segue("lake", "status").ok().out
    segue("import", export).ok()
    assert "every file is as it was written" in segue("lake", "verify").ok().out
    status = segue("lake", "status", "--json").ok().json
    assert status["commits"] == 1
    assert {"plays", "library"} <= {one["table"] for one in status["tables"]}
    assert status["rows"] == sum(one["rows"] for one in status["tables"])
    assert segue("lake", "compact", "--json").ok().json["merged"] == 0
    assert segue("build", "--replay").ok().out.startswith("Published snapshot")
    assert not (home.folder / "lake").exists()


def test_a_lake_that_cannot_be_reached(segue: Segue, export: Path) -> None:
    refused = segue("import", export, SEGUE_LAKE="s3://no-such-bucket/x")
    refused.refused("there is no bucket “no-such-bucket”", "aws s3 mb", code=2)
    assert "Reading" not in refused.err  # told before the work, not after it
    segue("build", SEGUE_LAKE="gs://bucket/x").refused("cannot be kept at", code=2)
    segue("build", AWS_ACCESS_KEY_ID="").refused("credentials", "AWS_PROFILE", code=2)
    away = {"SEGUE_S3__ENDPOINT_URL": "http://127.0.0.1:9", "SEGUE_S3__TIMEOUT_SECONDS": "0.5"}
    segue("lake", "status", **away).refused("does not answer", "run it again")


def test_a_file_that_has_changed(home: Home, export: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "lake elsewhere"
    home("import", export, SEGUE_LAKE=str(elsewhere)).ok()
    victim = next((elsewhere / "plays").rglob("*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-9] + b"otherwise")
    told = home("lake", "verify", SEGUE_LAKE=str(elsewhere))
    told.refused(victim.name, "has changed since it was written", "from a backup")
    as_json = home("lake", "verify", "--json", SEGUE_LAKE=str(elsewhere))
    assert as_json.code == 1
    assert [fault["file"].endswith(victim.name) for fault in as_json.json["faults"]] == [True]
