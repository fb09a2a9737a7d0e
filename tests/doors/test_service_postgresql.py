"""Services side by side, which share their events and keys on a PostgreSQL server."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.doors.home import Home
from tests.doors.running import Running, event, serving, small_home
from tests.postgres_server import PASSWORD, database_of, server_of_tests
from tests.postgresql_live import Gate, gate

pytestmark = pytest.mark.xdist_group("service")


@pytest.fixture
def way() -> Iterator[Gate]:
    """How one of the services reaches the server."""
    server_of_tests()
    with gate() as made:
        yield made


@pytest.fixture
def homes(tmp_path: Path, way: Gate) -> tuple[Path, Path]:
    """Two homes with the same models, as on two hosts."""
    server = server_of_tests()
    made = []
    for name, port in (("one", way.port), ("two", server.port)):
        home = small_home(tmp_path / name)
        (home / "segue.toml").write_text(
            '[service]\nstore = "postgresql"\n[postgresql]\nhost = "127.0.0.1"\n'
            f'port = {port}\nuser = "{server.superuser}"\ndatabase = "{database_of(tmp_path)}"\n'
            f"password = '''{PASSWORD}'''\n"
        )
        made.append(home)
    return made[0], made[1]


def _soon(asked: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not asked():
        assert time.monotonic() < until
        time.sleep(0.05)


def _tracks(client: httpx2.Client, user: str) -> list[str]:
    told = client.get("/recommendations", params={"user_id": user, "k": 8}).raise_for_status()
    return [track["track_id"] for track in told.json()["tracks"]]


def test_one_knows_at_once_what_was_told_to_the_other(homes: tuple[Path, Path]) -> None:
    with (
        serving(homes[0], holders=["admin"]) as one,
        serving(homes[1]) as two,
        one.client("admin") as here,
        httpx2.Client(base_url=two.url, headers=here.headers, timeout=30) as there,
    ):
        before = _tracks(there, "newcomer")
        said = [event(n, "newcomer", f"j{n:02}", event_type="complete") for n in range(3)]
        assert here.post("/events", json=said).json()["accepted"] == 3
        assert there.post("/events", json=said).json()["duplicate"] == 3
        after = _tracks(there, "newcomer")
        assert {"j00", "j01", "j02"}.isdisjoint(after)
        hidden = event(9, "newcomer", after[0], event_type="hide")
        assert there.post("/events", json=hidden).json()["accepted"] == 1
        assert after[0] not in _tracks(here, "newcomer")
        assert before
        _soon(lambda: there.get("/users/newcomer/profile").is_success)

        one.stop(signal.SIGKILL)  # whoever consumed: the other goes on
        assert there.post("/events", json=event(10, "late", "r01")).is_success
        _soon(lambda: there.get("/users/late/profile").is_success)
        assert Home(homes[1])("keys", "list").code == 0
        key_id = one.tokens["admin"].split("_")[1]
        Home(homes[1])("keys", "revoke", key_id).ok()
        _soon(lambda: there.get("/users").status_code == 401)


def _on_its_own(running: Running, client: httpx2.Client, known: list[str]) -> None:
    """While the server is away: what needs it says so, and the rest goes on."""
    told = client.post("/events", json=event(2))
    assert told.status_code == 503
    assert told.headers["retry-after"]
    assert told.json()["type"] == "urn:segue:problem:unavailable"
    assert _tracks(client, "ann") == known
    assert _tracks(client, "bob"), "who is not in memory: as they are published"
    assert client.get("/recommendations?user_id=gone").status_code == 503, "may be forgotten"
    assert client.get("/users/zoe").status_code == 503
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert ready.json()["trouble"] == ["events cannot be read at the moment"]
    assert client.get("/health/live").is_success
    assert client.get("/metrics").is_success
    assert "database" not in ready.text
    assert PASSWORD not in running.log.read_text()


def test_a_server_that_goes_away_and_comes_back(homes: tuple[Path, Path], way: Gate) -> None:
    with serving(homes[0], holders=["admin"]) as running, running.client("admin") as client:
        for number, user in enumerate(("ann", "gone")):
            said = event(f"{user}{number}", user)
            assert client.post("/events", json=said).json()["accepted"] == 1
        client.delete("/users/gone").raise_for_status()
        time.sleep(1)  # until then what is forgotten is not looked for again
        known = _tracks(client, "ann")
        way.shut()
        _on_its_own(running, client, known)
        way.reopen()
        assert client.post("/events", json=event(2)).json()["accepted"] == 1
        assert client.get("/health/ready").is_success
        hidden = event("hidden", "ann", known[0], event_type="hide")
        assert client.post("/events", json=hidden).json()["accepted"] == 1
        assert known[0] not in _tracks(client, "ann")
