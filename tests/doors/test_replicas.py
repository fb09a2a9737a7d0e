"""Services side by side, as real processes: they share events, keys and models, and faults."""

from __future__ import annotations

import random
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from segue.aws.clients import Aws
from segue.aws.kept_files import KeptFiles
from segue.flows.aws.followed_home import FollowedHome
from segue.flows.aws.made_elsewhere import followed
from segue.recommenders.bundle import BundleStore
from segue.settings import load_settings
from tests.doors.home import Home
from tests.doors.running import Running, event, serving, small_home
from tests.postgres_server import OwnServer, database_of, server_of_tests
from tests.replica_house import PLACE, House, tracks_for
from tests.replica_storm import storm
from tests.s3_server import Fault, S3Server, keys, s3_proxy, s3_server

pytestmark = pytest.mark.xdist_group("replicas")


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        for bucket in ("made", "lake"):
            server.bucket(bucket)
        yield server


@pytest.fixture(scope="module")
def house(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("replicas")
    url = server_of_tests().url(database_of(folder))
    maker = small_home(folder / "maker")
    return House(folder, maker, url, {**keys(), "AWS_ENDPOINT_URL_S3": s3.url})


@contextmanager
def _small_disk(folder: Path) -> Iterator[Callable[[], None]]:
    """A disk of a few MB, where that may be made; what is given fills it."""
    folder.mkdir(mode=0o700)
    words = ["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "none", str(folder)]
    is_small = subprocess.run(words, capture_output=True).returncode == 0

    def fill() -> None:
        if is_small:
            with (folder / "filler").open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(b"x" * 4096)

    try:
        yield fill
    finally:
        if is_small:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def _until(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)


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
                    tracks_for(replica, "bob")
                    self.answered += 1
                except httpx2.HTTPError as error:
                    self.failed.append(str(error))


def test_replicas_share_events_keys_and_models(house: House) -> None:
    first_bundle = house.publish()
    with ExitStack() as stack:
        fill = stack.enter_context(_small_disk(house.folder / "two"))
        first, second = (
            stack.enter_context(serving(house.replica(name), holders=who, **house.environment))
            for name, who in (("one", ["admin", "recommend"]), ("two", []))
        )
        second.tokens = first.tokens  # keys are on the server, for all of them
        assert _bundle(first) == _bundle(second) == first_bundle
        assert tracks_for(first, "bob") == tracks_for(second, "bob")
        before = tracks_for(second, "newcomer")
        with first.client("admin") as client:
            said = [event(n, "newcomer", f"j{n:02}", event_type="complete") for n in range(3)]
            assert client.post("/events", json=said).json()["accepted"] == 3
        _until(lambda: tracks_for(second, "newcomer") != before)
        assert tracks_for(second, "newcomer") == tracks_for(first, "newcomer")
        fill()
        asking = Asking([first, second])
        small_home(house.maker, listeners=21)  # trained anew, on others
        next_bundle = house.publish()
        assert next_bundle != first_bundle
        _until(lambda: _bundle(first) == next_bundle)
        if (second.home / "filler").exists():  # whose volume is full answers with the old
            time.sleep(1.5)  # it looks each second
            assert _bundle(second) == first_bundle
            (second.home / "filler").unlink()
        _until(lambda: _bundle(second) == next_bundle)
        asking.end()
        assert asking.failed == []
        assert asking.answered


def test_what_breaks_under_load_takes_nothing_with_it(house: House, s3: S3Server) -> None:
    house.publish()
    with tempfile.TemporaryDirectory() as made, s3_proxy(s3) as proxy:
        folder = Path(made)
        folder.chmod(0o755)  # whoever runs PostgreSQL finds its own there
        server = OwnServer(folder / "server", {})
        server.start()
        environment = {**keys(), "AWS_ENDPOINT_URL_S3": proxy.url}
        mine = replace(house, folder=folder, server=server.at.url(), environment=environment)
        try:
            counts = storm(
                *(mine, server, proxy),
                ["S3 errs", "server killed", "service killed", "server restarted"],
                random.Random(7),
                services=2,
            )
        finally:
            server.stop()
    assert counts.faultless, counts
    assert counts.acknowledged > 50
    assert counts.answered_meanwhile > 5, "recommendations go on from memory"


def test_whoever_is_killed_while_publishing_is_in_nobodys_way(
    house: House, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_home(house.maker, listeners=22)
    with s3_proxy(s3) as proxy:
        proxy.fault = lambda request: Fault(seconds=2) if request.is_put_of("files") else None
        environment = {**house.environment, "AWS_ENDPOINT_URL_S3": proxy.url}
        publishing = Home(house.maker).start("aws", "publish", "--to", PLACE, **environment)
        _until(lambda: any(request.is_put_of("files") for request in proxy.seen))
        Home(house.maker)("aws", "publish", "--to", PLACE, **house.environment).refused("already")
        publishing.send(signal.SIGKILL)
        publishing.wait(timeout=30)
    told = {"SEGUE_TRAINING__PUBLISH_TO": PLACE, **house.environment}
    assert "brought to" in Home(house.maker)("update", "--only", "build", **told).ok().out
    assert "brought to" not in Home(house.maker)("update", "--only", "build", **told).ok().out
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)
    home = house.replica("six")
    assert FollowedHome(KeptFiles(Aws(), "made", "here"), home).fetch()
    assert BundleStore(home / "models").current().name == house.bundle


def test_a_service_that_comes_before_the_first_models_waits_for_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)
    home, later = house.replica("seven"), "s3://made/later"
    settings = load_settings(home=home, service={"follow": later, "follow_seconds": 1})
    with followed(settings):
        assert not (home / "models" / "current").exists()
        Home(house.maker)("aws", "publish", "--to", later, **house.environment).ok()
        _until((home / "models" / "current").exists)
    assert BundleStore(home / "models").current().name == house.bundle
