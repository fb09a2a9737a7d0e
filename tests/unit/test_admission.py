"""Which events are taken at the door, and why others are not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.events.admission import Refusal, admitted, refused
from segue.music.event import Event

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOLD: Final[dict[str, Any]] = {
    "event_id": "e1",
    "user_id": "ann",
    "track_id": "spotify:track:6rqhFgbbKwnb9MLmUQDhG6",
    "event_type": "play",
    "timestamp": "2026-03-01T11:59:00Z",
}


def _code(**changed: Any) -> str:
    answer = admitted({**TOLD, **changed}, NOW)
    assert isinstance(answer, Refusal), answer
    assert answer.field in {"", *changed}
    assert answer.reason.endswith(".")
    return answer.code


def _event(**changed: Any) -> Event:
    answer = admitted({**TOLD, **changed}, NOW)
    assert isinstance(answer, Event), answer
    return answer


def test_an_event_with_everything() -> None:
    event = _event(
        timestamp="2026-03-01t12:59:00.250+01:00",
        ms_played=1_000.0,
        session_id="s",
        recommendation_id="r",
        source="car",
        context={"où": ["☔", 1.5, None, True]},
        nobody_knows=1,
    )
    assert event == Event(
        event_id="e1",
        user_id="ann",
        track_id="spotify:track:6rqhFgbbKwnb9MLmUQDhG6",
        event_type="play",
        timestamp=datetime(2026, 3, 1, 11, 59, 0, 250_000, tzinfo=UTC),
        ms_played=1_000,
        session_id="s",
        recommendation_id="r",
        source="car",
        context={"où": ["☔", 1.5, None, True]},
    )
    assert type(event.ms_played) is int


def test_what_is_not_required_may_be_null() -> None:
    bare = _event(ms_played=None, session_id=None, source=None, context=None)
    assert bare == _event()
    assert (bare.source, bare.context) == ("app", {})


@pytest.mark.parametrize("name", TOLD)
def test_what_is_required_must_be_there(name: str) -> None:
    assert _code(**{name: None}) == "missing"
    assert _code(**{name: 7}) == "wrong_type"


@pytest.mark.parametrize("told", [None, 1, "play", [TOLD]])
def test_an_event_is_an_object(told: object) -> None:
    answer = admitted(told, NOW)
    assert isinstance(answer, Refusal)
    assert answer.code == "wrong_type"


@pytest.mark.parametrize(
    "name", ["event_id", "user_id", "track_id", "session_id", "recommendation_id", "source"]
)
def test_ids(name: str) -> None:
    assert _code(**{name: ""}) == _code(**{name: " \t"}) == "empty"
    assert _code(**{name: "x" * 1_001}) == "too_long"
    assert _code(**{name: "a\x00b"}) == _code(**{name: "a\nb"}) == "bad_character"
    assert _code(**{name: "a\ud83d"}) == "bad_character"
    assert getattr(_event(**{name: "Zoë 👩‍👧 / ..%"}), name) == "Zoë 👩‍👧 / ..%"


def test_a_track_may_be_named_by_artist_and_title() -> None:
    assert _event(track_id="name:Band\x1fSong").track_id == "name:Band\x1fSong"
    assert _code(user_id="name:Band\x1fSong") == "bad_character"


@pytest.mark.parametrize(
    ("timestamp", "code"),
    [
        ("2026-03-01T12:05:00.000001Z", "in_the_future"),
        ("9999-12-31T23:59:59Z", "in_the_future"),
        ("2016-02-28T12:00:00Z", "too_old"),
        ("1970-01-01T00:00:00Z", "too_old"),
        ("0001-01-01T00:00:00+14:00", "bad_timestamp"),
        ("9999-12-31T23:59:59-14:00", "bad_timestamp"),
        ("2026-03-01T12:00:00", "bad_timestamp"),
        ("2026-02-30T12:00:00Z", "bad_timestamp"),
        ("yesterday", "bad_timestamp"),
        ("", "bad_timestamp"),
        ("2026-03-01T12:00:00." + "0" * 99 + "Z", "bad_timestamp"),
    ],
)
def test_times_that_cannot_be(timestamp: str, code: str) -> None:
    assert _code(timestamp=timestamp) == code


@pytest.mark.parametrize("timestamp", ["2026-03-01T12:05:00Z", "2016-03-01T12:00:00Z"])
def test_times_at_the_edge(timestamp: str) -> None:
    assert _event(timestamp=timestamp).timestamp == datetime.fromisoformat(timestamp)


def test_time_heard() -> None:
    assert (_event(ms_played=0).ms_played, _event(ms_played=86_400_000).ms_played) == (
        0,
        86_400_000,
    )
    assert _code(ms_played=-1) == _code(ms_played=86_400_001) == "bad_ms_played"
    assert _code(ms_played=1e300) == "bad_ms_played"
    for wrong in ("1000", True, 0.5, float("nan"), float("inf"), [1]):
        assert _code(ms_played=wrong) == "wrong_type"


def test_event_types() -> None:
    assert _code(event_type="PLAY") == _code(event_type="") == "unknown_event_type"


def test_contexts() -> None:
    assert _code(context=["car"]) == "wrong_type"
    assert _code(context={"a": {"b": {"c": {"d": {}}}}}) == "context_too_deep"
    assert _event(context={"a": {"b": {"c": [1]}}}).context == {"a": {"b": {"c": [1]}}}
    assert _code(context={"a": "é" * 2_050}) == "context_too_large"
    assert _event(context={"a": "é" * 2_040}).context
    for odd in (float("nan"), 2**64, "\x00", "\ud800"):
        assert _code(context={"a": [odd]}) == "bad_context"
    assert _code(context={"\x00": 1}) == "bad_context"


def test_a_context_nested_without_end_is_no_danger() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert _code(context={"a": deep}) == "context_too_deep"
    while deep:  # or its end would need a deep stack
        deep = deep.pop()


def test_an_event_made_elsewhere_obeys_the_same_rules() -> None:
    event = _event()
    assert refused(event, NOW) is None
    later = refused(event, NOW - timedelta(hours=1))
    assert later is not None
    assert later.code == "in_the_future"


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*TOLD, "ms_played", "session_id", "context"]), JSON))
def test_whatever_comes_is_taken_or_refused(changed: dict[str, Any]) -> None:
    answer = admitted({**TOLD, **changed}, NOW)
    if isinstance(answer, Event):
        assert refused(answer, NOW) is None
        text = json.dumps(answer.context, allow_nan=False, ensure_ascii=False)
        assert json.loads(text.encode()) == answer.context
    else:
        assert answer.code
