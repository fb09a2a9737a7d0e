"""RecTools and LensKit beside ours, each in a throwaway environment of its own.

They ask for other versions of NumPy, or for torch, than Segue is installed with, so they cannot
be measured where it runs. What cannot be installed within some minutes is skipped, with a word why.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench import models

__all__ = ["environment", "run"]

_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "rectools_als": ("rectools", "implicit", "pandas<3", "setuptools<81"),
    "lenskit_als": ("torch==2.13.0", "lenskit"),
}
_PATIENCE: Final = 400  # seconds for an installation


def run(size: str = "3m") -> list[str]:
    """The table of `bench models` with a line for each library that can be installed."""
    with tempfile.TemporaryDirectory() as folder:
        found, lines = {}, []
        for side, packages in _NEEDS.items():
            python = environment(Path(folder) / side, packages)
            if isinstance(python, Path):
                found[side] = str(python)
            else:
                lines.append(f"{side}: skipped, {python}")
        return [*models.run(size, groups=("ALS",), others=found), "", *lines]


def environment(folder: Path, packages: tuple[str, ...]) -> Path | str:
    """The Python of a new environment with these packages, or why there is none."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "--quiet", "--prefer-binary", *packages]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return f"not installed within {_PATIENCE} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["pip failed"])[-1]
    print(f"installed {', '.join(packages)}", file=sys.stderr, flush=True)
    return python
