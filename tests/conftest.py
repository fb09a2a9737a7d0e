"""Fixtures that many tests share."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from segue.fakes.spotify import FakeSpotify
from tests.fake_spotify import fake_spotify
from tests.s3_server import Proxy, S3Server, keys, s3_proxy, s3_server

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# No test looks into the keyring of whoever runs it, nor into one that another test has made up.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"


def pytest_configure() -> None:
    """Name the run after its first process, for what all of its processes share."""
    os.environ.setdefault("SEGUE_TEST_RUN", str(os.getpid()))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of a group on one worker.

    pytest-xdist 3.8 writes the group behind a test's id, where pytest 9.2 no longer looks.
    """
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        group = next((str(mark.args[0]) for mark in item.iter_markers("xdist_group")), None)
        if group is not None and item.parent is not None and not item.nodeid.endswith(f"@{group}"):
            item._id = item.parent.id.child(f"{item.name}@{group}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the project; tests that need it are skipped without it."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SEGUE_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip("there is no shared data here")
    return folder


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 on loopback."""
    with s3_server() as server:
        yield server


@pytest.fixture
def proxy(s3: S3Server) -> Iterator[Proxy]:
    """A way to it on which anything may happen."""
    with s3_proxy(s3) as made:
        yield made


@pytest.fixture
def bucket(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket there, and the credentials for it in the environment."""
    for name, value in keys().items():
        monkeypatch.setenv(name, value)
    return s3.bucket(f"bucket-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def spotify() -> Iterator[FakeSpotify]:
    """A Spotify on loopback, new for each test."""
    with fake_spotify() as server:
        yield server
