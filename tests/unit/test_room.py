"""Whole answers as long as there is time, quick ones when there is not, and an end to waiting."""

from __future__ import annotations

from segue.doors.http.room import Room


def _room(*, patience_s: float = 0.05, most_s: float = 0.5) -> Room:
    room = Room(patience_s=patience_s, most_s=most_s)
    for _ in range(50):  # a whole answer takes 40 ms, a quick one 10
        room.took(0.04, whole=True)
        room.took(0.01, whole=False)
    return room


def test_whoever_would_wait_for_long_gets_a_quick_one() -> None:
    room = _room()
    room.asked(0.0)
    assert room.for_whole
    room.whole = 1
    assert room.for_whole
    room.quick = 2
    assert not room.for_whole
    assert room.for_any
    assert round(room.waits_s, 3) == 0.06


def test_nobody_waits_without_end() -> None:
    room = _room()
    room.quick = 51
    assert not room.for_any
    assert room.again_s == 1
    room.quick = 350
    assert room.again_s == 3


def test_a_crowd_gets_quick_ones_until_it_is_gone() -> None:
    room, now = _room(), 0.0
    for _ in range(400):  # 100 a second, which would take 4 s of whole answers each second
        now += 0.01
        room.quick = 1
        room.asked(now)
        room.quick = 0
    assert not room.for_whole
    assert not room.idle(now)
    room.asked(now + 10)
    assert room.for_whole
    assert room.idle(now + 10)


def test_one_who_asks_again_and_again_is_no_crowd() -> None:
    room, now = _room(), 0.0
    for _ in range(400):
        now += 0.01
        room.asked(now)
        assert room.for_whole


def test_who_has_endless_patience_is_told_everything_or_nothing() -> None:
    room = _room(patience_s=2.0, most_s=0.5)
    room.whole = 12
    assert room.for_whole
    room.whole = 13
    assert not room.for_any


def test_there_is_no_time_to_spare_while_somebody_waits() -> None:
    room = _room()
    assert room.idle(0.0)
    room.quick = 1
    assert not room.idle(0.0)


def test_one_huge_history_makes_nobody_else_wait_or_be_sent_away() -> None:
    room = _room()
    room.took(60.0, whole=True)
    room.whole = 1
    room.asked(0.0)
    assert room.for_any
    room.whole = 0
    assert room.for_whole
    for _ in range(60):  # where all are so, that is learned soon
        room.took(2.0, whole=True)
    room.whole = 1
    assert not room.for_whole
    assert room.for_any
