"""Single events that go straight to the log: which do, and what is told of those that cannot."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from segue.access.keyring import Keyring
from segue.access.sqlite_keys import SqliteKeys
from segue.doors.http.cors import Cors
from segue.doors.http.event_desk import EventDesk
from segue.doors.http.front import Limits, UnderWay
from segue.doors.http.guard import Guard
from segue.doors.http.numbers import Numbers
from segue.doors.http.straight_events import StraightEvents
from segue.doors.http.watch import Watch
from segue.events.sqlite_log import SqliteLog
from segue.flows.keys import create_key

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAGE: Final = "https://player.example"


class Desk:
    """All that single events pass through, with a key that may ask twice."""

    def __init__(
        self, folder: Path, *, most_waiting: int = 50_000, in_flight: int = 10, rate: float = 1.0
    ) -> None:
        keys = SqliteKeys(folder / "keys.sqlite")
        _, token = create_key(keys, "test", now=NOW, scopes=["ingest"], rate=rate)
        ring = Keyring(keys, clock=lambda: NOW)
        ring.look_up(token.text)
        self.log = SqliteLog(folder / "events.sqlite", most_waiting=most_waiting)
        self.numbers, self.under_way = Numbers(), UnderWay()
        self.answers: list[tuple[int, bytes, bytes]] = []
        self.headers = [
            (b"authorization", f"Bearer {token.text}".encode()),
            (b"content-type", b"application/json; charset=utf-8"),
            (b"origin", PAGE.encode()),
            (b"request-id", b"mine"),
        ]
        self._straight = StraightEvents(
            EventDesk(self.log, lambda: NOW, batch=500, counts=self.numbers.events),
            guard=Guard(ring, rate=0, loopback=False),
            cors=Cors([PAGE]),
            watch=Watch(self.numbers, None),
            limits=Limits(in_flight, 2_000),
            under_way=self.under_way,
            ready=lambda: True,
        )

    def take(self, number: int = 1, **more: object) -> bool:
        """Send an event."""
        told = {
            "event_id": f"“{number}”",
            "user_id": "ann",
            "track_id": "t1",
            "event_type": "play",
            "timestamp": "2026-03-01T11:59:00Z",
            **more,
        }
        return self._straight.take(self.headers, json.dumps(told).encode(), self._answer)

    def _answer(self, status: int, head: bytes, body: bytes, /) -> None:
        self.answers.append((status, head, body))


def _in_a_loop(desk: Desk, send: Callable[[], list[bool]]) -> list[bool]:
    """What was taken, once everything that was taken has been answered."""

    async def run() -> list[bool]:
        taken = send()
        assert not desk.answers  # never in the same turn
        while desk.under_way.requests:
            await asyncio.sleep(0.01)
        return taken

    try:
        return asyncio.run(run())
    finally:
        desk.log.close()


def test_an_event_is_answered_once_it_is_there(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert _in_a_loop(desk, lambda: [desk.take(), desk.take(), desk.take(2)]) == [True, True, False]
    told = [json.loads(body)["events"] for _, _, body in desk.answers]
    assert told == [
        [{"event_id": "“1”", "outcome": "accepted"}],
        [{"event_id": "“1”", "outcome": "duplicate"}],
    ]
    (status, head, _), _ = desk.answers
    lines = head.decode().split("\r\n")
    assert status == 200
    assert {"request-id: mine", 'ratelimit: "key";r=1;t=1', "vary: origin"} <= set(lines)
    assert f"access-control-allow-origin: {PAGE}" in lines
    assert desk.numbers.events == {"accepted": 1, "duplicate": 1, "rejected": 0}
    assert desk.numbers.requests["POST", "/events", 200].count == 2
    assert len(SqliteLog(desk.log.path).read(0)) == 1


def test_whatever_is_not_plain_goes_the_usual_way(tmp_path: Path) -> None:
    desk = Desk(tmp_path, in_flight=1)
    known = list(desk.headers)

    def send() -> list[bool]:
        odd = [
            desk.take(event_type="stop"),
            desk.take(timestamp="2026-03-01T11:59:00"),
            desk.take(timestamp="2999-01-01T00:00:00Z"),
            desk.take(events=[]),
            desk.take(context={"a": "b" * 3_000}),
        ]
        desk.headers[1] = (b"content-type", b"text/plain")
        odd.append(desk.take())
        desk.headers = known[1:]
        odd.append(desk.take())
        desk.headers = known
        return [*odd, desk.take(), desk.take(2)]

    assert _in_a_loop(desk, send) == [False] * 7 + [True, False]  # one under way is the most
    assert len(desk.answers) == 1


def test_what_cannot_be_kept_is_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.log.close()
    assert _in_a_loop(desk, lambda: [desk.take()]) == [True]
    ((status, head, body),) = desk.answers
    assert status == 503
    assert b"retry-after: 5\r\n" in head
    assert json.loads(body)["type"] == "urn:segue:problem:unavailable"
    assert desk.numbers.requests["POST", "/events", 503].count == 1


def test_more_than_may_wait_is_sent_away(tmp_path: Path) -> None:
    desk = Desk(tmp_path, most_waiting=1, rate=9.0)
    other = sqlite3.connect(desk.log.path, isolation_level=None)
    other.execute("begin immediate")  # so that nothing can be written

    async def run() -> None:
        for number in range(4):
            assert desk.take(number)
            await asyncio.sleep(0.05)
        other.execute("rollback")
        while desk.under_way.requests:
            await asyncio.sleep(0.01)

    asyncio.run(run())
    other.close()
    desk.log.close()
    assert sorted(status for status, _, _ in desk.answers) == [200, 200, 503, 503]
    head = next(head for status, head, _ in desk.answers if status == 503)
    assert b"retry-after: 1\r\n" in head
