"""Profiles: what a user's events come to, however they arrive."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import StorageError
from segue.events import record_json
from segue.events.profiles import (
    HALF_LIFE,
    Profile,
    Share,
    TrackFacts,
    portrait,
    taken,
    within,
)
from segue.music.event import EVENT_TYPES, Event, EventType

AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
FACTS: Final = {
    "old": TrackFacts("Abba", ("pop", "disco"), 1976, {"energy": 0.2}),
    "new": TrackFacts("Björk", ("pop",), 1997, {"energy": 0.8, "valence": 0.5}),
}


def _facts(tracks: object) -> dict[str, TrackFacts]:
    return FACTS


def _event(number: int, kind: EventType, track: str, at: datetime = AT) -> Event:
    return Event(f"e{number}", "ann", track, kind, at)


EVENTS: Final = st.lists(
    st.builds(
        lambda kind, track, s: (kind, track, AT + timedelta(seconds=s)),
        st.sampled_from(EVENT_TYPES),
        st.sampled_from(["a", "b", "c"]),
        st.integers(-300_000_000, 1_000_000),
    ),
    max_size=70,
).map(lambda parts: [_event(n, *part) for n, part in enumerate(parts)])


def test_counts_and_rates() -> None:
    done = [_event(1, "play", "a"), _event(2, "complete", "a"), _event(3, "skip", "b")]
    profile = taken(Profile(), [*done, _event(4, "complete", "c"), _event(5, "like", "c")])
    assert (profile.plays, profile.finishes, profile.skips) == (3, 2, 1)
    assert profile.skip_rate == pytest.approx(1 / 3)
    assert profile.finish_rate == pytest.approx(2 / 3)
    assert profile.counts["like"] == 1


def test_somebody_who_did_nothing_has_no_rates_and_no_taste() -> None:
    profile = Profile.from_bytes(None)
    assert (profile.plays, profile.skip_rate, profile.finish_rate) == (0, None, None)
    assert portrait(profile, _facts).artists == ()


def test_the_latest_fifty_are_recent_by_their_own_time() -> None:
    backwards = [_event(n, "play", f"t{n}", AT - timedelta(minutes=n)) for n in range(60)]
    recent = taken(Profile(), backwards).recent
    assert [one.track_id for one in recent] == [f"t{n}" for n in reversed(range(50))]


def test_what_was_heard_a_half_life_ago_counts_half() -> None:
    heard = [_event(1, "complete", "old", AT - HALF_LIFE), _event(2, "complete", "new")]
    taste = portrait(taken(Profile(), heard), _facts)
    assert [one.name for one in taste.artists] == ["Björk", "Abba"]
    assert [one.share for one in taste.artists] == pytest.approx([2 / 3, 1 / 3])
    assert [one.name for one in taste.eras] == ["1990s", "1970s"]
    assert {one.name: one.share for one in taste.genres} == pytest.approx(
        {"pop": 5 / 6, "disco": 1 / 6}
    )
    assert taste.sound == pytest.approx({"energy": 0.6, "valence": 0.5})


def test_what_is_unwanted_is_no_favourite_until_it_is_taken_back() -> None:
    heard = [_event(1, "complete", "old"), _event(2, "complete", "new")]
    hidden = taken(Profile(), [*heard, _event(3, "hide", "old", AT + timedelta(seconds=1))])
    assert portrait(hidden, _facts).artists == (Share("Björk", 1.0),)
    back = taken(hidden, [_event(4, "undo", "old", AT + timedelta(seconds=2))])
    assert len(portrait(back, _facts).artists) == 2
    late = taken(back, [_event(5, "hide", "old", AT + timedelta(seconds=1))])
    assert len(portrait(late, _facts).artists) == 2, "said before it was taken back"


def test_tracks_that_nobody_knows_are_favourites_by_their_id_only() -> None:
    taste = portrait(taken(Profile(), [_event(1, "complete", "?")]), lambda tracks: {})
    assert taste.tracks == (Share("?", 1.0),)
    assert (taste.artists, taste.sound) == ((), {})


@given(EVENTS, st.integers(1, 20))
def test_made_again_in_other_batches_it_has_the_same_bytes(events: list[Event], size: int) -> None:
    record: bytes | None = None
    for start in range(0, len(events), size):
        batch = events[start : start + size]
        record = taken(Profile.from_bytes(record), batch).to_bytes()
    assert (record or Profile().to_bytes()) == taken(Profile(), events).to_bytes()


@given(EVENTS, st.randoms(use_true_random=False))
def test_in_any_order_it_comes_to_the_same(events: list[Event], chance: random.Random) -> None:
    shuffled = list(events)
    chance.shuffle(shuffled)
    one, other = taken(Profile(), events), taken(Profile(), shuffled)
    assert (one.counts, one.recent, one.words) == (other.counts, other.recent, other.words)
    assert one.weights == pytest.approx(other.weights, abs=1e-9)


def test_a_record_stays_small_however_much_is_heard() -> None:
    many = [
        _event(n, "complete", f"t{n}", AT + timedelta(seconds=n % 17 * 100 + n))
        for n in range(5_100)
    ]
    profile = taken(Profile(), many)
    assert len(profile.weights) == 5_000
    cut = taken(taken(Profile(), many[:5_050]), many[5_050:])
    assert cut.to_bytes() == profile.to_bytes()


def test_where_there_is_no_room_the_heaviest_and_latest_tracks_stay() -> None:
    many = taken(Profile(), [_event(n, "like", f"{n:0900}", AT + timedelta(n)) for n in range(40)])
    assert within(many, lambda record: True) == many
    some = within(many, lambda record: len(record) < 60_000)
    assert some.counts == many.counts
    assert set(some.weights) == set(some.words)
    assert 5 < len(some.weights) < 40
    assert f"{39:0900}" in some.weights


def test_records_are_alike_with_and_without_msgspec() -> None:
    profile = taken(Profile(), [_event(1, "complete", "é'\"\x1f"), _event(2, "hide", "b")])
    plain = record_json._plain_encode(record_json.decode(profile.to_bytes()))
    assert Profile.from_bytes(plain) == profile
    assert plain == profile.to_bytes()


def test_a_record_that_cannot_be_read_is_not_guessed_at() -> None:
    for record in (b'{"version":2}', b"{}", b"\xff", b"[]"):
        with pytest.raises(StorageError):
            Profile.from_bytes(record)
