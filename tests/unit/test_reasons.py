"""Sentences: said right, true to the evidence, and not the same one all the time."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from segue.music.candidates import Candidates, Evidence
from segue.playlists.facts import TrackFacts
from segue.playlists.reasons import KINDS, reasons, sentences

MARCH = datetime(2024, 3, 1, tzinfo=UTC)


def at(month: int, day: int, year: int = 2024) -> datetime:
    return datetime(year, month, day, 20, tzinfo=UTC)


ALISON = TrackFacts("alison", "Alison", ("Slowdive",), ("slowdive",))
DUET = TrackFacts("duet", "Sea\nSong", ("Ann", "Bob", "Cid"), ("ann", "bob", "cid"))
NAMELESS = TrackFacts("nameless", "", ())
OWN = TrackFacts("own", "Vapour Trail", ("Ride",), ("ride",))
FACTS = {track.track_id: track for track in (ALISON, DUET, NAMELESS, OWN)}


def said(evidence: Evidence, **options: frozenset[str]) -> tuple[str, ...]:
    return sentences(evidence, OWN, FACTS, **options)


@pytest.mark.parametrize(
    ("evidence", "first"),
    [
        (
            Evidence("rediscovered", plays=14, finishes=14, month=MARCH, last_at=at(3, 28)),
            "you finished it 14 times, mostly in March 2024, and never since",
        ),
        (
            Evidence("rediscovered", plays=14, finishes=12, month=MARCH, last_at=at(5, 12)),
            "you played it 14 times, mostly in March 2024, and not since 12 May 2024",
        ),
        (
            Evidence("rediscovered", plays=3, finishes=3, month=MARCH, last_at=at(3, 1, 2025)),
            "you finished it 3 times, mostly in March 2024, and not since 1 March 2025",
        ),
        (
            Evidence("rediscovered", plays=1_204, finishes=0, last_at=at(5, 12)),
            "you played it 1,204 times, and not since 12 May 2024",
        ),
        (
            Evidence("rediscovered", plays=2, month=MARCH),
            "you played it twice, mostly in March 2024",
        ),
        (
            Evidence("favourite", plays=9, finishes=9, days=30, last_at=at(5, 12)),
            "you finished it 9 times in the last 30 days",
        ),
        (
            Evidence("favourite", plays=9, finishes=2, days=1),
            "you played it 9 times in the last day",
        ),
        (Evidence("favourite", plays=9, days=729), "you played it 9 times in the last 2 years"),
        (Evidence("favourite", plays=1), "you played it once"),
        (Evidence("saved", plays=0), "you saved it and have not played it yet"),
        (Evidence("saved", plays=1), "you saved it and played it only once"),
        (
            Evidence("close", "alison", plays=31, features=("energy", "tempo", "valence")),
            "close in energy and tempo to “Alison” by Slowdive, which you played 31 times",
        ),
        (
            Evidence("close", "alison", features=("speechiness", "valence"), genres=("rock",)),
            "close in mood and amount of speech to “Alison” by Slowdive",
        ),
        (Evidence("close", "alison", genres=("shoegaze",)), "shoegaze like “Alison” by Slowdive"),
        (Evidence("close", "duet"), "sounds like “Sea Song” by Ann, Bob and Cid"),
        (
            Evidence("after", "alison", listeners=23),
            "played in the same sessions as “Alison” by Slowdive (23 sessions)",
        ),
        (
            Evidence("after", "alison", listeners=1),
            "played in the same sessions as “Alison” by Slowdive (1 session)",
        ),
        (
            Evidence("like_you", "alison", listeners=17),
            "people who play “Alison” by Slowdive also play this (17 of them)",
        ),
        (
            Evidence("like_you", "alison", listeners=1),
            "somebody who plays “Alison” by Slowdive also plays this",
        ),
        (
            Evidence("like_you", "alison", listeners=1_700, artist="Slowdive"),
            "people who play Slowdive also play Ride (1,700 of them)",
        ),
        (
            Evidence("popular", plays=412, days=90, genres=("shoegaze",)),
            "popular in shoegaze right now (412 plays in 90 days)",
        ),
        (Evidence("popular", listeners=1), "popular (1 listener)"),
        (Evidence("popular"), "popular"),
        (Evidence("artist", plays=34), "you played Ride 34 times, but not this one yet"),
        (
            Evidence("artist", plays=1, artist="Slowdive"),
            "you played Slowdive once, but not this one yet",
        ),
    ],
)
def test_the_plainest_way_to_say_it(evidence: Evidence, first: str) -> None:
    assert said(evidence)[0] == first


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence("close"),
        Evidence("close", "gone"),
        Evidence("after", "nameless", listeners=3),
        Evidence("like_you", listeners=3),
        Evidence("rediscovered"),
        Evidence("favourite", plays=0),
        Evidence("from_a_plugin", plays=3),
    ],
)
def test_what_cannot_be_said_is_not_said(evidence: Evidence) -> None:
    assert said(evidence) == ()


def test_without_counts_the_catalogue_speaks() -> None:
    hit = TrackFacts("hit", "Hit", ("Ann",), ("ann",), popularity=97.6)
    first, second = sentences(Evidence("popular", genres=("rock",)), hit, FACTS)
    assert first == "popular in rock (98 of 100 in its catalogue)"
    assert second == "popularity 98 of 100 in its catalogue, rock"


def test_a_seed_is_called_so() -> None:
    (text,) = said(Evidence("close", "duet"), seeds=frozenset({"duet", "other"}))
    assert text.endswith(", which you asked for")
    (text,) = said(Evidence("close", "duet"), seeds=frozenset({"duet"}))
    assert "asked for" not in text, "the title names the only seed"


def test_no_missing_fact_leaves_a_trace() -> None:
    for kind in KINDS:
        for text in said(Evidence(kind, other_id="alison")):
            assert "None" not in text
            assert not any(sign.isdigit() for sign in text)


def candidates(*evidence: tuple[Evidence, ...]) -> Candidates:
    """All for the same few tracks, taken in turn; the ids differ in what nobody looks at."""
    ids = ["own", "alison", "duet"][: len(evidence)]
    return Candidates(
        tuple(ids),
        (1.0,) * len(evidence),
        tuple(tuple(f"source{i}" for i in range(len(all_))) for all_ in evidence),
        evidence,
    )


CLOSE = Evidence("close", "alison", features=("energy",))
POPULAR = Evidence("popular", listeners=9)
AFTER = Evidence("after", "alison", listeners=4)


def test_the_strongest_source_speaks() -> None:
    assert reasons(candidates((CLOSE, POPULAR), (POPULAR, CLOSE)), FACTS) == (
        "close in energy to “Alison” by Slowdive",
        "popular (9 listeners)",
    )


def test_the_second_speaks_where_the_first_would_repeat_itself() -> None:
    told = reasons(candidates((CLOSE, POPULAR), (CLOSE, AFTER), (CLOSE, POPULAR)), FACTS)
    assert [text.split()[0] for text in told] == ["close", "played", "nearly"]
    assert all(one != two for one, two in pairwise(told))


def test_other_words_where_there_is_no_other_evidence() -> None:
    told = reasons(candidates((CLOSE,), (CLOSE,), (CLOSE,)), FACTS)
    assert len(set(told)) == 2
    assert all(one != two for one, two in pairwise(told))


def test_a_source_without_evidence_is_at_least_named() -> None:
    only = candidates((Evidence("from_a_plugin"),))
    assert reasons(only, FACTS) == ("proposed by source0",)
