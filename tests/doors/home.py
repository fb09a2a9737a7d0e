"""Runs `segue` as a user does, in a process of its own, on a data home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Answer", "Home"]

_START = "import sys; sys.argv[0] = 'segue'; from segue.doors.cli import main; main()"


@dataclass(frozen=True)
class Answer:
    """What the command said, and how it left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON, the whole of it."""
        return json.loads(self.out)

    def ok(self) -> Answer:
        """This answer, if it is a good one; else the test fails with what was said."""
        assert self.code == 0, f"exit {self.code}\n{self.out}\n{self.err}"
        return self

    def refused(self, *parts: str, code: int = 1) -> Answer:
        """This answer, if the command refused in words, naming all parts."""
        said = self.out + self.err
        assert self.code == code, f"exit {self.code}\n{said}"
        assert "Traceback" not in said
        for part in parts:
            assert part in said, f"“{part}” is missing in:\n{said}"
        return self


@dataclass(frozen=True)
class Home:
    """A data home and the command that works on it."""

    folder: Path

    def command(self, *arguments: str | Path) -> list[str]:
        """The command line, for a test that runs it in its own way."""
        return [sys.executable, "-c", _START, *(str(part) for part in arguments)]

    def environment(self, **more: str) -> dict[str, str]:
        """What the command finds in its environment."""
        return {**os.environ, "SEGUE_HOME": str(self.folder), "COLUMNS": "100", **more}

    def __call__(self, *arguments: str | Path, **environment: str) -> Answer:
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent,
            env=self.environment(**environment),
            timeout=300,
        )
        return Answer(done.returncode, done.stdout, done.stderr)
