"""What takes long to make is made once for all processes of a test run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest

__all__ = ["once_a_run", "own_copy"]


def once_a_run(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that whoever asks first fills; the others wait, and find it filled.

    Args:
        factory: Knows where this run puts its files.
        name: Of the folder; another one for everything that is made.
        make: Fills the folder, which is new and empty. Nobody may change it afterwards.
    """
    of_process = factory.getbasetemp()
    shared = of_process.parent if "PYTEST_XDIST_WORKER" in os.environ else of_process
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of somebody who did not get to the end
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def own_copy(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The same, as a copy that belongs to this process: it may be opened and changed."""
    folder = factory.mktemp(name) / "copy"
    shutil.copytree(once_a_run(factory, name, make), folder, symlinks=True)
    return folder
