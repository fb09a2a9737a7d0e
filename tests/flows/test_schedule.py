"""Schedules: what is due begins once, whoever looks and whatever was missed."""

from __future__ import annotations

import shutil
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from segue.errors import BusyError, ConfigError
from segue.events.sqlite_log import SqliteLog
from segue.flows.home_parts import EVENT_LOG, EVENTS
from segue.flows.jobs import cancel_job, job, jobs, wait_for_job
from segue.flows.schedule import keep_schedules, run_due, run_now, schedules
from segue.flows.schedule_files import calendar_events, cron_lines, systemd_units
from segue.flows.wiring import Wiring
from segue.settings import load_settings
from tests.postgres_server import PASSWORD, database_of, server_of_tests
from tests.postgresql_live import gate

BERLIN: Final = ZoneInfo("Europe/Berlin")
MORNING: Final = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)  # half past six in Berlin
DAY: Final = timedelta(days=1)
DAILY: Final = {"look": {"when": "daily at 06:30", "command": ["jobs", "list"]}}
LASTS: Final = ["dev", "fake-spotify", "--port", "0"]


def _wiring(home: Path, told: dict[str, Any] | None = None) -> Wiring:
    return Wiring(load_settings(home=home, schedules=told or DAILY))


def _due(wiring: Wiring, at: datetime) -> list[str]:
    begun = [one.job_id for one in run_due(wiring, now=at, zone=BERLIN)]
    for job_id in begun:
        assert wait_for_job(wiring.settings.home, job_id, seconds=60).state == "done"
    return begun


def test_it_begins_when_it_is_due_and_once_for_all_that_was_missed(tmp_path: Path) -> None:
    wiring = _wiring(tmp_path)
    assert _due(wiring, MORNING) == [], "nobody has missed what was never there"
    assert _due(wiring, MORNING + DAY - timedelta(seconds=1)) == []
    assert len(_due(wiring, MORNING + DAY)) == 1
    wiring.events.close()
    later = _wiring(tmp_path)  # begun again, days later
    assert [one.is_due for one in schedules(later, now=MORNING + 9 * DAY, zone=BERLIN)] == [True]
    assert len(_due(later, MORNING + 9 * DAY)) == 1
    assert _due(later, MORNING + 9 * DAY) == []
    (state,) = schedules(later, now=MORNING + 9 * DAY, zone=BERLIN)
    assert (state.state, state.next) == ("done", MORNING + 10 * DAY)
    assert _due(later, MORNING) == [], "a clock that was put back"
    later.events.close()


def test_what_is_under_way_is_not_begun_again_and_stays_due(tmp_path: Path) -> None:
    wiring = _wiring(tmp_path, {"stand-in": {"when": "daily at 06:30", "command": LASTS}})
    begun = run_now(wiring, "stand-in", now=MORNING, zone=BERLIN)
    assert begun is not None
    assert run_due(wiring, now=MORNING + DAY, zone=BERLIN) == ()
    assert schedules(wiring, now=MORNING + DAY, zone=BERLIN)[0].is_due
    with pytest.raises(BusyError, match=begun.job_id):
        run_now(wiring, "stand-in", now=MORNING, zone=BERLIN)
    cancel_job(tmp_path, begun.job_id)
    again = run_due(wiring, now=MORNING + DAY, zone=BERLIN)
    assert len(again) == 1
    assert cancel_job(tmp_path, again[0].job_id).state == "cancelled"
    assert run_now(wiring, "stand-in", now=MORNING + DAY, zone=BERLIN, if_due=True) is None
    with pytest.raises(ConfigError, match="no schedule “x”"):
        run_now(wiring, "x", now=MORNING, zone=BERLIN)
    wiring.events.close()


def test_of_several_services_one_runs_them(tmp_path: Path) -> None:
    other = SqliteLog(tmp_path / EVENTS / EVENT_LOG)
    wiring, stop, clock = _wiring(tmp_path), threading.Event(), [MORNING]
    run_due(wiring, now=MORNING - DAY, zone=BERLIN)
    keeping = threading.Thread(
        target=keep_schedules,
        args=(wiring,),
        kwargs={"clock": lambda: clock[0], "zone": BERLIN, "stop": stop},
    )
    with other.consuming("schedule"):
        keeping.start()
        stop.wait(0.2)
        assert jobs(tmp_path) == ()
    stop.set()
    keeping.join()
    stop.clear()
    keeping = threading.Thread(
        target=keep_schedules,
        args=(wiring,),
        kwargs={"clock": lambda: clock[0], "zone": BERLIN, "stop": stop},
    )
    keeping.start()
    while not jobs(tmp_path):
        stop.wait(0.02)
    stop.set()
    keeping.join()
    assert wait_for_job(tmp_path, jobs(tmp_path)[0].job_id, seconds=60).state == "done"
    assert job(tmp_path, jobs(tmp_path)[0].job_id).command == ("jobs", "list")
    other.close()
    wiring.events.close()


def test_who_has_lost_the_lease_begins_nothing(tmp_path: Path) -> None:
    with gate() as way:
        address = {
            "host": "127.0.0.1",
            "port": way.port,
            "password": PASSWORD,
            "user": server_of_tests().superuser,
            "database": database_of(tmp_path),
        }
        told = {"service": {"store": "postgresql"}, "postgresql": address, "schedules": DAILY}
        wiring = Wiring(load_settings(home=tmp_path, **told))
        assert run_due(wiring, now=MORNING - DAY, zone=BERLIN) == (), "now it is known"
        with wiring.events.consuming("schedule"):
            way.shut()  # its connection is gone, and with it the lease; nobody has told it
            way.reopen()
            assert run_due(wiring, now=MORNING, zone=BERLIN) == ()
            assert jobs(tmp_path) == ()
        assert len(_due(wiring, MORNING)) == 1, "whoever comes next"
        wiring.events.close()


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"look": {"when": "daily", "command": ["status"]}}, "says no time"),
        ({"a b": {"when": "hourly", "command": ["status"]}}, "cannot be called"),
        ({"look": {"when": "hourly", "command": []}}, "command"),
        ({"look": {"when": "hourly", "command": ["--version"]}}, "list of words"),
    ],
)
def test_schedules_that_cannot_be_are_refused(
    tmp_path: Path, told: dict[str, Any], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        load_settings(home=tmp_path, schedules=told)


# --- for others to run --------------------------------------------------------------------------

_CALENDARS: Final = {
    "every 20 minutes": ("*-*-* *:0/20:00",),
    "every 2 hours": ("*-*-* 0/2:0:00",),
    "weekdays at 07:05": ("Mon,Tue,Wed,Thu,Fri *-*-* 7:5:00",),
    "30 6 1-7 * 1": ("*-*-1..7 6:30:00", "Mon *-*-* 6:30:00"),
    "30 6 */2 * 1": ("Mon *-*-1/2 6:30:00",),
}


@pytest.mark.parametrize("when", _CALENDARS)
def test_timetables_as_systemd_writes_them(when: str) -> None:
    expected = tuple(f"{line} UTC" for line in _CALENDARS[when])
    assert calendar_events(when, "UTC") == (expected, True)


@pytest.mark.parametrize("when", ["every 3 days at 06:00", "0 6 L * *", "0 6 * * sun#1"])
def test_what_they_cannot_say_is_looked_at_often(tmp_path: Path, when: str) -> None:
    wiring = _wiring(tmp_path, {"odd": {"when": when, "command": ["status"]}})
    found = schedules(wiring, now=MORNING, zone=BERLIN)
    wiring.events.close()
    assert not calendar_events(when, "UTC")[1]
    units = systemd_units(found, segue=["segue"], home=tmp_path, zone="UTC")
    assert "--if-due" in units["segue-odd.service"]
    lines = cron_lines(found, segue=["segue"], home=Path("/a b%"), zone="Europe/Berlin")
    assert lines[0] == "CRON_TZ=Europe/Berlin"
    assert lines[1].endswith(
        r"segue --quiet --home '/a b\%' schedule run odd --wait --if-due >/dev/null"
    )
    assert lines[2].startswith("@reboot segue")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    home = tmp_path / "a home, 100% $mine"
    wiring = _wiring(
        home,
        DAILY | {"odd": {"when": "30 6 1-7 * 1", "command": ["status"]}},
    )
    found = schedules(wiring, now=MORNING, zone=BERLIN)
    wiring.events.close()
    units = systemd_units(found, segue=["/bin/true", "-x"], home=home, zone=BERLIN.key)
    assert len(units) == 4
    for name, content in units.items():
        (tmp_path / name).write_text(content)
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in units)],
        capture_output=True,
        text=True,
    )
    about_ours = [line for line in done.stderr.splitlines() if "segue-" in line]
    assert (done.returncode, about_ours) == (0, []), done.stderr
