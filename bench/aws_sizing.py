"""What Segue on AWS needs and costs for so many users: arithmetic whose numbers have names."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["HABITS", "LIVE", "MEASURED", "PRICES", "Bill", "Habits", "Measured", "Prices"]
__all__ += ["Sizing", "bill", "sized"]

_MONTH_H = 730
_MONTH_S = _MONTH_H * 3600
_GB = 1e9


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars, for us-east-1, without free tiers or discounts.

    As the price pages had them in 2025; written down from memory and not compared with a bill.
    Change them before you rely on a sum.
    """

    gateway_million: float = 3.50  # requests of a REST API, first 333 million a month
    gateway_million_beyond: float = 2.80  # the next 667 million
    kinesis_shard_h: float = 0.015
    kinesis_kept_shard_h: float = 0.020  # 24 hours to 7 days
    kinesis_million_puts: float = 0.014  # of 25 kB
    lambda_million: float = 0.20
    lambda_gb_s: float = 0.0000133334  # arm64
    dynamo_million_writes: float = 0.625  # units on demand
    dynamo_million_reads: float = 0.125
    dynamo_gb_month: float = 0.25
    dynamo_backup_gb_month: float = 0.20  # point-in-time recovery
    firehose_gb: float = 0.029  # each record counts as 5 kB at least
    firehose_convert_gb: float = 0.018
    s3_gb_month: float = 0.023
    logs_gb: float = 0.50
    alarm_month: float = 0.10
    dashboard_month: float = 3.00


@dataclass(frozen=True, slots=True)
class Habits:
    """What users do; all guesses."""

    plays_a_day: float = 30.0
    days_of_listening: float = 15.2  # of a month
    track_s: float = 210.0
    events_a_play: float = 2.0
    events_a_request: float = 10.0
    asked_a_day: float = 3.0  # lists of recommendations
    evening: float = 4.0  # the busiest hour, over the average


@dataclass(frozen=True, slots=True)
class Measured:
    """What `python -m bench aws` measures, and sizes of things.

    Milliseconds are those of a whole processor, which Lambda gives with 1,769 MB.
    """

    event_bytes: float = 300.0
    parquet_bytes: float = 60.0  # an event
    profile_kb: float = 16.6  # compressed, of 1,000 tracks
    kept_events: float = 900.0  # beside a profile
    profiles_cpu_ms: float = 7.3  # a user's events in a batch
    profiles_trips: float = 3.0  # to DynamoDB, one after another
    trip_ms: float = 5.0  # a guess: DynamoDB inside a region
    hot_cpu_ms: float = 1.3  # a request to Personalize, with its events
    hot_trip_ms: float = 20.0  # a guess
    serve_cpu_ms: float = 60.0  # a list that is made
    profiles_mb: float = 512.0
    hot_mb: float = 256.0
    serve_mb: float = 3_008.0


PRICES, HABITS, MEASURED = Prices(), Habits(), Measured()
LIVE = Habits(events_a_request=2.0)
"""Players that tell the end of a track together with the beginning of the next, at once."""

_FULL_MB = 1_769.0
_SHARD_EVENTS = 1_000.0
_SHARD_BYTES = 1e6
_SHARE = 0.8
"""Of a shard: users do not spread evenly."""


@dataclass(frozen=True, slots=True)
class Sizing:
    """What a rate of events needs.

    Args:
        events, asked: A second.
        shards: Of the stream.
        parallel: Batches of a shard at once (1 … 10) that the profiles function needs.
        profiles, hot, serve: Functions at once.
        writes, reads: DynamoDB's units a second.
        requests: Of the API a second, events and recommendations.
    """

    events: float
    asked: float
    shards: int
    parallel: int
    profiles: int
    hot: int
    serve: int
    writes: float
    reads: float
    requests: float


def sized(
    events: float,
    asked: float,
    *,
    habits: Habits = HABITS,
    measured: Measured = MEASURED,
) -> Sizing:
    """What so many events and questions a second need.

    Events of one request are of one user, and so are taken together.
    """
    m, together = measured, habits.events_a_request
    by_rate = events / _SHARD_EVENTS
    by_bytes = events * m.event_bytes / _SHARD_BYTES
    shards = max(1, math.ceil(max(by_rate, by_bytes) / _SHARE))
    groups = events / together
    busy = groups * profiles_s(m)
    parallel = min(10, max(1, math.ceil(busy / shards)))
    writes, reads = units(m, together)
    return Sizing(
        events,
        asked,
        max(shards, math.ceil(busy / 10)),
        parallel,
        math.ceil(busy),
        math.ceil(groups * (m.hot_cpu_ms * _FULL_MB / m.hot_mb + m.hot_trip_ms) / 1e3),
        math.ceil(asked * (m.serve_cpu_ms + 2 * m.trip_ms) / 1e3),
        groups * writes,
        groups * reads + asked * (m.profile_kb / 4 + m.kept_events * m.event_bytes / 4_000),
        events / habits.events_a_request + asked,
    )


def profiles_s(m: Measured) -> float:
    """Seconds for one user's events: the processor's share, and trips to DynamoDB."""
    processor = m.profiles_cpu_ms * max(1.0, _FULL_MB / m.profiles_mb)
    return (processor + m.profiles_trips * m.trip_ms) / 1e3


def units(m: Measured, together: float) -> tuple[float, float]:
    """DynamoDB's write and read units for one user's events: a transaction counts twice.

    One read more is for the mark of who was forgotten.
    """
    writes = 2 * (math.ceil(m.profile_kb) + together * math.ceil(m.event_bytes / 1_000))
    reads = math.ceil(m.profile_kb / 4) + together + 1
    return writes, reads


@dataclass(frozen=True, slots=True)
class Bill:
    """Dollars a month, by part."""

    parts: dict[str, float]

    @property
    def total(self) -> float:
        """All of them."""
        return sum(self.parts.values())


def bill(
    events: float,
    asked: float,
    users: float,
    sizing: Sizing,
    *,
    prices: Prices = PRICES,
    habits: Habits = HABITS,
    measured: Measured = MEASURED,
) -> Bill:
    """What a month costs.

    Args:
        events, asked: On average, a second.
        users: Whose profiles are kept.
        sizing: Of the busiest hour: shards are paid for all day.
    """
    p, m, together = prices, measured, habits.events_a_request
    n_events, n_asked = events * _MONTH_S, asked * _MONTH_S
    groups = n_events / together
    requests = n_events / habits.events_a_request + n_asked
    first = min(requests, 333e6)
    batches = max(min(events, sizing.shards), events / 500) * _MONTH_S
    kept_gb = users * (m.profile_kb * 1e3 + m.kept_events * m.event_bytes) / _GB
    writes, reads = units(m, together)
    firehose_gb = n_events * 5_000 / _GB
    asked_reads = m.profile_kb / 4 + m.kept_events * m.event_bytes / 4_000
    hot_s = m.hot_cpu_ms * _FULL_MB / m.hot_mb / 1e3 + m.hot_trip_ms / 1e3
    gb_s = (
        groups * profiles_s(m) * m.profiles_mb
        + groups * hot_s * m.hot_mb
        + n_asked * (m.serve_cpu_ms + 2 * m.trip_ms) / 1e3 * m.serve_mb
    ) / 1_024
    return Bill(
        {
            "API Gateway": first / 1e6 * p.gateway_million
            + (requests - first) / 1e6 * p.gateway_million_beyond,
            "Kinesis": sizing.shards * _MONTH_H * (p.kinesis_shard_h + p.kinesis_kept_shard_h)
            + n_events / 1e6 * p.kinesis_million_puts,
            "Lambda": (2 * batches + n_asked) / 1e6 * p.lambda_million + gb_s * p.lambda_gb_s,
            "DynamoDB": groups * writes / 1e6 * p.dynamo_million_writes
            + (groups * reads + n_asked * asked_reads) / 1e6 * p.dynamo_million_reads
            + kept_gb * (p.dynamo_gb_month + p.dynamo_backup_gb_month),
            "Firehose": firehose_gb * p.firehose_gb
            + n_events * m.event_bytes / _GB * p.firehose_convert_gb,
            "S3": n_events * m.parquet_bytes / _GB * p.s3_gb_month,
            "Watching": 20 * p.alarm_month + p.dashboard_month + requests * 250 / _GB * p.logs_gb,
        }
    )
