"""Services side by side, as real processes: they share events, keys and models; one is killed."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from segue.events.profile_keeper import profile_of
from segue.recommenders.bundle import BundleStore
from tests.doors.home import Home
from tests.doors.running import Running, event, serving, small_home
from tests.postgres_server import database_of, server_of_tests
from tests.postgresql_live import postgresql_log
from tests.s3_server import S3Server, keys, s3_server

pytestmark = pytest.mark.xdist_group("replicas")

_PLACE: Final = "s3://made/here"


@dataclass
class House:
    """A machine that makes models, and what services need to answer with them."""

    folder: Path
    s3: S3Server
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def maker(self) -> Path:
        """The home that models are made in."""
        return self.folder / "maker"

    def publish(self) -> str:
        """Bring what is in the maker's home to S3; returns the bundle's name."""
        Home(self.maker)("aws", "publish", "--to", _PLACE, **self.environment).ok()
        return BundleStore(self.maker / "models").current().name

    def replica(self, name: str) -> Path:
        """The home of a service that has nothing but settings."""
        home = self.folder / name
        home.mkdir()
        home.joinpath("segue.toml").write_text(
            f'lake = "s3://lake/here"\n[service]\nstore = "postgresql"\n'
            f'url = "{server_of_tests().url(database_of(self.folder))}"\n'
            f'follow = "{_PLACE}"\nfollow_seconds = 1\n[web]\nenabled = false\n',
            encoding="utf-8",
        )
        return home


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("replicas")
    small_home(folder / "maker")
    with s3_server() as s3:
        s3.bucket("made")
        s3.bucket("lake")
        yield House(folder, s3, {**keys(), "AWS_ENDPOINT_URL_S3": s3.url})


def _until(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)


def _tracks(replica: Running, user: str) -> list[str]:
    with replica.client("recommend") as client:
        told = client.get("/recommendations", params={"user_id": user, "k": 6})
        return [track["track_id"] for track in told.raise_for_status().json()["tracks"]]


def _bundle(replica: Running) -> str:
    with replica.client() as client:
        return str(client.get("/health/ready").json()["bundle"])


class Asking:
    """Somebody who asks again and again, and counts what was not answered."""

    def __init__(self, replicas: list[Running]) -> None:
        self.answered, self.failed = 0, list[str]()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, args=(replicas,))
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self, replicas: list[Running]) -> None:
        while not self._stop.is_set():
            for replica in replicas:
                try:
                    _tracks(replica, "bob")
                    self.answered += 1
                except httpx2.HTTPError as error:
                    self.failed.append(str(error))


def test_replicas_share_events_keys_and_models(house: House) -> None:
    first_bundle = house.publish()
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(serving(house.replica(name), holders=who, **house.environment))
            for name, who in (("one", ["admin", "recommend"]), ("two", []))
        )
        second.tokens = first.tokens  # keys are on the server, for all of them
        assert _bundle(first) == _bundle(second) == first_bundle
        assert _tracks(first, "bob") == _tracks(second, "bob")
        before = _tracks(second, "newcomer")
        with first.client("admin") as client:
            said = [event(n, "newcomer", f"j{n:02}", event_type="complete") for n in range(3)]
            assert client.post("/events", json=said).json()["accepted"] == 3
        _until(lambda: _tracks(second, "newcomer") != before)
        assert _tracks(second, "newcomer") == _tracks(first, "newcomer")
        asking = Asking([first, second])
        small_home(house.maker)  # trained anew, at another moment
        next_bundle = house.publish()
        _until(lambda: _bundle(first) == _bundle(second) == next_bundle)
        asking.end()
        assert asking.failed == []
        assert asking.answered


def test_one_that_is_killed_takes_nothing_with_it(house: House) -> None:
    house.publish()
    rng = random.Random(7)
    acknowledged: list[str] = []
    with ExitStack() as stack:
        replicas = [
            stack.enter_context(serving(house.replica(name), holders=who, **house.environment))
            for name, who in (("three", ["ingest"]), ("four", []), ("five", []))
        ]
        clients = []
        for replica in replicas:
            replica.tokens = replicas[0].tokens
            clients.append(stack.enter_context(replica.client("ingest")))
        alive = list(clients)
        for number in range(150):
            if number in (50, 100):  # the first of them is the one that takes the events
                gone = 0 if number == 50 else rng.randrange(len(alive))
                replicas.pop(gone).process.send(signal.SIGKILL)
            said = event(f"{number:03}", "storm", f"r{number % 24:02}", event_type="complete")
            while True:
                client = rng.choice(alive)
                try:
                    told: Any = client.post("/events", json=said).raise_for_status().json()
                    break
                except httpx2.HTTPError:  # a client asks the next one
                    alive.remove(client)
            assert told["accepted"] + told["duplicate"] == 1
            acknowledged.append(said["event_id"])
        assert len(alive) == 1
        log = postgresql_log(house.folder)
        stack.callback(log.close)
        _until(lambda: (found := profile_of(log, "storm")) is not None and found.finishes == 150)
        kept = sorted(one.event.event_id for one in log.of_user("storm"))
        assert kept == sorted(acknowledged)
