"""A small world and a trained home, made once, as a user would make them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.home import Home
from tests.doors.running import HOLDERS, Running, own_small_home, serving
from tests.once import once_a_run, own_copy


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated catalogue, crowd and export."""
    size = ("--users", "40", "--tracks", "1500", "--plays-per-user", "300")

    def make(folder: Path) -> None:
        Home(folder / "home")(
            "simulate", folder / "world", *size, "--history-plays", "4000", "--seed", "5"
        ).ok()

    return once_a_run(tmp_path_factory, "world", make) / "world"


@pytest.fixture(scope="session")
def export(world: Path) -> Path:
    """The export of the world's one listener."""
    return next((world / "histories").rglob("*.zip"))


@pytest.fixture(scope="session")
def trained(world: Path, export: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with everything imported, built and trained; tests only read it."""

    def make(folder: Path) -> None:
        home = Home(folder / "home")
        home("import", export).ok()
        home("catalogue", "add", world / "catalogue.csv").ok()
        home("crowd", "add", world / "crowd.parquet").ok()
        home("build").ok()
        home("train").ok()

    return Home(own_copy(tmp_path_factory, "trained", make) / "home")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with keys for everybody of `HOLDERS`; its home is small."""
    with serving(own_small_home(tmp_path_factory), holders=list(HOLDERS)) as running:
        yield running
