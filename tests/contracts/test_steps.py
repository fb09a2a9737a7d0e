"""What every step keeps to; a new one adds one line to STEPS."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.music.candidates import Candidates, Evidence
from segue.playlists.artist_cap import ArtistCap
from segue.playlists.base import Step
from segue.playlists.dial import Dial, by_any_of
from segue.playlists.diversify import Diversify
from segue.playlists.facts import TrackFacts
from segue.playlists.filters import (
    EachSongOnce,
    FromYears,
    InTempo,
    LovedOnce,
    NotRecent,
    OfGenres,
    OnlyTracks,
    WithoutArtists,
    WithoutSongs,
    WithoutTracks,
    WithTitle,
)
from segue.playlists.listener import Heard
from segue.playlists.order import Flow
from tests.tiny import days_ago

FACTS = {
    f"t{i:02}": TrackFacts(
        track_id=f"t{i:02}",
        title=f"Song {i % 17}",
        artists=(f"A{i % 5}",),
        artist_keys=(f"a{i % 5}",),
        year=None if i % 7 == 0 else 1960 + i,
        genres=() if i % 6 == 0 else (["rock", "jazz"][i % 2],),
        tempo=None if i % 5 == 0 else 60.0 + i,
        sound=None if i % 4 == 0 else (i / 40,) * 7,
        popularity=None if i % 3 == 0 else float(i),
        listeners=i % 9,
    )
    for i in range(40)
}
HEARD = {f"t{i:02}": Heard(i % 6, days_ago(i)) for i in range(0, 40, 2)}
SOME = frozenset(f"t{i:02}" for i in range(0, 40, 3))

STEPS: list[Step] = [
    WithTitle(FACTS),
    WithoutTracks(SOME),
    OnlyTracks(SOME),
    WithoutArtists(FACTS, frozenset({"a1"})),
    NotRecent(HEARD, days_ago(9)),
    LovedOnce(HEARD, SOME),
    OfGenres(FACTS, ("rock",)),
    FromYears(FACTS, 1970, 1990),
    InTempo(FACTS, 70, None),
    WithoutSongs(FACTS, frozenset({"a1\x1fsong 1"})),
    EachSongOnce(FACTS),
    ArtistCap(FACTS, 2),
    Diversify(FACTS, 8),
    Dial(FACTS, 0.2, by_any_of(FACTS, frozenset({"a1"})), favourites=tuple(FACTS)[:3]),
    Flow(FACTS),
]


def pool(rows: list[tuple[int, float]]) -> Candidates:
    return Candidates(
        tuple(f"t{i:02}" for i, _ in rows),
        tuple(score for _, score in rows),
        tuple((f"source{i}",) for i, _ in rows),
        tuple((Evidence("popular", listeners=i),) for i, _ in rows),
    )


POOLS = st.lists(
    st.tuples(st.integers(0, 39), st.floats(0, 1)), max_size=40, unique_by=lambda row: row[0]
).map(pool)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
class TestEveryStep:
    @given(candidates=POOLS)
    def test_adds_nothing_and_keeps_the_evidence(self, step: Step, candidates: Candidates) -> None:
        after = step(candidates)
        assert len(set(after.track_ids)) == len(after)
        before = dict(zip(candidates.track_ids, candidates.evidence, strict=True))
        sources = dict(zip(candidates.track_ids, candidates.sources, strict=True))
        for row, track_id in enumerate(after.track_ids):
            assert after.evidence[row] == before[track_id]
            assert after.sources[row] == sources[track_id]

    @given(candidates=POOLS)
    def test_same_in_same_out(self, step: Step, candidates: Candidates) -> None:
        again = replace(candidates)
        assert step(candidates) == step(again)
        assert candidates == again

    def test_nothing_comes_of_nothing(self, step: Step) -> None:
        assert step(Candidates()) == Candidates()
