"""`segue events`, as somebody at a keyboard meets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from segue.events.base import Parked
from segue.events.profile_keeper import profile_of
from segue.events.sqlite_log import SqliteLog
from segue.music.event import Event
from tests.doors.home import Home

AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _log(home: Home, events: int) -> SqliteLog:
    log = SqliteLog(home.folder / "events" / "events.sqlite")
    found = [
        Event(f"e{n}", "ann", f"name:Band\x1fSong {n}", "complete", AT + timedelta(minutes=5 * n))
        for n in range(events)
    ]
    log.append(found, AT).result()
    return log


def test_before_any_event(home: Home) -> None:
    assert "No events yet." in home("events", "status").ok().out
    assert home("events", "parked").ok().out == "Nothing is parked.\n"
    assert home("events", "parked", "--json").ok().json == []


def test_events_become_profiles_and_plays(home: Home) -> None:
    log = _log(home, 3)
    waiting = home("events", "status", "--json").ok().json
    assert [(one["name"], one["behind"]) for one in waiting["consumers"]] == [
        ("profiles", 3),
        ("lake", 3),
    ]
    done = home("events", "take", "--json").ok().json
    assert done == [
        {"consumer": "profiles", "events": 3, "parked": 0},
        {"consumer": "lake", "events": 3, "parked": 0},
    ]
    record = log.state("profiles", "ann")
    assert profile_of(log, "ann").finishes == 3
    assert "3 events taken" in home("events", "rebuild").ok().out
    assert log.state("profiles", "ann") == record
    log.close()
    assert home("lake", "status", "--json").ok().json["rows"] == 3
    assert "up to date" in home("events", "status").ok().out


def test_what_was_parked_is_shown_and_tried_again(home: Home) -> None:
    log = _log(home, 2)
    log.advance("profiles", 2, parked=[Parked(1, "KeyError: odd", AT)])
    assert "1 parked" in home("events", "status").ok().out
    assert "KeyError: odd" in home("events", "parked", "--consumer", "profiles").ok().out
    (told,) = home("events", "parked", "--json").ok().json
    assert (told["consumer"], told["position"]) == ("profiles", 1)
    assert "1 event taken" in home("events", "retry").ok().out
    assert log.parked("profiles") == []
    assert profile_of(log, "ann").plays == 1
    log.close()


def test_plays_of_events_are_of_the_tracks_that_are_known(home: Home, tmp_path: Path) -> None:
    history = tmp_path / "scrobbles.csv"
    history.write_text(
        "artist,album,track,date\n" + "Nina Simone,Pastel Blues,Sinnerman,01 Feb 2026 12:00\n"
    )
    home("import", history).ok()
    home("build").ok()
    (known,) = home("sql", "select track_id from tracks", "--json").ok().json["rows"]
    track = known["track_id"]
    log = SqliteLog(home.folder / "events" / "events.sqlite")
    played = Event("e1", "me", track, "complete", AT, ms_played=200_000)
    log.append([played, Event("e2", "me", track, "like", AT)], AT).result()
    log.close()
    home("events", "take").ok()
    home("build").ok()
    query = "select source, track_id from plays order by played_at"
    told = home("sql", query, "--json").ok().json["rows"]
    assert [row["source"] for row in told] == ["lastfm", "app"]
    assert [row["track_id"] for row in told] == [track, track]
    (word,) = home("feedback", "list", "--json").ok().json["words"]
    assert word["track_id"] == track


def test_what_cannot_be_meant_is_refused(home: Home) -> None:
    home("events", "take", "--consumer", "radio").refused("radio", "profiles", code=2)
    home("events", "rebuild", "lake").refused("cannot be made again", code=2)
