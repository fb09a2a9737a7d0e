"""Starts the stand-in for Snowflake, and speaks to its back door."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import md5
from pathlib import Path
from typing import Any, Final

import pytest

from segue.warehouse.snowflake import SnowflakeWarehouse

SERVER: Final = Path(__file__).with_name("server.py")
PASSWORD: Final = "correct horse 'battery' staple"
ROLE: Final = "SEGUE_ROLE"
WAREHOUSE: Final = "SEGUE_WH"


def interpreter() -> Path:
    """Python of the environment that holds fakesnow, beside the one that runs the tests."""
    named = os.environ.get("SEGUE_FAKESNOW_VENV")
    beside = Path(sys.prefix)
    folder = Path(named) if named else beside.with_name(f"{beside.name}-fakesnow")
    return folder / "bin" / "python"


@dataclass(frozen=True)
class FakeSnowflake:
    """A server, its address and one user, SEGUE."""

    url: str

    def settings(self, database: str) -> dict[str, Any]:
        """The settings of a warehouse there; the database is made."""
        with self._connect() as connection:
            connection.cursor().execute(f"create database if not exists {database}")
        return {
            "account": "fakesnow",
            "user": "SEGUE",
            "password": PASSWORD,
            "role": ROLE,
            "warehouse": WAREHOUSE,
            "database": database,
            "url": self.url,
            "timeout_s": 5,
        }

    def new_settings(self) -> dict[str, Any]:
        """The settings of a database that nobody has used."""
        return self.settings(f"T{uuid.uuid4().hex[:12].upper()}")

    def asked(self) -> list[tuple[str, str]]:
        """(query tag, statement) of all that was asked since the last time."""
        with urllib.request.urlopen(f"{self.url}/log", timeout=10) as answer:
            return [(tag, sql) for tag, sql in json.load(answer)]

    @contextmanager
    def failing(self, *faults: Mapping[str, Any]) -> Iterator[None]:
        """Let statements go wrong while inside; see FAULTS in server.py."""
        self._set(faults)
        try:
            yield
        finally:
            self._set(())

    def until_waiting(self) -> None:
        """Return when a statement waits; see FAULTS in server.py."""
        urllib.request.urlopen(f"{self.url}/waiting", timeout=120).close()

    def hang_up(self) -> None:
        """End every session, as Snowflake does with those whose program is gone."""
        urllib.request.urlopen(f"{self.url}/hang-up", timeout=10).close()

    def ask(self, settings: Mapping[str, Any], sql: str) -> list[tuple[Any, ...]]:
        """What a statement answers in a database."""
        with self._connect(warehouse=WAREHOUSE, database=settings["database"]) as connection:
            answer: list[tuple[Any, ...]] = connection.cursor().execute(sql).fetchall()
            return answer

    def _connect(self, **arguments: Any) -> Any:
        import snowflake.connector

        return snowflake.connector.connect(
            account="fakesnow",
            user="SEGUE",
            password=PASSWORD,
            host="127.0.0.1",
            port=int(self.url.rpartition(":")[2]),
            protocol="http",
            **arguments,
        )

    def _set(self, faults: Sequence[Mapping[str, Any]]) -> None:
        request = urllib.request.Request(
            f"{self.url}/faults", json.dumps([dict(fault) for fault in faults]).encode()
        )
        urllib.request.urlopen(request, timeout=10).close()


@cache
def shared_server() -> FakeSnowflake:
    """One server for all tests of this process, until it ends."""
    stack = ExitStack()
    server = stack.enter_context(serving())
    atexit.register(stack.close)
    return server


def warehouse(folder: Path, **changes: Any) -> SnowflakeWarehouse:
    """A warehouse on the shared server: the same database for the same folder."""
    settings = shared_server().settings(f"T{md5(str(folder).encode()).hexdigest().upper()}")
    return SnowflakeWarehouse(folder / "segue.snowflake", threads=2, **settings | changes)


@contextmanager
def serving(*, public_key: str = "") -> Iterator[FakeSnowflake]:
    """A server of one's own; the test is skipped where fakesnow is not installed."""
    pytest.importorskip("snowflake.connector", reason="the extra `snowflake` is not installed")
    python = interpreter()
    if not python.exists():
        pytest.skip(f"fakesnow is not installed in {python.parents[1]}: run `make dev`")
    server = subprocess.Popen(
        [python, "-W", "ignore", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdin is not None
        assert server.stdout is not None
        known = {
            "users": {"SEGUE": {"password": PASSWORD, "public_key": public_key}},
            "roles": [ROLE],
            "warehouses": [WAREHOUSE],
        }
        server.stdin.write(json.dumps(known) + "\n")
        server.stdin.flush()
        port = json.loads(server.stdout.readline())["port"]
        yield FakeSnowflake(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.communicate(timeout=20)
