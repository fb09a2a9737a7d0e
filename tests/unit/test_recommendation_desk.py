"""Recommendations when there is too much to do: quick ones, refusals, and whole ones afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

import pytest

from segue.access.api_key import ApiKey
from segue.doors.http.call import Call
from segue.doors.http.problems import ProblemError
from segue.doors.http.recommendation_desk import RecommendationDesk
from segue.doors.http.room import Room
from segue.flows.online import Service
from segue.flows.wiring import Wiring
from segue.flows.wishes import Wishes
from segue.settings import Settings
from tests.doors.running import small_home
from tests.tiny import NOW

KEY: Final = ApiKey("0" * 12, "test", frozenset({"recommend"}), datetime(2026, 3, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = small_home(tmp_path_factory.mktemp("home"))
    service = Service.open(Wiring(Settings(home=home)), clock=lambda: NOW)
    yield service
    service.close()


def _call(query: str) -> Call:
    about = {"method": "GET", "path": "/recommendations", "query_string": query.encode()}
    call = Call({**about, "headers": []})
    call.key = KEY
    return call


def _desk(service: Service, room: Room) -> tuple[RecommendationDesk, dict[str, int]]:
    counts = {"at hand": 0, "made": 0, "quick": 0, "before": 0}
    pools = ThreadPoolExecutor(2), ThreadPoolExecutor(1)
    desk = RecommendationDesk(
        service, pools[0], hurried=pools[1], room=room, waiting=500, counts=counts
    )
    return desk, counts


def test_whoever_would_wait_is_answered_quickly_and_has_a_whole_answer_next(
    service: Service,
) -> None:
    room = Room(patience_s=0.05, most_s=0.5)
    desk, counts = _desk(service, room)

    async def ask() -> list[str]:
        room.whole = 5  # others are waiting already
        made = [json.loads((await desk.reply(_call("user_id=ann&k=4"))).body)["made"]]
        room.whole = 0
        for _ in range(200):
            if service.at_hand("ann", Wishes(size=4)):
                break
            await asyncio.sleep(0.05)
        made.append(json.loads((await desk.reply(_call("user_id=ann&k=4"))).body)["made"])
        return made

    assert asyncio.run(ask()) == ["quick", "full"]
    assert counts == {"at hand": 1, "made": 0, "quick": 1, "before": 0}


def test_with_room_answers_are_whole(service: Service) -> None:
    desk, counts = _desk(service, Room(patience_s=0.05, most_s=0.5))
    told = asyncio.run(desk.reply(_call("user_id=bob&k=4"))).body
    assert json.loads(told)["made"] == "full"
    assert counts == {"at hand": 0, "made": 1, "quick": 0, "before": 0}


def test_what_cannot_be_answered_in_time_is_refused_at_once(service: Service) -> None:
    room = Room(patience_s=0.05, most_s=0.5)
    desk, counts = _desk(service, room)
    room.quick = 400
    with pytest.raises(ProblemError) as refused:
        asyncio.run(desk.reply(_call("user_id=zoe&k=5")))
    assert (refused.value.status, refused.value.kind) == (503, "overloaded")
    assert dict(refused.value.headers)[b"retry-after"] == b"4"
    assert sum(counts.values()) == 0


def test_a_turn_that_comes_too_late_is_refused(service: Service) -> None:
    desk, counts = _desk(service, Room(patience_s=0.0, most_s=0.0))  # later than at once
    with pytest.raises(ProblemError, match="wait to be made"):
        asyncio.run(desk.reply(_call("user_id=zoe&k=6")))
    assert sum(counts.values()) == 0
