"""Starts `segue` as a process of its own without loading everything anew: a server forks it.

Half of what a short command costs is Python's reading of libraries, and most of what a first build
costs is dbt's. One process a test worker does that once; each command is then a fork of it: a real
process, with its own environment, folder, streams, signals and exit code.
"""

from __future__ import annotations

import array
import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final

__all__ = ["Forked", "can_fork", "run_forked", "start_forked"]

_LONGEST: Final = 1 << 16
_LOADED: Final = (
    "dbt.adapters.duckdb.environments.local",
    "dbt.cli.main",
    "dbt.task.build",
    "dbt_common.clients.agate_helper",
    "segue.doors.cli.app",
    "segue.doors.http.serve",
    "segue.flows.backup",
    "segue.flows.build",
    "segue.flows.forget",
    "segue.flows.ingest",
    "segue.flows.recommend",
    "segue.flows.train",
    "segue.flows.wiring",
    "uvloop",
)
_OF_PYTHON: Final = ("PYTHON", "LC_", "LANG", "OMP_", "OPENBLAS_", "LD_", "MALLOC_", "ARROW_")
"""Beginnings of variables that are read as a process starts, so that a fork comes too late."""
_BEGAN_WITH: Final = dict(os.environ)


def can_fork(environment: Mapping[str, str]) -> bool:
    """Whether a fork finds its environment as a new process would."""
    begins = {name for name in environment | os.environ if name.startswith(_OF_PYTHON)}
    return all(environment.get(name) == _BEGAN_WITH.get(name) for name in begins)


class Forked:
    """A command that was started.

    Args:
        answers: Where the number of its process and then its exit code are told.
    """

    def __init__(self, answers: socket.socket) -> None:
        self._answers = answers
        self._lines = answers.makefile("r")
        self._code: int | None = None
        self.pid = int(self._lines.readline())

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended; negative for the signal that ended it.

        Raises:
            TimeoutError: That took longer.
        """
        if self._code is None:
            ready = select.select([self._answers], [], [], timeout)[0]
            if not ready:
                raise TimeoutError
            self._code = int(self._lines.readline())
            self._lines.close()
            self._answers.close()
        return self._code

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        try:
            return self.wait(0)
        except TimeoutError:
            return None

    def send(self, number: int) -> None:
        """Send a signal to the process alone; nothing if it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it with all that it began; nothing if it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


def start_forked(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    out: IO[bytes],
    err: IO[bytes],
    program: str = "segue.doors.cli:main",
) -> Forked:
    """Start a command, in a process group of its own.

    Args:
        arguments: What comes after `segue`.
        out: Where its output goes, and `err` its errors.
        program: Module and function that is called, if it is not the command's.
    """
    told = {"arguments": list(arguments), "cwd": str(cwd), "env": dict(env), "program": program}
    asked = json.dumps(told).encode()
    answers, theirs = socket.socketpair()
    with theirs:
        fds = array.array("i", [out.fileno(), err.fileno(), theirs.fileno()])
        _server().sendmsg([asked], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds.tobytes())])
    return Forked(answers)


def run_forked(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
) -> tuple[int, str, str]:
    """Run a command to its end, as `subprocess.run` would with the output captured.

    Args:
        arguments: What comes after `segue`.
        timeout: Seconds until it is killed.

    Returns:
        Its exit code (negative for the signal that ended it), its output, and its errors.

    Raises:
        TimeoutError: It took longer.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        running = start_forked(arguments, cwd=cwd, env=env, out=out, err=err)
        try:
            code = running.wait(timeout)
        finally:
            running.kill()
        return code, _text(out), _text(err)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@cache
def _server() -> socket.socket:
    """This worker's server; it ends when the worker does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env=_BEGAN_WITH | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def end() -> None:
        ours.close()
        server.wait()

    atexit.register(end)
    return ours


# --- in the server ------------------------------------------------------------------------------


def _load() -> None:
    """Load what commands load, and parse the dbt project."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for name in _LOADED:
        import_module(name)
    import duckdb

    from segue.warehouse.duckdb import DuckDBWarehouse

    # dbt's parser in Rust has threads that Python does not know of; a fork would wait for them
    os.environ["DBT_STATIC_PARSER"] = "false"
    with tempfile.TemporaryDirectory() as folder:
        project = DuckDBWarehouse(Path(folder, "segue.duckdb"))._dbt
        project.prepare()
        project.wait()
    del os.environ["DBT_STATIC_PARSER"]
    duckdb.close()  # the default connection, which has threads that a fork would wait for
    assert threading.active_count() == 1, "only what has one thread may be forked"
    assert _own_threads() <= 1, "a library has threads that a fork would wait for"
    gc.freeze()  # else the first collection of each child copies every page


def _own_threads() -> int:
    """Threads of any language, where the system tells; jemalloc's lives through a fork."""
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    return sum(name != "jemalloc_bg_thd" for name in names)


def _serve(requests: socket.socket) -> str:
    """Answer until the worker ends; returns in a fork, with the program that is to run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _load()
    while True:
        asked, rights, _, _ = requests.recvmsg(_LONGEST, socket.CMSG_SPACE(3 * 4))
        if not asked:
            sys.exit(0)
        fds = array.array("i")
        for _, _, data in rights:
            fds.frombytes(data)
        if os.fork() == 0:
            requests.close()
            return _watch(json.loads(asked), *fds)
        for fd in fds:
            os.close(fd)
        with suppress(ChildProcessError):  # those that have ended since
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _watch(request: Mapping[str, Any], out: int, err: int, answer: int) -> str:
    """Fork once more, and tell the number of the process and how it ended."""
    child = os.fork()
    if child == 0:
        os.close(answer)
        return _become(request, out, err)
    os.write(answer, f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    with suppress(BrokenPipeError):
        os.write(answer, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(request: Mapping[str, Any], out: int, err: int) -> str:
    """Be as if Python had just been started for the command."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    for ours, theirs in ((out, 1), (err, 2)):
        os.dup2(ours, theirs)
        os.close(ours)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    sys.argv = ["segue", *request["arguments"]]
    return str(request["program"])


if __name__ == "__main__":
    module, _, function = _serve(socket.socket(fileno=int(sys.argv[1]))).partition(":")
    run = getattr(import_module(module), function)
    # as with `python -c`: help says “segue”, and workers do not begin with this module
    __package__, __spec__ = None, None  # type: ignore[assignment]  # Python's own are not optional
    del __file__
    run()
