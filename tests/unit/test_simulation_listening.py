"""The simulated listening: measures in their documented ranges, habits that differ, true times."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.sources.simulation.listeners import PERIOD_DAYS, planned_plays
from segue.sources.simulation.plays import Plays, simulate_block
from segue.sources.simulation.settings import Habit, SimulationSettings
from segue.sources.simulation.statistics import Tally, statistics
from segue.sources.simulation.taste import power_law
from segue.sources.simulation.world import World, build_world

SETTINGS = SimulationSettings(
    end=datetime(2026, 11, 1, tzinfo=UTC), users=60, plays_per_user=700, histories=0
)
WEEK_S = 7 * 86_400


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(SETTINGS)


@pytest.fixture(scope="module")
def plays(world: World) -> Plays:
    return crowd(SETTINGS, world)


def crowd(settings: SimulationSettings, world: World) -> Plays:
    planned = planned_plays(settings)
    return simulate_block(range(settings.users), planned, settings=settings, world=world)[1]


def listeners_of(habit: Habit, world: World, n: int = 12, streams: int = 1500) -> list[Plays]:
    settings = replace(SETTINGS, users=n, histories=n, history_plays=streams, habits=(habit,))
    everyone = crowd(settings, world)
    return [everyone.where(everyone.user == user) for user in range(n)]


def six_plays() -> Plays:
    """User 0 plays tracks 5 5 6 in one session and 7 alone; user 1 plays 5, then leaves 6."""
    return Plays(
        user=np.array([0, 0, 0, 0, 1, 1], np.int32),
        session=np.array([0, 0, 0, 1, 0, 0], np.int32),
        position=np.array([0, 1, 2, 0, 0, 1], np.int32),
        track=np.array([5, 5, 6, 7, 5, 6], np.int32),
        ended_s=np.array([200, 400, 600, 90_000, 200, 210], np.int64),
        ms_played=np.array([200_000] * 4 + [180_000, 8_000], np.int32),
        skipped=np.array([False] * 5 + [True]),
        stopped=np.zeros(6, np.bool_),
        began=np.ones(6, np.bool_),
        known=np.array([0, 1, 0, 0, 0, 0], np.int32),
        luck=np.zeros(6, np.float32),
    )


def test_measures_of_six_plays_by_eye() -> None:
    told = statistics(six_plays(), 10, np.zeros(10, np.int32))
    assert (told.streams, told.plays, told.users, told.tracks, told.artists) == (6, 5, 2, 3, 1)
    assert told.repeat_share == 1 / 5
    assert told.skip_rate == 1 / 6
    assert told.session_mean == 2
    assert told.session_median == 2
    assert told.top_share == 3 / 5


def test_tallies_of_parts_are_the_tally_of_all(plays: Plays, world: World) -> None:
    artists = world.discography.track_artist
    parts = Tally(world.n_tracks, len(artists))
    for mask in (plays.user < 20, plays.user >= 20):
        part = Tally(world.n_tracks, len(artists))
        part.add(plays.where(mask))
        parts.merge(part)
    assert parts.statistics(artists) == statistics(plays, world.n_tracks, artists)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_measures_lie_in_their_documented_ranges(seed: int) -> None:
    settings = replace(SETTINGS, seed=seed)
    world = build_world(settings)
    told = statistics(crowd(settings, world), world.n_tracks, world.discography.track_artist)
    assert 0.50 < told.repeat_share < 0.75
    assert 0.12 < told.skip_rate < 0.28
    assert 0.22 < told.discovery_share < 0.50
    assert 0.55 < told.zipf_exponent < 1.10
    assert 6 < told.session_mean < 12
    assert 4 <= told.session_median <= 9
    assert told.plays == pytest.approx(60 * 700, rel=0.4)


def test_nobody_s_plays_depend_on_who_is_simulated_beside_them(world: World) -> None:
    planned = planned_plays(SETTINGS)
    whole = simulate_block(range(9), planned, settings=SETTINGS, world=world)[1]
    parts = [
        simulate_block(users, planned, settings=SETTINGS, world=world)[1]
        for users in (range(1), range(1, 7), range(7, 9))
    ]
    for item in fields(Plays):
        joined = np.concatenate([getattr(part, item.name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, item.name))


def test_streams_follow_each_other_and_end_in_time(plays: Plays, world: World) -> None:
    same = np.diff(plays.user) == 0
    assert (plays.started_ms[1:][same] >= plays.ended_s[:-1][same] * 1000).all()
    assert (plays.ms_played > 0).all()
    assert (plays.ms_played <= world.discography.duration_ms[plays.track]).all()
    assert plays.ended_s.max() < SETTINGS.end_s
    assert plays.started_ms.min() >= SETTINGS.start.timestamp() * 1000
    new_session = same & (np.diff(plays.session) != 0)
    pause = plays.started_ms[1:] - plays.ended_s[:-1] * 1000
    assert pause[new_session].min() > 30 * 60_000
    assert (np.diff(plays.position)[same & ~new_session] == 1).all()


def test_nothing_is_played_before_it_is_out(plays: Plays, world: World) -> None:
    released = world.discography.track_day[plays.track].astype(np.int64) * 86_400
    assert (plays.ended_s >= released).all()
    assert (released > SETTINGS.start.timestamp()).any()


def test_new_tracks_are_skipped_more_than_old_friends(plays: Plays) -> None:
    new, old = plays.skipped[plays.known == 0], plays.skipped[plays.known >= 8]
    assert new.mean() > 1.3 * old.mean()


def test_nights_are_quiet_and_days_of_the_week_differ(world: World) -> None:
    own = listeners_of("mixed", world, 1)[0]
    hours = np.bincount(own.ended_s // 3600 % 24, minlength=24)
    assert np.sort(hours)[:6].sum() < 0.1 * len(own)
    days = np.bincount(own.ended_s // 86_400 % 7, minlength=7)
    assert days.max() > 1.15 * days.min()


def test_a_session_stays_in_its_scene_and_mood(plays: Plays, world: World) -> None:
    scene, mood = world.scene_of[plays.track], world.mood[plays.track]
    inside = plays.position[1:] > 0
    beside = (scene[1:] == scene[:-1])[inside].mean()
    user_start = np.searchsorted(plays.user, plays.user)
    n = np.bincount(plays.user, minlength=60)[plays.user]
    other = user_start + np.random.default_rng(1).integers(0, n)
    assert beside > 1.4 * (scene == scene[other]).mean()
    apart = np.abs(np.diff(mood))[inside].mean()
    assert apart < 0.93 * np.abs(mood - mood[other]).mean()


def test_albums_are_played_in_order(plays: Plays) -> None:
    onward = np.diff(plays.track)[plays.position[1:] > 0]
    assert (onward == 1).mean() > 0.05
    assert (onward == -1).mean() < 0.02


def test_who_shares_one_track_shares_others(world: World) -> None:
    """Listeners' neighbours by one half of the tracks are their neighbours by the other half."""
    settings = replace(SETTINGS, users=150)
    everyone = crowd(settings, world)
    played = np.zeros((150, world.n_tracks))
    played[everyone.user, everyone.track] = 1.0

    def likeness(tracks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        part = played[:, tracks]
        part = part / np.linalg.norm(part, axis=1, keepdims=True)
        close = part @ part.T
        return np.asarray(close[np.triu_indices(150, 1)])

    halves = np.random.default_rng(2).permutation(world.n_tracks).reshape(2, -1)
    assert np.corrcoef(likeness(halves[0]), likeness(halves[1]))[0, 1] > 0.5


def next_week(plays: Plays, *, rule: str, weeks: int = 26) -> float:
    """NDCG@10 of known tracks ranked by a rule against those played in the week after."""
    heard = plays.where(plays.counted)
    gains = 1 / np.log2(np.arange(2, 12))
    scores = []
    for back in range(weeks, 0, -1):
        now = SETTINGS.end_s - back * WEEK_S
        past = heard.track[heard.ended_s <= now]
        coming = heard.track[(heard.ended_s > now) & (heard.ended_s <= now + WEEK_S)]
        wanted = np.intersect1d(coming, past)
        if not len(wanted):
            continue
        worth = np.bincount(past).astype(np.float64)
        if rule == "most recent":
            worth[:] = -1
            worth[past] = np.arange(len(past))
        best = np.argsort(-worth, kind="stable")[:10]
        scores.append(gains[np.isin(best, wanted)].sum() / gains[: len(wanted)].sum())
    return float(np.mean(scores))


def test_twenty_thousand_plays_are_of_many_artists_and_genres(world: World) -> None:
    disc = world.discography
    settings = replace(SETTINGS, users=4, histories=4, history_plays=20_000)
    everyone = crowd(settings, world)
    for user in range(4):
        own = everyone.where(everyone.user == user)
        artists = np.bincount(disc.track_artist[own.track])
        genres = np.bincount(disc.artist_genre[disc.track_artist[own.track]]) / len(own)
        assert len(own) == pytest.approx(20_000, rel=0.25)
        assert len(np.unique(own.track)) > 1000
        assert artists.max() < 0.4 * len(own)
        assert 1 / np.square(genres).sum() > 2  # as many genres of equal weight


@pytest.mark.parametrize(
    ("habit", "streams", "most_played", "most_recent"),
    [
        ("binger", 1500, (0.02, 0.35), (0.38, 0.70)),
        ("loyalist", 1500, (0.45, 0.80), (0.05, 0.35)),
        ("mixed", 1500, (0.45, 0.80), (0.20, 0.55)),
        ("rotator", 12_000, (0.25, 0.70), (0.02, 0.20)),
        ("regular", 6000, (0.60, 0.92), (0.30, 0.60)),
    ],
)
def test_habits_answer_to_different_rules(
    habit: Habit,
    streams: int,
    most_played: tuple[float, float],
    most_recent: tuple[float, float],
    world: World,
) -> None:
    people = listeners_of(habit, world, streams=streams)
    often = float(np.median([next_week(own, rule="most played") for own in people]))
    lately = float(np.median([next_week(own, rule="most recent") for own in people]))
    assert most_played[0] < often < most_played[1]
    assert most_recent[0] < lately < most_recent[1]


def test_a_third_of_an_explorer_s_week_is_new(world: World) -> None:
    artists = world.discography.track_artist
    shares = [
        statistics(own, world.n_tracks, artists).discovery_share
        for own in listeners_of("explorer", world)
    ]
    assert 0.30 < np.median(shares) < 0.45


def test_a_binger_s_taste_drifts_more_than_a_loyalist_s(world: World) -> None:
    def moved(habit: Habit) -> float:
        settings = replace(SETTINGS, users=20, histories=20, history_plays=60, habits=(habit,))
        block, _ = simulate_block(
            range(20), planned_plays(settings), settings=settings, world=world
        )
        first, last = (
            np.stack([np.bincount(p.scenes[at], p.shares[at], 100) for p in block.listeners])
            for at in (0, -1)
        )
        assert all(len(person.shares) == 730 // PERIOD_DAYS + 1 for person in block.listeners)
        return 1 - float(np.minimum(first, last).sum(axis=1).mean())

    assert moved("loyalist") < 0.25 < 0.4 < moved("binger")


@given(
    draw=st.floats(0, 0.999_999),
    upper=st.integers(1, 10**6),
    exponent=st.one_of(st.floats(0, 0.98), st.floats(1.02, 3)),
)
def test_power_law_stays_inside(draw: float, upper: int, exponent: float) -> None:
    def drawn(at: float) -> float:
        arguments = (np.array([value], np.float32) for value in (at, upper, exponent))
        return float(power_law(*arguments)[0])

    assert 1 <= drawn(draw) <= upper
    assert drawn(draw / 2) <= drawn(draw)
