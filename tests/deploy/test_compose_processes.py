"""What compose.yaml starts, as processes on this machine: a server, tables, the API, a worker.

The environment of each is the one of compose.yaml, with addresses and folders of here; the roles
of PostgreSQL are made by the script that its container runs.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx2
import pytest

from tests.deploy.test_compose import DOCKER, read
from tests.postgres_server import PASSWORD, OwnServer, folder_of_programs

_LONGEST_S: Final = 180.0
_TAKEN: Final = 'segue_events_behind{consumer="profiles"} 0.0'
pytestmark = pytest.mark.xdist_group("compose")


@dataclass(frozen=True)
class System:
    """What runs.

    Args:
        secrets: The folder of secrets.
        logs: What each said.
    """

    url: str
    secrets: Path
    logs: Path
    processes: dict[str, subprocess.Popen[bytes]]

    def token(self, name: str) -> dict[str, str]:
        """The header that names a key."""
        return {"authorization": f"Bearer {(self.secrets / f'{name}_token').read_text().strip()}"}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    programs = folder_of_programs()
    if programs is None or not (programs / "psql").exists():
        pytest.skip("there is no PostgreSQL with psql here")
    folder = tmp_path / "repository" / "deploy" / "docker"
    shutil.copytree(DOCKER, folder, ignore=shutil.ignore_patterns(".env", "secrets"))
    subprocess.run([folder / "secrets.sh"], check=True, capture_output=True)
    services = read(folder)["services"]
    with ExitStack() as stack:
        reachable = Path(stack.enter_context(TemporaryDirectory(prefix="segue-compose-")))
        reachable.chmod(0o755)  # the server is another user than who runs tests
        server = OwnServer(reachable / "server", {"fsync": "off"})
        server.start()
        stack.callback(server.stop)
        _make_roles(folder, programs, server)
        yield _started(services, folder, tmp_path, server.at.port, stack)


def test_the_system_starts_answers_and_ends(system: System) -> None:
    event = {
        "event_id": "1",
        "user_id": "ann",
        "track_id": "Ann Lee - Alone",
        "event_type": "like",
        "timestamp": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
    }
    with httpx2.Client(base_url=system.url, timeout=30) as client:
        _until(lambda: _answers(client), system)
        assert client.post("/events", json=event).status_code == 401
        admin = system.token("admin")
        assert client.post("/events", json=event, headers=admin).json()["accepted"] == 1
        assert client.get("/").status_code == 303, "the page asks who is there"
        metrics = system.token("metrics")
        _until(lambda: _TAKEN in client.get("/metrics", headers=metrics).text, system)
    _until(lambda: (system.logs / "tmp-worker" / "segue-worker").exists(), system)
    for name, process in system.processes.items():
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, (system.logs / f"{name}.log").read_text()
    assert "schedules are run by this process" in (system.logs / "worker.log").read_text()
    assert PASSWORD not in "".join(one.read_text() for one in system.logs.glob("*.log"))


def _make_roles(folder: Path, programs: Path, server: OwnServer) -> None:
    """As the image of PostgreSQL does when it starts for the first time."""
    found = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "SECRETS": str(folder / "secrets"),
        "POSTGRES_USER": server.at.superuser,
        "PGHOST": server.at.socket,
        "PGPORT": str(server.at.port),
    }
    script = ["sh", str(folder / "bi" / "roles.sh")]
    made = subprocess.run(script, env=found, capture_output=True, text=True)
    # Lightdash's own database wants an extension that not every build of the server has
    assert made.returncode == 0 or "uuid-ossp" in made.stderr, made.stderr
    assert "create role" not in made.stderr.lower()


def _started(
    services: dict[str, Any], folder: Path, here: Path, port: int, stack: ExitStack
) -> System:
    """Run the services in the order of compose.yaml."""
    processes: dict[str, subprocess.Popen[bytes]] = {}
    for name in ("migrate", "api", "worker"):
        temporary = here / f"tmp-{name}"
        temporary.mkdir()
        variables = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "TMPDIR": str(temporary),
            "SEGUE_HOME": str(here / "home"),
            "SEGUE_SERVICE__HOST": "127.0.0.2",  # not loopback's usual name, so keys are wanted
            "SEGUE_SERVICE__PORT": "0",
            "SEGUE_SERVICE__AHEAD": "0",
            "SEGUE_POSTGRESQL__PORT": str(port),
        }
        for key, value in services[name]["environment"].items():
            at = str(value).replace("/run/secrets", str(folder / "secrets"))
            variables[key] = "127.0.0.1" if at == "warehouse" else at
        log = here / f"{name}.log"
        with log.open("wb") as out:
            words = ["sh", str(DOCKER / "segue-container"), *services[name]["command"]]
            process = subprocess.Popen(words, cwd=here, env=variables, stdout=out, stderr=out)
        if name == "migrate":
            assert process.wait(_LONGEST_S) == 0, log.read_text()
        else:
            processes[name] = process
            stack.callback(process.wait, 30)
            stack.callback(process.kill)
    system = System("", folder / "secrets", here, processes)
    _until(lambda: "listens at" in (here / "api.log").read_text(), system)
    [url] = re.findall(r"http://\S+", (here / "api.log").read_text())[:1]
    return System(url, system.secrets, here, processes)


def _answers(client: httpx2.Client) -> bool:
    return client.get("/health/live").status_code == 200


def _until(done: Callable[[], bool], system: System) -> None:
    ends = time.monotonic() + _LONGEST_S
    while not done():
        ended = {name: one.poll() for name, one in system.processes.items()}
        said = "".join(one.read_text() for one in system.logs.glob("*.log"))
        assert time.monotonic() < ends and not any(ended.values()), f"{ended}\n{said}"
        time.sleep(0.1)
