"""Forgotten favourites: often then, not since; and the facts told about them."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from segue.features.from_marts import training_data
from segue.music.candidates import Candidates
from segue.music.query import Mix, Query
from segue.recommenders.rediscover import Rediscover
from tests.tiny import NOW, days_ago, history, tracks

TRACKS = tracks({"track_id": track} for track in ("fan", "fresh", "loved", "once", "skipped"))


def _ask(table: pa.Table, mix: Mix = "rediscover", k: int = 10) -> Candidates:
    model = Rediscover().fit(training_data(TRACKS, as_of=NOW))
    return model.recommend(Query("me", NOW, mix=mix, history=table), k)


def _life() -> pa.Table:
    march = [("loved", datetime(2023, 3, day, 20, tzinfo=UTC)) for day in range(1, 13)]
    april = [("loved", datetime(2023, 4, 2, 20, tzinfo=UTC))]
    rows = [*march, *april, ("once", days_ago(300))]
    rows += [("fresh", days_ago(day)) for day in (1, 2, 3, 5, 8, 13, 400, 401, 402)]
    liked = history(rows)
    skips = history(
        [("skipped", days_ago(200 + day)) for day in range(9)],
        counted=False,
        finished=False,
        skipped=True,
    )
    return pa.concat_tables([skips, liked]).sort_by("played_at")


def test_the_forgotten_favourite_is_found_and_nothing_else() -> None:
    assert _ask(_life()).track_ids == ("loved",)


def test_its_facts_are_exact() -> None:
    ((fact,),) = _ask(_life()).evidence
    assert (fact.kind, fact.plays, fact.finishes, fact.skips) == ("rediscovered", 13, 13, 0)
    assert fact.month == datetime(2023, 3, 1, tzinfo=UTC)
    assert fact.last_at == datetime(2023, 4, 2, 20, tzinfo=UTC)
    assert fact.days == (NOW - datetime(2023, 4, 2, 20, tzinfo=UTC)).days


def test_daily_puts_favourites_of_these_days_beside_forgotten_ones() -> None:
    answer = _ask(_life(), mix="daily")
    facts = dict(zip(answer.track_ids, answer.evidence, strict=True))
    assert set(facts) == {"fresh", "loved"}
    assert facts["loved"][0].kind == "rediscovered"
    (fresh,) = facts["fresh"]
    assert (fresh.kind, fresh.plays, fresh.days) == ("favourite", 6, 30)
    assert fresh.last_at == days_ago(1)


def test_a_skip_yesterday_means_it_is_not_forgotten() -> None:
    skip = history([("loved", days_ago(1))], counted=False, finished=False, skipped=True)
    assert not len(_ask(pa.concat_tables([_life(), skip])))


def test_more_plays_then_means_higher_now() -> None:
    rows = [("fan", days_ago(200 + day)) for day in range(30)]
    rows += [("loved", days_ago(200 + day)) for day in range(0, 30, 6)]
    assert _ask(history(rows)).track_ids == ("fan", "loved")


def test_a_young_history_has_a_shorter_gap() -> None:
    rows = [("loved", days_ago(30 - day / 4)) for day in range(8)]
    rows += [("fresh", days_ago(day)) for day in range(4)]
    assert _ask(history(rows)).track_ids == ("loved",)


def test_three_plays_in_all_are_no_error() -> None:
    table = history([("once", days_ago(3)), ("loved", days_ago(2)), ("fan", days_ago(1))])
    assert _ask(table, mix="daily").track_ids == ()


def test_an_old_export_still_has_favourites() -> None:
    rows = [("fan", days_ago(900 + day)) for day in range(9)]
    answer = _ask(history(rows), mix="daily")
    assert answer.track_ids == ("fan",)
