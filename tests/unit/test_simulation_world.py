"""The simulated music: sizes, dates, sounds and names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from segue.errors import ConfigError
from segue.sources.simulation.genres import GENRES, SOUND
from segue.sources.simulation.identifiers import base62, scramble, uniform_hash
from segue.sources.simulation.settings import SimulationSettings
from segue.sources.simulation.world import MOODS, World, build_world

END = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(SimulationSettings(end=END, tracks=6000))


@pytest.mark.parametrize("tracks", [200, 201, 999, 4321])
def test_a_world_has_exactly_as_many_tracks_as_asked_for(tracks: int) -> None:
    world = build_world(SimulationSettings(end=END, tracks=tracks))
    disc = world.discography
    assert world.n_tracks == len(world.title) == len(disc.duration_ms) == tracks
    assert disc.artist_bounds[-1] == disc.album_bounds[-1] == tracks
    assert world.weight.sum() == pytest.approx(1)
    assert disc.n_scenes > 5


def test_discography_hangs_together(world: World) -> None:
    disc = world.discography
    assert (np.diff(disc.track_artist) >= 0).all()
    assert (disc.album_artist[disc.track_album] == disc.track_artist).all()
    copies = np.flatnonzero(disc.is_reissue)
    assert len(copies) > 20
    assert (disc.track_artist[copies] == disc.track_artist[disc.original[copies]]).all()
    assert (disc.track_day[copies] > disc.track_day[disc.original[copies]]).all()
    assert not disc.is_reissue[disc.original[copies]].any()
    same_artist = np.diff(disc.album_artist) == 0
    assert (np.diff(disc.album_day)[same_artist] >= 0).all()
    assert disc.track_day.max() * 86_400 < END.timestamp()
    assert disc.track_day.min() > -25 * 366
    assert (disc.track_guest != disc.track_artist).all()


def test_sound_lies_in_spotify_s_ranges_and_correlates(world: World) -> None:
    sound = world.sound
    for name in SOUND:
        column = sound.column(name)
        low, high = {"loudness": (-60, 1), "tempo": (40, 220)}.get(name, (0, 1))
        assert low <= column.min() <= column.max() <= high
    together = np.asarray(np.corrcoef(sound.features.T))
    at = {name: place for place, name in enumerate(SOUND)}
    assert together[at["energy"], at["loudness"]] > 0.5
    assert together[at["energy"], at["acousticness"]] < -0.5
    assert together[at["valence"], at["danceability"]] > 0.3
    assert set(np.unique(sound.mode)) == {0, 1}
    assert 0 <= sound.key.min() <= sound.key.max() == 11


def test_genres_differ_more_than_artists_and_artists_more_than_tracks(world: World) -> None:
    disc, energy = world.discography, world.sound.column("energy").astype(np.float64)
    genre = disc.artist_genre[disc.track_artist]
    names = [item.name for item in GENRES]
    tempo = world.sound.column("tempo")
    fast = tempo[genre == names.index("drum-and-bass")].mean()
    assert fast > tempo[genre == names.index("hip-hop")].mean() + 30

    def spread_within(group: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        n = np.bincount(group)
        mean = np.bincount(group, energy) / np.maximum(n, 1)
        return float(((energy - mean[group]) ** 2).mean())

    by_artist = spread_within(disc.track_artist.astype(np.int64))
    assert by_artist < spread_within(genre.astype(np.int64)) < energy.var()


def test_names_are_many_and_few_are_shared(world: World) -> None:
    artists, titles = world.artist_name.to_pylist(), world.title.to_pylist()
    assert len({name.casefold() for name in artists}) == len(artists)
    of = world.discography.track_artist.tolist()
    assert len(set(zip(of, titles, strict=True))) == len(titles)
    assert len(set(titles)) > 0.6 * len(titles)
    assert any(not name.isascii() for name in artists)
    assert any("(feat. " in title for title in titles)
    assert any("Remaster" in title for title in titles)
    assert all(name == name.strip() and "{" not in name for name in artists + titles)


def test_cells_hold_every_track_once(world: World) -> None:
    cells = world.cells
    assert sorted(cells.order.tolist()) == list(range(world.n_tracks))
    assert len(cells.bounds) == world.discography.n_scenes * MOODS + 1
    third = cells.order[cells.bounds[0] : cells.bounds[1]]
    assert (world.scene_of[third] == 0).all()
    assert (world.mood[third] <= 0.5).all()


def test_popularity_has_a_long_tail(world: World) -> None:
    order = np.argsort(-world.weight)
    assert (np.diff(world.popularity[order].astype(int)) <= 0).all()
    top = world.weight[order][: world.n_tracks // 100].sum()
    assert 0.1 < top < 0.6


def test_ids_are_22_characters_and_never_twice() -> None:
    values = scramble(np.arange(20_000, dtype=np.uint64), 5)
    ids = base62(values).to_pylist()
    assert len(set(ids)) == 20_000
    assert {len(item) for item in ids} == {22}
    assert all(item.isascii() and item.isalnum() and item[0] < "8" for item in ids)


def test_hash_is_uniform_and_inside() -> None:
    numbers = uniform_hash(np.arange(100_000, dtype=np.uint64))
    assert 0 < numbers.min() < numbers.max() < 1
    assert np.histogram(numbers, 10, (0, 1))[0] == pytest.approx(np.full(10, 10_000), rel=0.05)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("users", -1),
        ("tracks", 3),
        ("tracks", 10**9),
        ("days", 0),
        ("seed", -2),
        ("plays_per_user", 0),
        ("histories", 201),
        ("workers", 0),
        ("habits", ()),
        ("habits", ("dancer",)),
        ("catalogue", "xml"),
        ("end", END.replace(tzinfo=None)),
    ],
)
def test_settings_out_of_bounds_are_named(field: str, value: object) -> None:
    values = {"end": END, field: value}
    with pytest.raises(ConfigError) as caught:
        SimulationSettings(**values)  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.field == field
    assert field in str(caught.value)
    assert caught.value.cure


def test_settings_tell_when_it_begins() -> None:
    settings = SimulationSettings(end=END, days=14)
    assert settings.start == END - timedelta(days=14)
