"""Runs `segue` as a user does, in a process of its own, on a data home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.doors.forked import Forked, can_fork, run_forked, start_forked

__all__ = ["Answer", "Home"]

_START = "import sys; sys.argv[0] = 'segue'; from segue.doors.cli import main; main()"
_LONGEST_S: Final = 300
_CWD: Final = Path(__file__).parent


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
        """What the command finds in its environment; one thread does for what little it has."""
        own = {"SEGUE_HOME": str(self.folder), "SEGUE_THREADS": "1", "COLUMNS": "100"}
        return {**os.environ, **own, **more}

    def start(self, *arguments: str | Path, **environment: str) -> Forked:
        """Start the command; nobody hears what it says."""
        words, env = [str(part) for part in arguments], self.environment(**environment)
        with Path(os.devnull).open("wb") as nowhere:
            return start_forked(words, cwd=_CWD, env=env, out=nowhere, err=nowhere)

    def __call__(self, *arguments: str | Path, **environment: str) -> Answer:
        """Run the command to its end, in a process of its own."""
        env, words = self.environment(**environment), [str(part) for part in arguments]
        if can_fork(env):
            return Answer(*run_forked(words, cwd=_CWD, env=env, timeout=_LONGEST_S))
        done = subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            cwd=_CWD,
            env=env,
            timeout=_LONGEST_S,
        )
        return Answer(done.returncode, done.stdout, done.stderr)
