"""Runs a command in a process of its own and measures its time and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.exports import write_history

__all__ = ["Measured", "measure", "segue", "warm_up"]

_BYTECODE = {
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / f"segue-bench-{os.getuid()}"),
}
"""Commands find compiled modules, as in an installation, wherever the environment forbids them."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Wall and processor seconds, peak resident memory in MiB, and standard output of a process."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    output: str = field(default="", repr=False)


def measure(
    command: Sequence[str], *, cores: int | None = None, environment: dict[str, str] | None = None
) -> Measured:
    """Run a command to its end.

    Args:
        cores: Let it use only this many cores.

    Raises:
        RuntimeError: It failed; what it said on standard error is the message.
    """

    def pin() -> None:
        if cores is not None:
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])

    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=errors,
            env={**os.environ, **_BYTECODE, **(environment or {})},
            preexec_fn=pin,
        )
        # wait4, unlike wait, tells what the process used.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command)}: {errors.read().decode()}")
        output.seek(0)
        said = output.read().decode()
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(seconds, cpu, peak_mib=usage.ru_maxrss / 1024, output=said)


def segue(home: Path, *arguments: str, cores: int | None = None) -> Measured:
    """Run `segue` on a data home."""
    program = str(Path(sys.executable).with_name("segue"))
    return measure([program, "--home", str(home), "--quiet", *arguments], cores=cores)


def warm_up() -> None:
    """Let every module that an import needs be compiled before something is measured."""
    with tempfile.TemporaryDirectory() as folder:
        write_history(Path(folder) / "export", 1_000)
        segue(Path(folder) / "home", "import", str(Path(folder) / "export"))
