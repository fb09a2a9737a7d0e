"""`segue serve` as somebody starts and stops it."""

from __future__ import annotations

import signal
import socket
import threading
import time
from pathlib import Path

import httpx2
import pytest

from segue.events.sqlite_log import SqliteLog
from tests.doors.home import Home
from tests.doors.running import event, own_small_home, serving


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home for several starts."""
    return own_small_home(tmp_path_factory)


def test_without_keys_this_machine_is_served_and_nobody_else(tmp_path: Path) -> None:
    with serving(tmp_path) as running, running.client() as client:
        assert client.get("/users").json() == {"users": [], "after": None}
        assert client.post("/events", json=event(1)).json()["accepted"] == 1
        for headers in ({"host": "evil.example"}, {"x-forwarded-for": "10.0.0.1"}):
            refused = client.get("/users", headers=headers)
            assert refused.status_code == 403
            assert refused.json()["type"] == "urn:segue:problem:no-keys-yet"
        # nothing is trained: events are taken, recommendations are not made yet
        assert client.get("/health/ready").status_code == 503
        waiting = client.get("/recommendations?user_id=ann")
        assert waiting.status_code == 503
        assert waiting.json()["type"] == "urn:segue:problem:not-ready"
        assert "retry-after" in waiting.headers
        # with the first key, it is asked for at once
        assert Home(tmp_path)("keys", "create", "first").code == 0
        since = time.monotonic()
        while client.get("/users").is_success:
            assert time.monotonic() - since < 5
            time.sleep(0.02)
        assert client.get("/users").status_code == 401


def test_other_addresses_need_keys(tmp_path: Path) -> None:
    refused = Home(tmp_path)("serve", "--host", "0.0.0.0", "--port", "0")
    refused.refused("no API keys", "segue keys create", code=2)
    with serving(tmp_path, "--host", "0.0.0.0", holders=["recommend"]) as running:
        url = running.url.replace("0.0.0.0", "127.0.0.1")
        assert httpx2.get(f"{url}/users").status_code == 401
        assert httpx2.get(f"{url}/health/live").is_success


def test_an_address_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        home("serve", "--port", port).refused(f"port {port}", "taken", "--port", code=2)
        home("serve", PORT=port).refused(f"port {port}", "taken", code=2)
    home("serve", "--host", "no.such.host.example").refused("cannot listen", code=2)
    home("serve", "--port", "99999").refused("service.port", code=2)


def test_workers_that_cannot_begin_are_not_begun_again_and_again(tmp_path: Path) -> None:
    (tmp_path / "events").write_text("a file where a folder should be")
    for workers in ("1", "2"):
        refused = Home(tmp_path)("serve", "--port", "0", "--workers", workers)
        refused.refused("event log")
        assert refused.err.count("event log") <= 4  # a worker each, and the consumers


def test_it_is_ready_soon_and_ends_quietly(folder: Path) -> None:
    began = time.monotonic()
    with serving(folder) as running, running.client() as client:
        assert client.get("/health/ready").json()["ready"]
        assert time.monotonic() - began < 10  # 2 s on an idle machine; see bench
        asked = threading.Event()
        answers: list[int] = []

        def ask() -> None:
            with running.client() as mine:
                for number in range(5_000):
                    try:
                        told = mine.post("/events", json=event(number, "drain"))
                    except httpx2.HTTPError:
                        break
                    answers.append(told.json()["accepted"])
                    asked.set()

        asking = threading.Thread(target=ask)
        asking.start()
        assert asked.wait(10)
        assert running.stop(signal.SIGTERM) == 0
        asking.join()
    log = SqliteLog(folder / "events" / "events.sqlite")
    assert len(log.of_user("drain")) == sum(answers) > 0
    log.close()
    assert "Traceback" not in running.log.read_text()


def test_what_was_taken_before_a_kill_is_there_after(folder: Path) -> None:
    with serving(folder) as running, running.client() as client:
        batch = [event(number, "kim") for number in range(200)]
        assert client.post("/events", json=batch).json()["accepted"] == 200
        running.stop(signal.SIGKILL)
    with serving(folder) as running, running.client() as client:
        assert client.post("/events", json=batch).json()["duplicate"] == 200


def _answered(numbers: str) -> float:
    """Recommendations answered, as Prometheus is told."""
    about = 'segue_requests_total{method="GET",route="/recommendations"'
    return sum(float(line.split()[-1]) for line in numbers.splitlines() if line.startswith(about))


def test_workers_share_the_work_and_agree(folder: Path) -> None:
    with serving(folder, "--workers", "2") as running:
        url = "/recommendations?user_id=wil&k=5"
        ids: list[str] = []
        processes: set[str] = set()
        since = time.monotonic()
        while len(processes) < 2 or len(ids) < 12:
            assert time.monotonic() - since < 60, running.log.read_text()
            with running.client() as client:  # a connection each
                said = event(len(ids), "wil", f"j{len(ids) % 20:02}")
                client.post("/events", json=said).raise_for_status()
            with running.client() as client:
                answer = client.get(url)
            ids.append(answer.json()["recommendation_id"])
            processes.add(answer.headers["request-id"].split("-")[0])
        assert len(set(ids)) == len(ids)
        since = time.monotonic()  # each leaves its numbers for the other a few times a second
        while _answered(httpx2.get(f"{running.url}/metrics").text) != len(ids):
            assert time.monotonic() - since < 10
            time.sleep(0.1)
        assert running.stop() == 0


def test_workers_end_when_whoever_began_them_is_killed(folder: Path) -> None:
    with serving(folder, "--workers", "2") as running:
        port = running.url.rpartition(":")[2]
        running.stop(signal.SIGKILL)
        since = time.monotonic()
        while True:
            try:
                httpx2.get(f"{running.url}/health/live", timeout=5)
            except httpx2.ConnectError:
                break
            except httpx2.TransportError:  # let in, and then there was nobody
                continue
            assert time.monotonic() - since < 30
            time.sleep(0.1)
    with serving(folder, "--port", port) as again:
        assert again.url == running.url


def test_slow_clients_and_too_many_of_them_are_sent_away(folder: Path) -> None:
    limits = {"SEGUE_SERVICE__SLOW_SECONDS": "1", "SEGUE_SERVICE__CONNECTIONS": "4"}
    with serving(folder, **limits) as running:
        place = ("127.0.0.1", int(running.url.rpartition(":")[2]))
        with (
            socket.create_connection(place, timeout=20) as silent,
            socket.create_connection(place, timeout=20) as trickling,
        ):
            trickling.sendall(b"POST /events HTTP/1.1\r\nhost: 127.0.0.1\r\n")
            began = time.monotonic()
            assert b" 408 " in silent.recv(4096)
            assert b" 408 " in trickling.recv(4096)
            assert time.monotonic() - began < 10
        crowd = [socket.create_connection(place, timeout=20) for _ in range(12)]
        assert any(b" 503 " in one.recv(4096) for one in crowd[6:])
        for one in crowd:
            one.close()
        with running.client() as client:
            assert client.get("/health/live").is_success


def test_too_much_at_once_is_shed(folder: Path) -> None:
    limits = {"SEGUE_SERVICE__IN_FLIGHT": "2"}
    with serving(folder, **limits) as running:
        statuses: list[int] = []

        def ask(number: int) -> None:
            with running.client() as client:
                for turn in range(5):
                    url = f"/recommendations?user_id=u{number}-{turn}&k=50"
                    told = client.get(url)
                    statuses.append(told.status_code)
                    if told.status_code == 503:
                        assert told.headers["retry-after"] == "1"

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(statuses) == {200, 503}


def test_pages_of_named_origins_may_ask(tmp_path: Path) -> None:
    origins = {"SEGUE_SERVICE__CORS_ORIGINS": '["https://player.example"]'}
    with serving(tmp_path, holders=["recommend"], **origins) as running:
        asked = {"origin": "https://player.example", "access-control-request-method": "GET"}
        with running.client() as client:
            allowed = client.options("/tracks/j01", headers=asked)
            other = client.options("/tracks/j01", headers={**asked, "origin": "https://x.example"})
            refused = client.get("/tracks/j01", headers={"origin": "https://player.example"})
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == "https://player.example"
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    assert "access-control-allow-origin" not in other.headers
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://player.example"
