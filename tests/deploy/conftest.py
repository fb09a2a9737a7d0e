"""The templates of everything, written once for all tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.synthesis import TRACKING, synth


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the templates of all parts."""
    folder = tmp_path_factory.mktemp("aws")
    sync = ("sync_source=saved", "sync_target=3cEYpjA9oz9GiPac4AsH4n")
    more = ("mail=ops@example.org", "variables=yes")
    done = synth(folder, f"tracking_id={TRACKING}", *more, *sync)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def stacks(out: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """The resources of each stack, by its name without what is before all names."""
    return {
        path.name.removesuffix(".template.json").removeprefix("segue-"): json.loads(
            path.read_text()
        )["Resources"]
        for path in sorted(out.glob("*.template.json"))
    }


@pytest.fixture(scope="session")
def resources(stacks: dict[str, dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """The resources of all stacks."""
    return {name: one for stack in stacks.values() for name, one in stack.items()}
