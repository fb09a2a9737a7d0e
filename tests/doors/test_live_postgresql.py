"""A home whose live service keeps its events and keys on a PostgreSQL server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from segue.access.sqlite_keys import SqliteKeys
from segue.errors import ConfigError, StorageError
from segue.events.base import Parked
from segue.events.consumer import Consumer
from segue.events.postgresql_log import PostgreSQLLog
from segue.events.profile_keeper import ProfileKeeper, profile_of
from segue.events.sqlite_log import SqliteLog
from segue.flows.consume import consume
from segue.flows.copy_events import copy_events
from segue.flows.keys import create_key
from segue.flows.lake_writer import LakeWriter
from segue.flows.wiring import Wiring
from segue.music.event import Event
from segue.progress import Silent
from segue.settings import load_settings
from segue.warehouse.lake import Lake
from tests.doors.home import Home
from tests.postgres_server import PASSWORD, database_of, server_of_tests
from tests.postgresql_live import postgresql_log

AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home, whose settings say where the server is."""
    server = server_of_tests()
    url = server.url(database_of(tmp_path))
    made = Home(tmp_path / "home")
    made.folder.mkdir()
    (made.folder / "segue.toml").write_text(f'[service]\nstore = "postgresql"\nurl = "{url}"\n')
    return made


@pytest.fixture
def log(home: Home, tmp_path: Path) -> Iterator[PostgreSQLLog]:
    opened = postgresql_log(tmp_path)
    yield opened
    opened.close()


def _fill(log: PostgreSQLLog, user: str, events: int = 3) -> None:
    found = [
        Event(f"e{n}", user, f"name:Band\x1fSong {n}", "complete", AT + timedelta(minutes=5 * n))
        for n in range(events)
    ]
    log.append(found, AT).result(20)


def test_events_are_taken_from_the_server(home: Home, log: PostgreSQLLog) -> None:
    _fill(log, "ann")
    waiting = home("events", "status", "--json").ok().json
    assert [one["behind"] for one in waiting["consumers"]] == [3, 3]
    home("events", "take").ok()
    assert profile_of(log, "ann").finishes == 3
    before = log.state("profiles", "ann")
    home("events", "rebuild", "profiles").ok()
    assert log.state("profiles", "ann") == before
    assert home("lake", "status", "--json").ok().json["rows"] == 3
    log.advance("profiles", 3, parked=[Parked(1, "KeyError: odd", AT)])
    assert "KeyError: odd" in home("events", "parked").ok().out
    assert "1 event taken" in home("events", "retry").ok().out
    assert not (home.folder / "events").exists()


def test_keys_are_kept_on_the_server(home: Home) -> None:
    key = home("keys", "create", "web", "--json").ok().json
    assert home("keys", "list", "--json").ok().json[0]["key_id"] == key["key_id"]
    home("keys", "revoke", key["key_id"]).ok()
    assert not (home.folder / "access").exists()


def test_who_is_forgotten_is_gone_from_the_server(home: Home, log: PostgreSQLLog) -> None:
    _fill(log, "ann")
    _fill(log, "bob")
    home("keys", "create", "hers", "--user", "ann").ok()
    home("keys", "create", "his", "--user", "bob").ok()
    home("events", "take").ok()
    shown = home("forget", "--user", "ann", "--dry-run").ok().out
    assert "all events of the user" in shown
    assert "1  API keys" in shown
    seen = log.cursor("forgotten")
    told = home("forget", "--user", "ann", "--yes", "--json").ok().json
    assert (told["events"], told["keys"]) == (True, 1)
    assert log.cursor("forgotten") > seen, "services that run elsewhere are told"
    assert {one.event.user_id for one in log.read(0)} == {"bob"}
    assert log.state("profiles", "ann") is None
    assert [key["label"] for key in home("keys", "list", "--json").ok().json] == ["his"]
    home("forget", "--user", "ann", "--yes").refused("no user")


def test_a_backup_says_what_is_not_in_it(home: Home, log: PostgreSQLLog, tmp_path: Path) -> None:
    _fill(log, "ann")
    home("events", "take").ok()
    file = tmp_path / "backup.tar"
    assert "Not in it: events, profiles and API keys" in home("backup", file).ok().out
    assert home("backup", file, "--json").ok().json["not_in_it"] == ["events", "API keys"]
    command, environment = home.command("backup", "-"), home.environment()
    piped = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert b"pg_dump" in piped.stderr
    restored = home("restore", file, "--replace").ok().out
    assert "they are as they were" in restored
    assert len(log.read(0)) == 3


def test_a_server_that_is_not_there_is_said(home: Home, tmp_path: Path) -> None:
    url = f"postgresql://ann:{'hush'}@127.0.0.1:1/segue"
    away = {"SEGUE_SERVICE__URL": url}
    said = home("events", "status", **away).refused("127.0.0.1:1", "database segue as ann")
    assert "hush" not in said.out + said.err
    home("forget", "--user", "ann", "--yes", **away).refused("127.0.0.1:1")
    home("backup", tmp_path / "b.tar", **away).ok()
    wrong = home("events", "status", SEGUE_SERVICE__URL="postgresql://a:hush@b?odd=1")
    wrong.refused("service.url", code=2)
    assert "hush" not in wrong.out + wrong.err


def test_a_service_moves_to_the_server(home: Home, log: PostgreSQLLog) -> None:
    old = SqliteLog(home.folder / "events" / "events.sqlite")
    for number in range(6):  # each received at a time of its own; some are gone
        at = AT + timedelta(hours=number)
        said = [
            Event(f"e{number}", user, f"name:Band\x1fSong {number}", "play", at)
            for user in ("ann", "gone")
        ]
        old.append(said, at).result()
    old.forget("gone")
    lake = Lake(home.folder / "lake", threads=1)
    following: tuple[Consumer, ...] = (ProfileKeeper(), LakeWriter(lake))
    for consumer in following:
        consume(old, consumer, now=AT)
    old.advance("lake", old.cursor("lake"), parked=[Parked(5, "KeyError: odd", AT)])
    old.append([Event("late", "ann", "t1", "like", AT, context={"ü": 1})], AT).result()
    keys = SqliteKeys(home.folder / "access" / "keys.sqlite")
    key, _ = create_key(keys, "web", ["ingest"], now=AT, user_id="ann")
    keys.close()

    refused = home("events", "copy", "sqlite", SEGUE_SERVICE__STORE="sqlite")
    refused.refused("keep them in sqlite", code=2)
    with log.consuming("lake"):
        home("events", "copy", "sqlite").refused("another process takes events")
    told = home("events", "copy", "sqlite", "--json").ok().json
    assert told == {"events": 7, "keys": 1}
    events = [(one.event, one.received_at) for one in log.read(0)]
    assert events == [(one.event, one.received_at) for one in old.read(0)]
    # profiles begin again, which comes to the same
    assert (log.cursor("profiles"), log.state("profiles", "ann")) == (0, None)
    assert [one.event.event_id for one in log.read(log.cursor("lake"))] == ["late"]
    (parked,) = log.parked("lake")
    assert log.read(parked.position - 1, 1)[0].event.event_id == "e2"
    assert log.state("lake", "ann") == old.state("lake", "ann")
    rows = []
    for each in (log, old):  # the same once more changes nothing
        for consumer in following:
            consume(each, consumer, now=AT)
        rows.append([lake.rows(table).num_rows for table in ("plays", "feedback")])
    assert rows == [[5, 1], [5, 1]]
    assert log.state("profiles", "ann") == old.state("profiles", "ann")
    assert home("keys", "list", "--json").ok().json[0]["key_id"] == key.key_id
    home("events", "copy", "sqlite").refused("events are kept there already", code=2)
    old.close()


def test_copying_that_was_killed_goes_on(log: PostgreSQLLog, tmp_path: Path) -> None:
    old = SqliteLog(tmp_path / "old.sqlite")
    events = [Event(f"e{n}", "ann", "t1", "play", AT) for n in range(9)]
    old.append(events, AT).result()
    log.append(events[:4], AT).result(20)
    with pytest.raises(ConfigError, match="already"):
        copy_events(old, log, [ProfileKeeper()], progress=Silent())
    log.advance("copying", 0, state={"copying": b""})  # as it is after a kill
    assert copy_events(old, log, [ProfileKeeper()], progress=Silent()) == 9
    assert [one.event for one in log.read(0)] == events
    with pytest.raises(ConfigError, match="already"):
        copy_events(old, log, [ProfileKeeper()], progress=Silent())
    old.close()


def test_without_an_address_of_its_own_it_is_that_of_the_warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_of_tests()
    for name, value in {
        "SERVICE__STORE": "postgresql",
        "POSTGRESQL__HOST": "127.0.0.1",
        "POSTGRESQL__PORT": str(server.port),
        "POSTGRESQL__USER": server.superuser,
        "POSTGRESQL__DATABASE": database_of(tmp_path),
        "POSTGRESQL__PASSWORD": PASSWORD,
    }.items():
        monkeypatch.setenv(f"SEGUE_{name}", value)
    monkeypatch.chdir(tmp_path)
    wiring = Wiring(load_settings(home=tmp_path / "home"))
    assert wiring.events.name == wiring.keys.name == "postgresql"
    assert f"127.0.0.1:{server.port}" in wiring.events_elsewhere
    wiring.events.append([Event("1", "ann", "t1", "like", AT)], AT).result(20)
    assert wiring.events.last() > 0
    wiring.events.close()
    wiring.keys.close()
    with pytest.raises(StorageError, match="closed"):
        wiring.events.append([Event("2", "ann", "t1", "like", AT)], AT)
