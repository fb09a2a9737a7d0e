"""Recorded timelines: what a player did, looked at now and then, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.events.playbacks import HeardPlay, follow
from segue.events.playbacks import Player as Replayed
from segue.fakes.spotify import Catalogue, Clock, Device, Player, Rules
from segue.music.event import Event
from segue.services.spotify.following import Following, look, next_look
from segue.services.spotify.records import PlayerState, TrackRecord

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
A, B = "spotify:track:A", "spotify:track:B"
LENGTH: Final = 180


def on(
    uri: str, seconds: float, *, held: bool = False, repeat: str = "off", device: str = "kitchen"
) -> PlayerState:
    """The player with a track of three minutes, so far into it."""
    track = TrackRecord(uri, "track", uri, ("Artist",), duration_ms=1000 * LENGTH)
    return PlayerState(track, not held, int(1000 * seconds), device=device, repeat=repeat)


Timeline = list[tuple[float, PlayerState | None]]


def told(timeline: Timeline) -> list[tuple[str, str, int, int | None]]:
    """(what, track, seconds after noon, seconds heard) of all events of a timeline."""
    return [_short(event) for event in events_of(timeline)]


def _short(event: Event) -> tuple[str, str, int, int | None]:
    heard = None if event.ms_played is None else round(event.ms_played / 1000)
    at = round((event.timestamp - NOON).total_seconds())
    return event.event_type, event.track_id[-1], at, heard


def events_of(timeline: Timeline, following: Following | None = None) -> list[Event]:
    """All events of looks at these seconds after noon; kept and read again between any two."""
    following = following or Following("ann")
    found: list[Event] = []
    for seconds, seen in timeline:
        kept = Following.from_json("ann", following.as_json())
        assert kept == following  # a restart between two looks changes nothing
        following, events = look(kept, seen, NOON + timedelta(seconds=seconds))
        found += events
    return found


TIMELINES: Final[dict[str, tuple[Timeline, list[tuple[str, str, int, int | None]]]]] = {
    "one track after the other": (
        [(10, on(A, 10)), (100, on(A, 100)), (200, on(B, 20)), (300, on(B, 120))],
        [("play", "A", 0, None), ("complete", "A", 180, 180), ("play", "B", 180, None)],
    ),
    "a skip": (
        [(10, on(A, 10)), (60, on(B, 20))],
        [("play", "A", 0, None), ("skip", "A", 40, 40), ("play", "B", 40, None)],
    ),
    "a pause of ten minutes": (
        [
            (10, on(A, 10)),
            (60, on(A, 50, held=True)),
            (360, on(A, 50, held=True)),
            (660, on(A, 60)),
            (800, on(B, 20)),
        ],
        [
            ("play", "A", 0, None),
            ("pause", "A", 50, 50),
            ("play", "A", 650, None),
            ("complete", "A", 780, 180),
            ("play", "B", 780, None),
        ],
    ),
    "held and taken up between two looks": (
        [(10, on(A, 10)), (100, on(A, 60)), (200, on(A, 160)), (230, on(B, 10))],
        [("play", "A", 0, None), ("complete", "A", 220, 180), ("play", "B", 220, None)],
    ),
    "held, and then something else": (
        [(10, on(A, 10)), (60, on(A, 50, held=True)), (600, on(B, 5))],
        [
            ("play", "A", 0, None),
            ("pause", "A", 50, 50),
            ("skip", "A", 595, 50),
            ("play", "B", 595, None),
        ],
    ),
    "moved on": (
        [(10, on(A, 10)), (40, on(A, 120)), (110, on(B, 10))],
        [("play", "A", 0, None), ("complete", "A", 100, 100), ("play", "B", 100, None)],
    ),
    "moved back": (
        [(10, on(A, 10)), (100, on(A, 100)), (130, on(A, 50)), (270, on(B, 10))],
        [("play", "A", 0, None), ("complete", "A", 260, 260), ("play", "B", 260, None)],
    ),
    "back to its start before its end": (
        [(10, on(A, 10)), (60, on(A, 60)), (80, on(A, 10)), (255, on(B, 5))],
        [("play", "A", 0, None), ("complete", "A", 250, 250), ("play", "B", 250, None)],
    ),
    "on repeat": (
        [
            (10, on(A, 10, repeat="track")),
            (150, on(A, 150, repeat="track")),
            (200, on(A, 20, repeat="track")),
            (370, on(A, 10, repeat="track")),
        ],
        [
            ("play", "A", 0, None),
            ("complete", "A", 180, 180),
            ("play", "A", 180, None),
            ("complete", "A", 360, 180),
            ("play", "A", 360, None),
        ],
    ),
    "on repeat, not seen for three rounds": (
        [(10, on(A, 10, repeat="track")), (740, on(A, 20, repeat="track"))],
        [
            ("play", "A", 0, None),
            ("complete", "A", 180, 180),
            ("play", "A", 180, None),
            ("complete", "A", 360, 180),
            ("play", "A", 360, None),
            ("complete", "A", 540, 180),
            ("play", "A", 540, None),
            ("complete", "A", 720, 180),
            ("play", "A", 720, None),
        ],
    ),
    "the same track twice in a list": (
        [(10, on(A, 10)), (200, on(A, 20)), (370, on(B, 10))],
        [
            ("play", "A", 0, None),
            ("complete", "A", 180, 180),
            ("play", "A", 180, None),
            ("complete", "A", 360, 180),
            ("play", "B", 360, None),
        ],
    ),
    "another device": (
        [(10, on(A, 10)), (60, on(A, 58, device="phone")), (200, on(B, 18, device="phone"))],
        [("play", "A", 0, None), ("complete", "A", 182, 180), ("play", "B", 182, None)],
    ),
    "offline for a while, the same track": (
        [(10, on(A, 10)), (40, None), (70, None), (100, on(A, 100)), (190, on(B, 10))],
        [("play", "A", 0, None), ("complete", "A", 180, 180), ("play", "B", 180, None)],
    ),
    "offline over the end of a track": (
        [(10, on(A, 10)), (100, None), (400, None), (500, on(B, 40))],
        [("play", "A", 0, None), ("complete", "A", 180, 180), ("play", "B", 460, None)],
    ),
    "stopped and not seen again": (
        [
            (10, on(A, 10)),
            (100, on(A, 100)),
            (300, None),
            (900, None),
            (1_200, None),
            (3_000, None),
        ],
        [("play", "A", 0, None), ("pause", "A", 100, 100)],
    ),
    "held over night, and from its start in the morning": (
        [(10, on(A, 10)), (60, on(A, 50, held=True)), (300, None), (30_010, on(A, 10))],
        [
            ("play", "A", 0, None),
            ("pause", "A", 50, 50),
            ("skip", "A", 60, 50),
            ("play", "A", 30_000, None),
        ],
    ),
    "held for an hour in sight, moved, and taken up again": (
        [
            (10, on(A, 10)),
            (60, on(A, 50, held=True)),
            (660, on(A, 120, held=True)),
            (1_860, on(A, 120, held=True)),
            (3_060, on(A, 120, held=True)),
            (3_700, on(A, 130)),
            (3_760, on(B, 10)),
        ],
        [
            ("play", "A", 0, None),
            ("pause", "A", 50, 50),
            ("play", "A", 3_690, None),
            ("complete", "A", 3_750, 110),
            ("play", "B", 3_750, None),
        ],
    ),
    "the end of a list": (
        [(10, on(A, 10)), (150, on(A, 150)), (200, on(A, 0, held=True)), (400, None)],
        [("play", "A", 0, None), ("complete", "A", 180, 180)],
    ),
    "an advertisement between": (
        [
            (10, on(A, 10)),
            (190, PlayerState(None, True, 10_000)),
            (220, on(B, 10)),
        ],
        [("play", "A", 0, None), ("complete", "A", 180, 180), ("play", "B", 210, None)],
    ),
    "a podcast": (
        [
            (10, on(A, 10)),
            (60, PlayerState(TrackRecord("spotify:episode:x", "episode", "Talk"), True, 10_000)),
        ],
        [("play", "A", 0, None), ("skip", "A", 50, 50)],
    ),
    "nothing": ([(10, None), (100, None)], []),
    "held when first seen": (
        [(10, on(A, 50, held=True)), (100, on(A, 60))],
        [("play", "A", 40, None)],
    ),
    "begun in the middle": (
        [(10, on(A, 10)), (60, on(B, 100)), (145, on(A, 5))],
        [
            ("play", "A", 0, None),
            ("skip", "A", 10, 10),
            ("play", "B", 10, None),
            ("complete", "B", 140, 130),
            ("play", "A", 140, None),
        ],
    ),
}


@pytest.mark.parametrize("name", sorted(TIMELINES))
def test_a_timeline_tells_what_happened(name: str) -> None:
    timeline, expected = TIMELINES[name]
    assert told(timeline) == expected


def test_a_private_session_is_not_followed() -> None:
    private = PlayerState(on(B, 5).track, True, 5_000, private=True)
    assert told([(10, on(A, 10)), (40, private), (60, private)]) == [
        ("play", "A", 0, None),
        ("skip", "A", 35, 35),
    ]


def test_a_look_from_the_past_changes_nothing() -> None:
    assert told([(100, on(A, 10)), (50, on(B, 10)), (100, on(B, 10)), (110, on(A, 20))]) == [
        ("play", "A", 90, None)
    ]


def test_events_say_where_from_and_have_ids_that_stay() -> None:
    timeline, _ = TIMELINES["a pause of ten minutes"]
    events = events_of(timeline)
    assert {event.source for event in events} == {"spotify_live"}
    assert {event.context["device"] for event in events} == {"kitchen"}
    assert len({event.event_id for event in events}) == len(events)
    assert [event.event_id for event in events_of(timeline)] == [e.event_id for e in events]


def test_looks_are_rare_while_nothing_plays_and_follow_the_track_otherwise() -> None:
    following, _ = look(Following("ann"), on(A, 100), NOON)
    assert next_look(following) == 82
    assert next_look(look(following, on(A, 179), NOON + timedelta(seconds=79))[0]) == 20
    assert next_look(look(Following("ann"), on(A, 1), NOON)[0]) == 181
    for _ in range(9):
        following, _ = look(following, None, NOON + timedelta(days=1))
    assert next_look(following) == 900


@pytest.mark.parametrize("text", [None, "", "[]", '{"playing": 3}', '{"playing": {"uri": "x"}}'])
def test_what_was_kept_by_others_is_nothing_known(text: str | None) -> None:
    assert Following.from_json("ann", text) == Following("ann")


# --- against a player that runs -----------------------------------------------------------------

STEPS: Final[dict[str, Callable[[Player], None]]] = {
    "wait": lambda player: None,
    "pause": Player.pause,
    "resume": Player.resume,
    "skip": Player.skip,
    "forward": lambda player: player.seek(player.progress_ms + 40_000),
    "backward": lambda player: player.seek(max(0, player.progress_ms - 40_000)),
    "switch": lambda player: player.switch(Device(id="other")),
}


def _seen(player: Player) -> PlayerState | None:
    player.settle()
    if not player.is_there:
        return None
    track = player.catalogue.by_uri(player.uri)
    assert track is not None
    record = TrackRecord(track.uri, "track", track.name, ("A",), duration_ms=track.duration_ms)
    return PlayerState(record, player.is_playing, player.progress_ms, device=player.device.id)


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(sorted(STEPS)), st.integers(5, 120)), min_size=1, max_size=30
    )
)
def test_whatever_is_done_events_fit_together(steps: list[tuple[str, int]]) -> None:
    clock = Clock(NOON, running=False)
    catalogue = Catalogue(size=50)
    player = Player(catalogue, Rules(idle_seconds=1e9), clock)
    player.play(*(catalogue.track(number).uri for number in range(40)))
    following, events = Following("ann"), list[Event]()
    for step, seconds in steps:
        clock.advance(seconds=seconds)
        following, found = look(following, _seen(player), clock.now())
        events += found
        STEPS[step](player)
    replayed, plays = Replayed(), list[HeardPlay]()
    for event in events:
        replayed, ended = follow(replayed, event)
        plays += ended
    passed = sum(seconds for _, seconds in steps) * 1000
    assert [event.timestamp for event in events] == sorted(event.timestamp for event in events)
    assert sum(one.ms_played or 0 for one in plays) <= passed
    assert len({event.event_id for event in events}) == len(events)
    ends = [event for event in events if event.event_type in ("skip", "complete")]
    assert len(plays) == len(ends)
    for one in plays:
        assert one.ended_at is not None
        assert (
            0 <= (one.ms_played or 0) <= (one.ended_at - one.played_at) / timedelta(milliseconds=1)
        )
