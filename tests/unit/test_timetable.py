"""When something is due, as people write it, also where clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import ConfigError
from segue.jobs.timetable import timetable

BERLIN: Final = ZoneInfo("Europe/Berlin")
NOW: Final = datetime(2026, 11, 21, 13, 30, 30, tzinfo=UTC)  # a Saturday
READABLE: Final = {
    "hourly": ("0 * * * *", "2026-11-21 14:00", "2026-11-21 15:00"),
    "every 20 minutes": ("*/20 * * * *", "2026-11-21 14:20", "2026-11-21 14:40"),
    "Daily at 06:30": ("30 6 * * *", "2026-11-21 06:30", "2026-11-22 06:30"),
    "monday at 6:00": ("0 6 * * 1", "2026-11-16 06:00", "2026-11-23 06:00"),
    "mondays and fri at 07:15": ("15 7 * * 1,5", "2026-11-20 07:15", "2026-11-23 07:15"),
    "every sunday at 20:00": ("0 20 * * 0", "2026-11-15 20:00", "2026-11-22 20:00"),
    "weekdays at 07:00": ("0 7 * * 1-5", "2026-11-20 07:00", "2026-11-23 07:00"),
    "every 2 hours": ("0 */2 * * *", "2026-11-21 14:00", "2026-11-21 16:00"),
    "every 3 days at 06:00": ("0 6 * * *", "2026-11-21 06:00", "2026-11-24 06:00"),
    "30 6 1 * *": ("30 6 1 * *", "2026-11-01 06:30", "2026-12-01 06:30"),
}


def _berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize("text", READABLE)
def test_it_reads_what_people_write(text: str) -> None:
    cron, last, following = READABLE[text]
    found = timetable(text)
    assert found.cron == cron
    assert found.last_until(NOW, BERLIN) == _berlin(last)
    assert found.next_after(NOW, BERLIN) == _berlin(following)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "every 7 minutes",
        "every 0 days",
        "daily at 25:00",
        "doomsday at 06:00",
        "0 0 31 4 *",
        "* * * * * *",
        "61 * * * *",
    ],
)
def test_it_refuses_what_says_no_time(text: str) -> None:
    with pytest.raises(ConfigError, match="says no time"):
        timetable(text)


def test_where_clocks_go_forward_it_comes_at_the_next_minute_there_is() -> None:
    daily = timetable("daily at 02:30")
    gap = datetime(2026, 3, 29, 1, tzinfo=UTC)  # 2 o'clock becomes 3 o'clock
    assert daily.next_after(gap - timedelta(seconds=1), BERLIN) == gap
    assert daily.last_until(gap, BERLIN) == gap
    assert daily.next_after(gap, BERLIN) == _berlin("2026-03-30 02:30")


def test_where_clocks_go_back_it_comes_once() -> None:
    daily, first = timetable("daily at 02:30"), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert daily.next_after(first - timedelta(seconds=1), BERLIN) == first
    for minutes in (1, 30, 59, 60, 61, 90):
        when = first + timedelta(minutes=minutes)
        assert daily.last_until(when, BERLIN) == first, minutes
        assert daily.next_after(when, BERLIN) == _berlin("2026-10-26 02:30"), minutes
    hours = timetable("hourly")
    assert hours.next_after(first, BERLIN) == first + timedelta(minutes=30)
    assert hours.next_after(first + timedelta(hours=1), BERLIN) - first == timedelta(minutes=90)


@given(
    when=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    text=st.sampled_from(sorted(READABLE)),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_the_next_after_the_last_is_the_next(when: datetime, text: str, zone: str) -> None:
    found, clocks = timetable(text), ZoneInfo(zone)
    last, following = found.last_until(when, clocks), found.next_after(when, clocks)
    assert last <= when < following
    assert found.next_after(last, clocks) == following
    assert found.last_until(following, clocks) == following
