"""`segue worker`: events are taken and schedules run, with nobody to answer."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg

from segue.flows.event_consumers import CONSUMERS
from segue.flows.jobs import jobs, wait_for_job
from segue.flows.wiring import Wiring
from segue.music.event import Event
from segue.settings import load_settings
from tests.doors.home import Home
from tests.postgres_server import database_of, server_of_tests
from tests.postgresql_live import postgresql_log

_LONGEST_S: Final = 30.0


def test_a_worker_takes_events_and_ends_quietly(home: Home) -> None:
    home("migrate").ok()
    log = Wiring(load_settings(home=home.folder)).open_events(home.folder)
    moment = datetime.now(UTC) - timedelta(minutes=1)
    log.append([Event("e1", "ann", "t1", "like", moment)], datetime.now(UTC)).result()
    alive = home.folder / "alive"

    def known(schedule: str) -> bool:
        return log.state("schedule", schedule) is not None

    worker = home.start("worker", "--alive", alive)
    try:
        _until(lambda: log.cursor(CONSUMERS[0]) == log.last())
        _until(lambda: all(map(known, ("schedule\x1fcollect", "schedule\x1fupdate"))))
        assert time.time() - alive.stat().st_mtime < 60
        worker.send(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
    finally:
        worker.kill()
        log.close()


def test_a_file_that_cannot_be_touched_ends_it_in_words(home: Home) -> None:
    home("worker", "--alive", "/nowhere/alive").refused("/nowhere/alive cannot be written")


def test_of_two_on_two_hosts_one_runs_the_schedules_and_the_other_takes_over(
    tmp_path: Path,
) -> None:
    homes = [Home(_host(tmp_path, name)) for name in ("one", "two")]
    log = postgresql_log(tmp_path)
    workers = {}

    def begun() -> list[Path]:
        return [home.folder for home in homes for _ in jobs(home.folder)]

    def let_it_be_due() -> None:
        last = {"at": (datetime.now(UTC) - timedelta(days=2)).isoformat(), "job": ""}
        log.advance("schedule", 0, state={"schedule\x1flook": json.dumps(last).encode()})

    try:
        let_it_be_due()
        for home in homes:
            alive = home.folder / "alive"
            workers[home.folder] = home.start("worker", "--alive", alive)
            _until(alive.exists)
        _until(lambda: len(begun()) == 1)
        (leader,) = begun()
        workers[leader].kill()
        workers.pop(leader).wait(timeout=30)
        let_it_be_due()
        _until(lambda: len(begun()) == 2)
        assert begun().count(leader) == 1, "the other one has begun it"
        (other,) = workers
        assert wait_for_job(other, jobs(other)[0].job_id, seconds=30).state == "done"
    finally:
        for worker in workers.values():
            worker.kill()
            worker.wait(timeout=30)
        log.close()


def test_a_migration_that_is_killed_in_the_middle_is_done_by_the_next(tmp_path: Path) -> None:
    home = Home(_host(tmp_path, "one"))
    url = server_of_tests().url(database_of(tmp_path))
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(
            "create function slow() returns event_trigger language plpgsql as"
            " $$ begin perform pg_sleep(2); end $$"
        )
        server.execute(
            "create event trigger slow on ddl_command_end when tag in ('CREATE INDEX')"
            " execute function slow()"
        )
        asleep = (
            "select from pg_stat_activity"
            " where wait_event = 'PgSleep' and datname = current_database()"
        )
        migrating = home.start("migrate")
        _until(lambda: server.execute(asleep).rowcount == 1)  # tables are made, an index is not
        migrating.kill()
        assert migrating.wait(timeout=30) < 0
        server.execute("drop event trigger slow")
        home("migrate").ok()
        done = server.execute("select part, number from live.migrations order by 1, 2").fetchall()
        assert len(done) == len(set(done)) >= 2
    log = postgresql_log(tmp_path)
    moment = datetime.now(UTC)
    told = log.append([Event("e1", "ann", "t1", "like", moment)], moment)
    assert told.result() == ("accepted",)
    log.close()


def _host(folder: Path, name: str) -> Path:
    home = folder / name
    home.mkdir(mode=0o700)
    url = server_of_tests().url(database_of(folder))
    home.joinpath("segue.toml").write_text(
        f'[service]\nstore = "postgresql"\nurl = "{url}"\n'
        '[schedules.look]\nwhen = "daily at 06:30"\ncommand = ["jobs", "list"]\n'
    )
    return home


def _until(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + _LONGEST_S
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.05)
