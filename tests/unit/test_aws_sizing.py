"""What AWS needs and costs: the arithmetic, and that the documentation tells what it comes to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bench.aws_simulation import costs, needs, spread
from bench.aws_sizing import HABITS, LIVE, MEASURED, PRICES, bill, sized

DOCS = Path(__file__).parents[2] / "docs/aws.md"


def test_the_documentation_tells_what_the_arithmetic_comes_to() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for line in [*costs(), *needs()]:
        assert line in text, "python -m bench aws_simulation writes it anew"


def test_shards_follow_the_events_or_their_bytes() -> None:
    slow = replace(MEASURED, profiles_cpu_ms=0.0, profiles_trips=0.0)
    assert sized(10, 0, measured=slow).shards == 1
    assert sized(800, 0, measured=slow).shards == 1
    assert sized(801, 0, measured=slow).shards == 2
    assert sized(800, 0, measured=replace(slow, event_bytes=2_000)).shards == 2


def test_a_function_that_cannot_keep_up_is_given_more_shards() -> None:
    slow = replace(MEASURED, profiles_cpu_ms=0.0, profiles_trips=40.0, trip_ms=5.0)  # 0.2 s a user
    found = sized(500, 0, habits=LIVE, measured=slow)
    assert (found.profiles, found.shards, found.parallel) == (50, 5, 10)


def test_a_month_is_the_sum_of_its_parts() -> None:
    sizing = sized(10, 1)
    found = bill(10, 1, 1_000, sizing)
    assert found.total == pytest.approx(sum(found.parts.values()))
    dear = bill(10, 1, 1_000, sizing, prices=replace(PRICES, kinesis_shard_h=1.015))
    assert dear.parts["Kinesis"] - found.parts["Kinesis"] == pytest.approx(730)
    assert bill(20, 1, 1_000, sizing).parts["DynamoDB"] > found.parts["DynamoDB"]


def test_users_spread_over_shards_as_their_names_hash() -> None:
    found = spread(20_000, 4, seed=1)
    a_second = 20_000 / HABITS.track_s * HABITS.events_a_play
    assert found.mean == pytest.approx(a_second, rel=0.1)
    assert a_second / 4 < found.busiest < 2.5 * a_second / 4
    assert found.above == 0.0
    assert spread(20_000, 4, seed=1) == found
    assert spread(500_000, 1).above > 0.9
