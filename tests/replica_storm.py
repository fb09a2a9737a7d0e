"""Services side by side under load while what they stand on breaks: and whoever counts afterwards.

Reporters send events to any of them, and send again what nobody acknowledged; askers want
recommendations of all of them. Meanwhile PostgreSQL is killed or restarted, services are killed,
and S3 errs or dawdles.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import httpx2
from pydantic import SecretStr

from segue.events.postgresql_log import PostgreSQLLog
from segue.events.profile_keeper import profile_of
from segue.postgresql.address import Address
from segue.postgresql.connections import LIVE_SESSION
from tests.doors.running import Running, event, serving, small_home
from tests.postgres_server import OwnServer
from tests.replica_house import House
from tests.s3_server import Fault, Proxy, keys, s3_proxy, s3_server

__all__ = ["FAULTS", "Counts", "FaultName", "stage", "storm"]

FaultName = Literal["server killed", "server restarted", "service killed", "S3 errs", "S3 dawdles"]
FAULTS: Final[tuple[FaultName, ...]] = (
    "server killed",
    "server restarted",
    "service killed",
    "S3 errs",
    "S3 dawdles",
)
_HOLDERS: Final = ["ingest", "recommend"]
_KNOWN: Final = ("ann", "bob")
_USERS: Final = 4
_BATCH: Final = 5
_PAUSE_S: Final = 0.01


@dataclass
class Counts:
    """What came of it.

    Args:
        faults: Each kind, how often.
        acknowledged: Events that a service said are durable.
        lost: Of these, those that are not in the log.
        doubled: Events that are there more than once.
        miscounted: Users whose profile does not count each event once.
        told_to_wait: Requests with events that were answered 503 with Retry-After.
        answered: Requests for recommendations.
        answered_meanwhile: Of these, while PostgreSQL was away.
        not_answered: Requests for recommendations that failed, but for those to a service that
            was being killed.
        wrong: Answers that nobody should have got: other refusals, or 503 without Retry-After.
        longest_s: Seconds from the server's return to the next event that was acknowledged.
    """

    faults: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    miscounted: int = 0
    told_to_wait: int = 0
    answered: int = 0
    answered_meanwhile: int = 0
    not_answered: int = 0
    wrong: int = 0
    longest_s: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def faultless(self) -> bool:
        """Whether nothing was lost, counted twice, or answered as it should not be."""
        return not (self.lost or self.doubled or self.miscounted or self.not_answered or self.wrong)


def storm(
    house: House,
    server: OwnServer,
    proxy: Proxy,
    faults: Sequence[FaultName],
    chance: random.Random,
    *,
    services: int = 3,
    longest_s: float = 0.8,
    between_s: float = 0.3,
) -> Counts:
    """Break one thing after the other, then count.

    Args:
        house: Its models are published; it reaches S3 through the proxy.
        server: The house's PostgreSQL, running.
        services: How many there are at a time: for whichever is killed another one is begun.
        longest_s: PostgreSQL and S3 stay away so long at most.
        between_s: All is well for so long before each fault.
    """
    with _Storm(house, server, proxy) as made:
        for _ in range(services):
            made.begin()
        made.load()
        for fault in faults:
            time.sleep(between_s)
            made.counts.faults[fault] += 1
            made.suffer(fault, chance, chance.uniform(longest_s / 2, longest_s))
        time.sleep(between_s)
        made.end()
        return made.counts


@contextmanager
def stage(folder: Path) -> Iterator[tuple[House, OwnServer, Proxy]]:
    """All that a storm needs.

    Args:
        folder: Others may look through it, so that PostgreSQL finds its own.
    """
    server = OwnServer(folder / "server", {})
    server.start()
    with ExitStack() as stack:
        stack.callback(server.stop)
        s3 = stack.enter_context(s3_server())
        for bucket in ("made", "lake"):
            s3.bucket(bucket)
        proxy = stack.enter_context(s3_proxy(s3))
        house = House(
            folder,
            small_home(folder / "maker"),
            server.at.url(),
            {**keys(), "AWS_ENDPOINT_URL_S3": proxy.url},
        )
        house.publish()
        yield house, server, proxy


class _Storm:
    """Services, those who ask them, and what befalls them."""

    def __init__(self, house: House, server: OwnServer, proxy: Proxy) -> None:
        self.counts = Counts()
        self._house, self._server, self._proxy = house, server, proxy
        self._alive: list[Running] = []
        self._dying: set[str] = set()
        self._stacks: dict[str, ExitStack] = {}
        self._tokens: dict[str, str] = {}
        self._told: Counter[str] = Counter()
        self._events: set[str] = set()
        self._number = 0
        self._away = threading.Event()
        self._stop = threading.Event()
        self._acknowledged_at = 0.0
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> _Storm:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for stack in self._stacks.values():
            stack.close()

    def begin(self) -> None:
        """One more service."""
        home = self._house.replica(f"service{len(self._stacks)}")
        stack = ExitStack()
        holders = () if self._tokens else _HOLDERS
        running = stack.enter_context(serving(home, holders=holders, **self._house.environment))
        self._tokens = self._tokens or running.tokens
        running.tokens = self._tokens
        self._stacks[running.url] = stack
        for user in _KNOWN:  # they have asked before: they are in memory
            with running.client("recommend") as client:
                client.get("/recommendations", params={"user_id": user}).raise_for_status()
        self._alive.append(running)

    def load(self) -> None:
        """Let people report and ask."""
        for number in range(2):
            self._threads.append(threading.Thread(target=self._report, args=(number,)))
        self._threads.append(threading.Thread(target=self._ask))
        for thread in self._threads:
            thread.start()

    def suffer(self, fault: FaultName, chance: random.Random, seconds: float) -> None:
        """Break something, and mend it after a while."""
        if fault in ("server killed", "server restarted"):
            self._away.set()
            (self._server.kill if fault == "server killed" else self._server.stop)()
            time.sleep(seconds)
            self._server.start()
            self._away.clear()
            back = time.monotonic()
            _until(lambda: self._acknowledged_at > back)
            self.counts.longest_s = max(self.counts.longest_s, self._acknowledged_at - back)
        elif fault == "service killed":
            gone = self._alive.pop(chance.randrange(len(self._alive)))
            self._dying.add(gone.url)
            gone.process.send(signal.SIGKILL)
            self.begin()
        else:
            errs = Fault(status=503, code="SlowDown") if fault == "S3 errs" else Fault(seconds=1)
            self._proxy.fault = lambda request: errs
            time.sleep(seconds)
            self._proxy.fault = lambda request: None

    def end(self) -> None:
        """Let everybody come to an end, and count."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        address = Address(SecretStr(self._house.server), {}, LIVE_SESSION)
        log = PostgreSQLLog(address)
        try:
            self._count(log)
        finally:
            log.close()

    def _count(self, log: PostgreSQLLog) -> None:
        kept = Counter[str]()
        users = Counter[str]()
        at = 0
        while found := log.read(at, 10_000):
            at = found[-1].position
            kept.update(one.event.event_id for one in found)
            users.update(one.event.user_id for one in found)
        self.counts.acknowledged = len(self._events)
        self.counts.lost = len(self._events - kept.keys())
        self.counts.doubled = sum(n - 1 for n in kept.values())

        def counted(user: str, n: int) -> bool:
            profile = profile_of(log, user)
            return profile is not None and profile.finishes == n

        for user, n in users.items():
            try:
                _until(partial(counted, user, n))
            except AssertionError:
                self.counts.miscounted += 1

    # --- load -----------------------------------------------------------------------------------

    def _report(self, reporter: int) -> None:
        chance = random.Random(reporter)
        number = reporter
        with httpx2.Client(timeout=60) as client:
            while not self._stop.is_set():
                user = f"storm{number % _USERS}"
                batch = [
                    event(f"{number}-{n}", user, f"r{n:02}", event_type="complete")
                    for n in range(_BATCH)
                ]
                while not self._told_of(client, chance, batch):
                    time.sleep(_PAUSE_S)
                number += 2
                time.sleep(_PAUSE_S)

    def _told_of(
        self, client: httpx2.Client, chance: random.Random, batch: list[dict[str, Any]]
    ) -> bool:
        """Whether a batch was acknowledged, by whichever service."""
        service = chance.choice(self._alive)
        headers = {"authorization": f"Bearer {self._tokens['ingest']}"}
        try:
            answer = client.post(f"{service.url}/events", json=batch, headers=headers)
        except httpx2.TransportError:
            if service.url not in self._dying:
                self._wrong(f"no answer to events from {service.url}")
            return False
        if answer.status_code == 503 and "retry-after" in answer.headers:
            with self._lock:
                self.counts.told_to_wait += 1
            return False
        if answer.status_code != 200 or answer.json()["rejected"]:
            self._wrong(f"events: {answer.status_code} {answer.text[:200]}")
            return False
        with self._lock:
            self._events.update(one["event_id"] for one in batch)
            self._acknowledged_at = time.monotonic()
        return True

    def _ask(self) -> None:
        headers = {"authorization": f"Bearer {self._tokens['recommend']}"}
        number = 0
        with httpx2.Client(timeout=60) as client:
            while not self._stop.is_set():
                service = self._alive[number % len(self._alive)]
                user = _KNOWN[number // 3 % len(_KNOWN)]
                number += 1
                away = self._away.is_set()
                try:
                    answer = client.get(
                        f"{service.url}/recommendations?user_id={user}", headers=headers
                    )
                except httpx2.TransportError as error:
                    if service.url not in self._dying:
                        self._not_answered(f"{type(error).__name__} of {service.url}")
                    continue
                if answer.status_code != 200 or not answer.json()["tracks"]:
                    self._not_answered(f"{answer.status_code} {answer.text[:200]}")
                    continue
                self.counts.answered += 1
                self.counts.answered_meanwhile += away and self._away.is_set()
                time.sleep(_PAUSE_S)

    def _wrong(self, note: str) -> None:
        with self._lock:
            self.counts.wrong += 1
            self.counts.notes.append(note)

    def _not_answered(self, note: str) -> None:
        self.counts.not_answered += 1
        with self._lock:
            self.counts.notes.append(note)


def _until(true: Callable[[], bool], seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not come to be"
        time.sleep(0.02)
