"""Fixtures that many tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Name the run after its first process, for what all of its processes share."""
    os.environ.setdefault("SEGUE_TEST_RUN", str(os.getpid()))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the project; tests that need it are skipped without it."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SEGUE_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip("there is no shared data here")
    return folder
