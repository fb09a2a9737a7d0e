"""Plays from what players report: timelines whose answer is obvious by eye."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from segue.events.playbacks import HeardPlay, Player, follow, give_up
from segue.music.event import Event, EventType

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
Timeline = Sequence[tuple[str, EventType, float] | tuple[str, EventType, float, int]]


def _events(timeline: Timeline, session: str | None = "s") -> list[Event]:
    return [
        Event(
            event_id=f"e{at}",
            user_id="ann",
            track_id=track,
            event_type=kind,
            timestamp=NOON + timedelta(seconds=second),
            ms_played=more[0] if more else None,
            session_id=session,
        )
        for at, (track, kind, second, *more) in enumerate(timeline)
    ]


def _followed(
    events: Sequence[Event], player: Player | None = None
) -> tuple[Player, list[HeardPlay]]:
    player = player or Player()
    told: list[HeardPlay] = []
    for event in events:
        player, plays = follow(player, event)
        told += plays
    return player, told


def _told(timeline: Timeline) -> list[tuple[str, float, int | None, str | None]]:
    """Track, second of the start, milliseconds, how it ended."""
    return [
        (
            play.track_id,
            (play.played_at - NOON).total_seconds(),
            play.ms_played,
            play.ended_by,
        )
        for play in _followed(_events(timeline))[1]
    ]


def test_a_play_ends_by_being_heard_out_or_skipped() -> None:
    assert _told(
        [("a", "play", 0), ("a", "complete", 200), ("b", "play", 200), ("b", "skip", 230)]
    ) == [
        ("a", 0, 200_000, "complete"),
        ("b", 200, 30_000, "skip"),
    ]


def test_what_the_player_says_was_heard_is_believed() -> None:
    assert _told([("a", "play", 0), ("a", "complete", 200, 180_500)]) == [
        ("a", 0, 180_500, "complete")
    ]


def test_the_next_play_ends_the_one_before() -> None:
    assert _told([("a", "play", 0), ("b", "play", 150), ("b", "complete", 300)]) == [
        ("a", 0, 150_000, None),
        ("b", 150, 150_000, "complete"),
    ]


def test_a_pause_is_not_heard() -> None:
    timeline: Timeline = [
        ("a", "play", 0),
        ("a", "pause", 60),
        ("a", "play", 960),
        ("a", "complete", 1100),
    ]
    assert _told(timeline) == [("a", 0, 200_000, "complete")]


def test_an_end_without_a_beginning_is_a_play() -> None:
    assert _told([("a", "complete", 200, 200_000), ("b", "skip", 230)]) == [
        ("a", 0, 200_000, "complete"),
        ("b", 230, None, "skip"),
    ]


def test_a_track_on_repeat_is_played_each_time() -> None:
    ends: Timeline = [
        ("a", "play", 0),
        ("a", "complete", 200),
        ("a", "play", 200),
        ("a", "complete", 400),
    ]
    assert _told(ends) == [("a", 0, 200_000, "complete"), ("a", 200, 200_000, "complete")]
    starts: Timeline = [("a", "play", 0), ("a", "play", 200), ("b", "play", 400)]
    assert _told(starts) == [("a", 0, 200_000, None), ("a", 200, 200_000, None)]


def test_a_start_told_twice_is_one_start() -> None:
    assert _told([("a", "play", 0), ("a", "play", 2), ("a", "complete", 200)]) == [
        ("a", 0, 200_000, "complete")
    ]


def test_what_comes_after_the_end_was_told_changes_nothing() -> None:
    assert _told([("a", "complete", 200, 200_000), ("a", "play", 0)]) == [
        ("a", 0, 200_000, "complete")
    ]
    assert _told([("a", "play", 0), ("b", "play", 199), ("a", "complete", 200)]) == [
        ("a", 0, 199_000, None)
    ]
    assert _told([("b", "play", 199), ("a", "play", 0)]) == [("a", 0, 199_000, None)]


def test_where_nobody_tells_how_much_was_heard_a_night_is_not_a_play() -> None:
    assert _told([("a", "play", 0), ("b", "play", 30_000)]) == [("a", 0, None, None)]


def test_a_play_without_an_end_is_told_after_a_day() -> None:
    player, told = _followed(_events([("a", "play", 0)]))
    assert told == []
    assert give_up(player, NOON + timedelta(hours=23))[1] == ()
    later, (play,) = give_up(player, NOON + timedelta(hours=25))
    assert (play.track_id, play.played_at, play.ms_played, play.ended_at) == ("a", NOON, None, None)
    assert give_up(later, NOON + timedelta(hours=50))[1] == ()
    assert _told([("a", "play", 0), ("a", "pause", 50), ("b", "complete", 90_000, 0)])[-1] == (
        "a",
        0,
        50_000,
        None,
    )


def test_sessions_are_apart() -> None:
    at_home = _events([("a", "play", 0), ("a", "complete", 300)], "home")
    away = _events([("b", "play", 100), ("b", "complete", 250)], "away")
    events = sorted([*at_home, *away], key=lambda one: one.timestamp)
    assert [(play.track_id, play.ms_played) for play in _followed(events)[1]] == [
        ("b", 150_000),
        ("a", 300_000),
    ]


_KINDS: Final = st.sampled_from(["play", "pause", "skip", "complete"])
_TIMELINES: Final = st.lists(
    st.tuples(st.sampled_from("abc"), _KINDS, st.integers(0, 2000)), max_size=30
)


@given(_TIMELINES, st.lists(st.integers(0, 30), max_size=4))
def test_batches_and_restarts_change_nothing(
    timeline: list[tuple[str, EventType, int]], cuts: list[int]
) -> None:
    events = _events(timeline)
    player, told = _followed(events)
    again = Player()
    more: list[HeardPlay] = []
    for begin, end in pairwise([0, *sorted(cuts), len(events)]):
        kept = json.loads(json.dumps(again.as_json()))
        again, plays = _followed(events[begin:end], Player.from_json(kept))
        more += plays
    assert (again, more) == (player, told)


@given(_TIMELINES)
def test_no_more_plays_than_reports_and_none_negative(
    timeline: list[tuple[str, EventType, int]],
) -> None:
    player, told = _followed(_events(timeline))
    _, rest = give_up(player, NOON + timedelta(days=9))
    told += rest
    assert len(told) <= sum(kind != "pause" for _, kind, _ in timeline)
    assert all(play.ms_played is None or play.ms_played >= 0 for play in told)
    assert all(play.ended_at is None or play.ended_at >= play.played_at for play in told)
    starts = {track for track, kind, _ in timeline if kind != "pause"}
    assert {play.track_id for play in told} == starts
