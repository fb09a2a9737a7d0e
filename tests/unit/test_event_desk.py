"""Events on their way to the log: together, and not without bound."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from segue.access.api_key import ApiKey
from segue.doors.http.call import Call, Reply
from segue.doors.http.event_desk import EventDesk
from segue.doors.http.plain_events import one_event, told_plainly
from segue.errors import OverloadedError
from segue.events.admission import admitted
from segue.events.sqlite_log import SqliteLog

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY: Final = ApiKey("0" * 12, "test", frozenset({"ingest"}), NOW)


def _told(number: int, **more: Any) -> dict[str, Any]:
    return {
        "event_id": f"e{number}",
        "user_id": "ann",
        "track_id": "t1",
        "event_type": "play",
        "timestamp": "2026-03-01T12:59:00+01:00",
        **more,
    }


def _call(told: Any) -> Call:
    headers = [(b"content-type", b"application/json")]
    call = Call({"method": "POST", "path": "/events", "query_string": b"", "headers": headers})
    call.key, call.body = KEY, json.dumps(told).encode()
    return call


def _desk(log: SqliteLog) -> EventDesk:
    counts = {"accepted": 0, "duplicate": 0, "rejected": 0}
    return EventDesk(log, lambda: NOW, batch=500, counts=counts)


def test_what_arrives_together_is_answered_each_for_itself(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "events.sqlite")

    async def ask() -> list[Reply]:
        desk = _desk(log)
        calls = (_call(_told(1)), _call([_told(1), _told(2), {}]), _call(_told(2)))
        return await asyncio.gather(*(desk.reply(call) for call in calls))

    outcomes = [
        [one["outcome"] for one in json.loads(reply.body)["events"]] for reply in asyncio.run(ask())
    ]
    assert outcomes == [["accepted"], ["duplicate", "accepted", "rejected"], ["duplicate"]]
    assert [one.event.event_id for one in log.read(0)] == ["e1", "e2"]
    log.close()


def test_more_than_may_wait_is_sent_away_and_the_rest_is_kept(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "events.sqlite", most_waiting=1)
    other = sqlite3.connect(log.path, isolation_level=None)
    other.execute("begin immediate")  # so that nothing can be written

    async def ask() -> list[Reply | BaseException]:
        desk, waiting = _desk(log), []
        for number in range(6):
            waiting.append(asyncio.ensure_future(desk.reply(_call(_told(number)))))
            await asyncio.sleep(0.05)
        other.execute("rollback")
        return await asyncio.gather(*waiting, return_exceptions=True)

    answers = asyncio.run(ask())
    other.close()
    refused = [isinstance(answer, OverloadedError) for answer in answers]
    assert refused == [False, False, True, True, True, True]
    assert len(log.read(0)) == 2
    log.close()


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"ms_played": 1_000, "session_id": None, "context": {"a": [1, None]}, "unknown": 7},
        {"timestamp": "2026-03-01T11:59:00.123456Z", "source": "radio"},
        {"recommendation_id": "r1", "context": {}},
    ],
)
def test_decoding_in_one_go_comes_to_what_the_rules_come_to(more: dict[str, Any]) -> None:
    told = _told(1, **more)
    for body in (told, [told], {"events": [told]}):
        assert told_plainly(json.dumps(body).encode()) == [admitted(told, NOW)]
    if None not in told.values():  # what is spelt out as null is rare
        assert one_event(json.dumps(told).encode()) == admitted(told, NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_type": "stop"},
        {"timestamp": "2026-03-01T12:00:00"},
        {"timestamp": "0001-01-01T00:00:00+23:00"},
        {"ms_played": 1.0},
        {"ms_played": "1"},
        {"event_id": None},
        {"context": []},
    ],
)
def test_anything_odd_is_for_the_rules(wrong: dict[str, Any]) -> None:
    assert told_plainly(json.dumps([_told(1), _told(2, **wrong)]).encode()) is None
    assert one_event(json.dumps(_told(2, **wrong)).encode()) is None
