"""Past weeks as questions: what is asked, what is known by then, who helps out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa

from segue.features.catalogue import Catalogue
from segue.features.from_marts import training_data
from segue.features.lessons import Lesson
from segue.flows.lessons import School, school
from segue.music import columns as c
from tests.tiny import NOW, days_ago, mart, plays, tracks

IDS = [f"t{i:02}" for i in range(10)]
CATALOGUE = Catalogue(tracks({"track_id": t} for t in IDS))
WEEK = timedelta(days=7)


def _plays(days: int = 300, user: str = "me") -> pa.Table:
    """A track a day, in turn."""
    return plays((user, IDS[day % 10], days_ago(day + 1)) for day in range(days))


def _school(table: pa.Table, as_of: datetime = NOW, **changes: pa.Table) -> School:
    data = training_data(CATALOGUE.tracks, table, training_sources=("spotify_export",), as_of=as_of)
    return school(data.histories, CATALOGUE, as_of=as_of, **changes)


def _latest(lesson: Lesson) -> datetime:
    at: datetime = lesson.query.history[c.PLAYED_AT][-1].as_py()
    return at


def test_every_week_of_the_last_quarter_is_a_question() -> None:
    past = _school(_plays())
    assert len(past.lessons) == 299 // 4 // 7
    assert past.cut == days_ago(1) - len(past.lessons) * WEEK
    for week, lesson in enumerate(past.lessons):
        assert lesson.query.now == past.cut + week * WEEK
        assert _latest(lesson) <= lesson.query.now
        assert len(lesson.rows) == 7  # a different track every day
        assert lesson.finished.all()
        assert lesson.own


def test_plays_after_the_moment_and_of_other_sources_change_nothing() -> None:
    later = plays([("me", IDS[0], NOW + WEEK)])
    forbidden = plays([("me", IDS[1], days_ago(2.5))], source="spotify_api")
    with_them, without = _school(pa.concat_tables([_plays(), later, forbidden])), _school(_plays())
    assert [lesson.query.now for lesson in with_them.lessons] == [
        lesson.query.now for lesson in without.lessons
    ]
    for one, other in zip(with_them.lessons, without.lessons, strict=True):
        assert one.rows.tolist() == other.rows.tolist()
        assert one.query.history.equals(other.query.history)


def test_skips_are_no_answers() -> None:
    skipped = plays([("me", IDS[9], days_ago(3.5))], counted=False, skipped=True, finished=False)
    table = pa.concat_tables([_plays(), skipped]).sort_by(c.PLAYED_AT)
    last = _school(table).lessons[-1]
    assert last.rows.tolist() == _school(_plays()).lessons[-1].rows.tolist()


def test_a_short_or_empty_history_has_no_lessons() -> None:
    assert _school(_plays(10)).lessons == ()
    assert _school(_plays(0)).lessons == ()


def test_listeners_of_a_crowd_help_where_there_are_few_weeks() -> None:
    rows = [
        {
            "crowd": "c",
            "listener_id": f"l{person}",
            "session_id": f"s{person}-{day}",
            "position": 0,
            "track_id": IDS[(day + person) % 10],
            "played_at": days_ago(day + 1) if person else None,  # nobody knows when the first did
        }
        for person in range(4)
        for day in range(200)
    ]
    past = _school(_plays(), crowd_sessions=mart("crowd_sessions", rows))
    helpers = [lesson for lesson in past.lessons if not lesson.own]
    assert {lesson.query.user_id for lesson in helpers} == {
        "crowd:c:l1",
        "crowd:c:l2",
        "crowd:c:l3",
    }
    for lesson in helpers:
        assert past.cut <= lesson.query.now
        assert _latest(lesson) <= lesson.query.now
        assert len(lesson.rows) == 7
    assert [lesson.query.now for lesson in past.lessons] == sorted(
        lesson.query.now for lesson in past.lessons
    )
