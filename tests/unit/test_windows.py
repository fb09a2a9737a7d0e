"""What a window means: in days of the listener's calendar, clocks that change included."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from segue.analytics.periods import name_of, period_for, period_of_mixes
from segue.analytics.windows import Span, Window, Wish, months_later, window_of, zone_of
from segue.errors import ConfigError

FIRST = datetime(2022, 3, 5, 9, tzinfo=UTC)
LAST = datetime(2024, 5, 20, 21, tzinfo=UTC)


def _window(zone: str = "UTC", **wish: Any) -> Window:
    return window_of(Wish(**wish), zone_of(zone), first=FIRST, last=LAST)


def _days(span: Span | None) -> tuple[str, str] | None:
    return None if span is None else (f"{span.since:%Y-%m-%d}", f"{span.until:%Y-%m-%d}")


@pytest.mark.parametrize(
    ("wish", "span", "before", "label"),
    [
        ({}, ("2022-03-05", "2024-05-21"), None, "all time"),
        ({"year": 2023}, ("2023-01-01", "2024-01-01"), ("2022-01-01", "2023-01-01"), "2023"),
        (
            {"month": "2024-03"},
            ("2024-03-01", "2024-04-01"),
            ("2024-02-01", "2024-03-01"),
            "March 2024",
        ),
        (
            {"last": "30d"},
            ("2024-04-21", "2024-05-21"),
            ("2024-03-22", "2024-04-21"),
            "30 days to 20 May 2024",
        ),
        (
            {"last": "1w"},
            ("2024-05-14", "2024-05-21"),
            ("2024-05-07", "2024-05-14"),
            "1 week to 20 May 2024",
        ),
        (
            {"last": "12 months"},
            ("2023-05-21", "2024-05-21"),
            ("2022-05-21", "2023-05-21"),
            "12 months to 20 May 2024",
        ),
        (
            {"last": "1y", "until": "2023"},
            ("2023-01-01", "2024-01-01"),
            ("2022-01-01", "2023-01-01"),
            "1 year to 31 Dec 2023",
        ),
        (
            {"since": "2024-05-01", "until": "2024-05-10"},
            ("2024-05-01", "2024-05-11"),
            ("2024-04-21", "2024-05-01"),
            "1 May 2024 – 10 May 2024",
        ),
        (
            {"since": "2024-05"},
            ("2024-05-01", "2024-05-21"),
            ("2024-04-11", "2024-05-01"),
            "1 May 2024 – 20 May 2024",
        ),
        ({"until": "2023-06"}, ("2022-03-05", "2023-07-01"), None, "up to 30 Jun 2023"),
    ],
)
def test_words_become_days(
    wish: dict[str, Any],
    span: tuple[str, str],
    before: tuple[str, str] | None,
    label: str,
) -> None:
    found = _window(**wish)
    assert (_days(found.span), _days(found.before), found.label) == (span, before, label)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"last": "5x"}, "--last 5x"),
        ({"last": "0d"}, "--last 0d"),
        ({"last": "99999y"}, "too far back"),
        ({"since": "yesterday"}, "--since yesterday"),
        ({"since": "2024-13"}, "--since 2024-13"),
        ({"month": "2024"}, "--month 2024"),
        ({"year": 20245}, "--year 20245"),
        ({"since": "2024-05-01", "until": "2024-04-01"}, "before it begins"),
        ({"since": "2025"}, "before it begins"),
        ({"year": 2024, "last": "1y"}, "--year and --last name two windows"),
        ({"month": "2024-05", "until": "2024-06"}, "--month and --until"),
        ({"since": "2024", "last": "1y"}, "--last and --since"),
    ],
)
def test_what_cannot_be_meant_is_said(wish: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        _window(**wish)
    assert said in refused.value.message


def test_days_are_those_of_the_listeners_clock() -> None:
    found = _window("America/New_York", month="2024-03").span
    assert found.since.astimezone(UTC) == datetime(2024, 3, 1, 5, tzinfo=UTC)
    assert found.until.astimezone(UTC) == datetime(2024, 4, 1, 4, tzinfo=UTC)  # summer time
    # the last play was on the 21st in Auckland
    assert _days(_window("Pacific/Auckland").span) == ("2022-03-05", "2024-05-22")


def test_a_zone_that_is_none_is_refused() -> None:
    for name in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(ConfigError, match="no time zone"):
            zone_of(name)


@given(days=some.integers(1, 400), zone=some.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]))
def test_the_window_before_ends_where_the_window_begins(days: int, zone: str) -> None:
    found = _window(zone, last=f"{days}d")
    assert found.before is not None
    assert found.before.until == found.span.since
    assert (found.span.until.date() - found.span.since.date()).days == days
    assert (found.before.until.date() - found.before.since.date()).days == days


def test_months_end_where_there_is_no_such_day() -> None:
    assert months_later(date(2024, 3, 31), -1) == date(2024, 2, 29)
    assert months_later(date(2024, 11, 30), 3) == date(2025, 2, 28)


def test_periods_are_never_too_many() -> None:
    for days in (1, 45, 46, 200, 1500, 1501, 3700, 9000):
        span = Span(FIRST, FIRST + timedelta(days=days))
        every = period_for(span)
        length = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}[every]
        assert days / length <= 51
        assert period_of_mixes(span) != "day"
    assert name_of(date(2024, 7, 1), "quarter") == "Q3 2024"
    assert name_of(date(2024, 7, 1), "month") == "Jul 2024"
    assert name_of(date(2024, 7, 1), "year") == "2024"
