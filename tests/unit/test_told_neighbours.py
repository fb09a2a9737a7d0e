"""What open services call alike becomes candidates with true reasons."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from segue.features.from_marts import training_data
from segue.music.query import Mix, Query
from segue.playlists.facts import TrackFacts
from segue.playlists.reasons import reasons
from segue.recommenders.content import Content
from segue.recommenders.hybrid import Hybrid
from segue.recommenders.popular import Popular
from segue.recommenders.told_neighbours import Neighbours
from tests import tiny

LOVED, LIKED = "t0", "t1"


def _row(subject: str, track: str, score: float, **more: str) -> dict[str, Any]:
    told = {"source": "listenbrainz", "kind": "similar_track", **more}
    return {**told, "subject": subject, "track_id": track, "score": score, "told_at": tiny.NOW}


def _fitted(as_of: datetime = tiny.NOW) -> Neighbours:
    rows = [
        _row(LOVED, "t2", 0.9),
        _row(LOVED, LIKED, 1.0),  # known already
        _row(LIKED, "t2", 0.4),
        _row(LIKED, "t3", 0.9),
        _row(LOVED, "t4", 0.9, kind="similar_artist", source="lastfm"),
        _row("ann", "t5", 0.95, kind="recommended"),
        _row("ben", "t6", 1.0, kind="recommended"),
        _row("t9", "t7", 1.0),  # of no track that is there
    ]
    return Neighbours().fit(
        training_data(
            tiny.tracks({"track_id": f"t{n}"} for n in range(9)),
            neighbours=tiny.mart("neighbours", rows),
            as_of=as_of,
        )
    )


def _query(mix: Mix = "discover", **more: Any) -> Query:
    plays = [(LOVED, tiny.days_ago(day)) for day in range(9, 1, -1)]
    return Query(
        "ann", tiny.NOW, mix=mix, history=tiny.history([*plays, (LIKED, tiny.NOW)]), **more
    )


def test_what_was_recommended_later_is_not_known_yet() -> None:
    """It follows from what the user played since; likeness is of tracks and stays."""
    found = _fitted(tiny.days_ago(1)).recommend(_query(), 10)
    assert set(found.track_ids) == {"t2", "t3", "t4"}


def test_what_is_like_the_loved_and_what_is_advised_comes_first() -> None:
    found = _fitted().recommend(_query(), 10)
    assert found.track_ids[:2] == ("t2", "t5")
    assert set(found.track_ids) == {"t2", "t3", "t4", "t5"}
    kinds = {
        track: (told.kind, told.other_id, told.service)
        for track, (told,) in zip(found.track_ids, found.evidence, strict=True)
    }
    assert kinds == {
        "t2": ("alike", LOVED, "ListenBrainz"),
        "t3": ("alike", LIKED, "ListenBrainz"),
        "t4": ("like_artist", LOVED, "Last.fm"),
        "t5": ("told", None, "ListenBrainz"),
    }


def test_each_says_who_calls_it_alike() -> None:
    found = _fitted().recommend(_query(), 10)
    facts = {f"t{n}": TrackFacts(f"t{n}", f"Song {n}", (f"Artist {n}",)) for n in range(9)}
    said = dict(zip(found.track_ids, reasons(found, facts), strict=True))
    assert said["t2"] == "similar to “Song 0” by Artist 0, after ListenBrainz"
    assert said["t4"] == "Artist 4 is similar to Artist 0, after Last.fm"
    assert said["t5"] == "ListenBrainz recommends it to you"


def test_seeds_lead_to_what_is_like_them() -> None:
    model = _fitted()
    assert model.recommend(_query("similar", seeds=(LIKED,)), 10).track_ids == ("t3", "t2")
    assert model.similar([LIKED], 1).track_ids == ("t3",)


def test_without_answers_it_is_silent() -> None:
    model = Neighbours().fit(training_data(tiny.tracks([{"track_id": "t0"}]), as_of=tiny.NOW))
    assert "segue enrich" in (model.silent_because() or "")
    assert not model.recommend(_query(), 10).track_ids


def test_where_nobody_was_asked_nothing_changes() -> None:
    """A home without answers recommends the same, whether the recommender is there or not."""
    rows = [{"track_id": f"t{n}", "genres": ["rock"], "popularity": 9.0 * n} for n in range(9)]
    data = training_data(tiny.tracks(rows), as_of=tiny.NOW)
    parts = {model.name: model.fit(data) for model in (Content(), Popular())}
    without = Hybrid().fit(data).with_parts(parts)
    silent = Hybrid().fit(data).with_parts({**parts, "neighbours": Neighbours().fit(data)})
    assert without.recommend(_query(), 5).track_ids == silent.recommend(_query(), 5).track_ids
    assert len(without.recommend(_query(), 5)) == 5
