"""Fixtures of the tests of functions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from segue.doors.aws import at_home
from tests.doors.aws.cloud import Cloud
from tests.s3_server import S3Server


@pytest.fixture
def cloud(
    s3: S3Server, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cloud]:
    """A cloud of the test's own."""
    yield Cloud(s3, bucket, tmp_path / "home", monkeypatch.setenv)
    at_home.forget_homes()
