"""A week of a history that can be counted by eye, and what became of what was recommended."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from segue.analytics.outcomes import Offer
from segue.analytics.weekly import WeeklyReport
from segue.analytics.weekly_drawing import panels
from segue.analytics.weekly_page import page as page_of
from segue.analytics.weekly_page import picture, plain_text
from segue.errors import ConfigError, UnknownUserError
from segue.events.recommended import Recommendation, Recommended
from segue.flows.destinations import given_lists
from segue.flows.notify import notify
from segue.flows.report import note_shown, offers_of, weekly_report
from segue.flows.report_files import formats_of, weekly_message, write_report
from segue.music.playlist import Playlist, PlaylistTrack
from segue.playlists.given import Given
from segue.settings import load_settings
from segue.warehouse.experiments import Experiment, ExperimentStore, Place, Record
from segue.warehouse.snapshots import Snapshot
from tests.listening_home import at, history, mart, play
from tests.marts_folder import published
from tests.message_sinks import hook

NOW: Final = datetime(2024, 5, 20, 12, tzinfo=UTC)  # a Monday, after week 20


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Week 19 is from 6 to 12 May 2024, week 20 up to the 19th."""
    return history(
        tmp_path_factory.mktemp("report"),
        play("2024-05-01 08:00", "t1", finished=True),
        play("2024-05-11 08:00", "t1", finished=True),
        play("2024-05-12 08:00", "t1"),
        play("2024-05-12 23:30", "t3"),  # Monday the 13th in Berlin
        play("2024-05-14 10:00", "t2", finished=True),
        play("2024-05-14 10:10", "t2"),
        play("2024-05-15 10:00", "t3", skipped=True, counted=False, ms=4_000),
        play("2024-05-16 10:00", "t4", not_me=True),
        play("2024-05-18 10:00", "t2", user="bob"),
        library=mart(
            "library",
            [
                {
                    "user_id": "ann",
                    "kind": "saved_track",
                    "track_id": "t2",
                    "added_at": at("2024-05-14 11:00"),
                }
            ],
        ),
    )


def report(
    snapshot: Snapshot, *offers: Offer, week: str | None = None, zone: str = "UTC", **more: Any
) -> WeeklyReport:
    asked = {"user_id": "ann", "time_zone": zone, "now": NOW, "threads": 1, **more}
    return weekly_report(snapshot, offers, week=week, **asked)


def offer(when: str, *tracks: str, title: str = "Discover", mix: str = "discover") -> Offer:
    return Offer(title, "Spotify", mix, at(when), tracks)


# --- the week -----------------------------------------------------------------------------------


def test_the_usual_week_is_the_last_one_that_is_over(snapshot: Snapshot) -> None:
    told = report(snapshot)
    assert (told.week, told.title, told.is_over) == ("2024-W20", "13 – 19 May 2024", True)
    assert (told.totals.plays, told.totals.skips) == (2, 1)
    assert told.before is not None
    assert told.before.plays == 3
    assert [day.plays for day in told.days] == [0, 2, 0, 0, 0, 0, 0]
    assert [track.name for track in told.tracks] == ["Red"]
    assert (told.new_tracks, told.new_artists, told.active_days) == (1, 0, 1)
    assert [track.name for track in told.found] == ["Red"]
    assert [genre.id for genre in told.genres] == ["folk", "pop"]


def test_weeks_begin_at_the_listeners_midnight(snapshot: Snapshot) -> None:
    told = report(snapshot, zone="Europe/Berlin")
    assert [day.plays for day in told.days] == [1, 2, 0, 0, 0, 0, 0]
    assert told.active_days == 2
    assert told.streak_days == 4  # since Saturday the 11th


def test_an_old_history_has_a_last_week_too(snapshot: Snapshot) -> None:
    assert report(snapshot, now=NOW + timedelta(days=400)).week == "2024-W20"


def test_a_week_without_plays_says_so(snapshot: Snapshot) -> None:
    told = report(snapshot, week="2024-W18")
    assert told.totals.plays == 1
    assert any(note.startswith("Only 1 play:") for note in told.notes)
    quiet = report(snapshot, week="2024-W10")
    assert quiet.is_empty
    assert "Nothing was played this week." in quiet.notes
    later = report(snapshot, week="2024-W21", now=NOW + timedelta(days=20))
    assert any(note.startswith("No plays of this week are known") for note in later.notes)
    for one in (told, quiet):
        assert json.loads(json.dumps(one.as_dict()))["week"] == one.week


def test_a_week_that_goes_on_is_told_as_such(snapshot: Snapshot) -> None:
    assert not report(snapshot, week="2024-W21").is_over
    with pytest.raises(ConfigError, match="2024-W22 has not begun") as early:
        report(snapshot, week="2024-W22")
    assert "2024-W20" in early.value.cure


@pytest.mark.parametrize("week", ["2024-W54", "2024-W00", "W12", "2024-12-01", "0000-W01", "x"])
def test_what_is_no_week_is_refused(snapshot: Snapshot, week: str) -> None:
    with pytest.raises(ConfigError, match="no week") as wrong:
        report(snapshot, week=week)
    assert "2026-W46" in wrong.value.cure


def test_the_first_week_of_a_year_may_begin_in_the_one_before(snapshot: Snapshot) -> None:
    assert report(snapshot, week="2024-W1").title == "1 – 7 Jan 2024"
    assert report(snapshot, week="2020-W53").title == "28 Dec 2020 – 3 Jan 2021"


def test_moods_are_shares_of_the_plays_whose_sound_is_known(tmp_path: Path) -> None:
    sounds = {"calm": (0.3, 0.5), "angry": (0.9, 0.2), "unknown": (None, None)}
    tracks = [
        {"track_id": name, "title": name, "artist": "A", "energy": energy, "valence": valence}
        for name, (energy, valence) in sounds.items()
    ]
    heard = ["calm"] * 6 + ["angry"] * 2 + ["unknown"] * 2
    plays = [
        {**play(f"2024-05-14 10:{n:02}"), "play_id": f"p{n}", "track_id": name}
        for n, name in enumerate(heard)
    ]
    times = {"first_played_at": at("2024-05-14 10:00"), "last_played_at": at("2024-05-14 10:09")}
    users = mart("users", [{"user_id": "ann", **times}])
    made = published(
        tmp_path, plays=mart("plays", plays), tracks=mart("tracks", tracks), users=users
    )
    told = report(made)
    shares = {mood.name: round(mood.share, 3) for mood in told.moods}
    assert (shares["calm"], shares["angry"], shares["happy"]) == (0.75, 0.25, 0)
    assert told.sound_known == 0.8
    assert round(told.sound["energy"][0], 3) == 0.45
    assert all(mood.share_before is None for mood in told.moods)  # nothing is known of before


def test_a_stranger_is_refused(snapshot: Snapshot) -> None:
    with pytest.raises(UnknownUserError, match="carl"):
        report(snapshot, user_id="carl")


# --- what was recommended -----------------------------------------------------------------------


def test_only_plays_after_the_recommendation_and_within_its_window_count(
    snapshot: Snapshot,
) -> None:
    told = report(
        snapshot,
        offer("2024-05-13 06:00", "t1", "t2", "t3", "t4", "unheard"),
    )
    (one,) = told.recommended.lists
    # t1 was played before only; t4 by somebody else; t3 skipped at once
    by_id = {track.track_id: track for track in told.recommended.tracks}
    assert (one.counts.offered, one.counts.played, one.counts.finished) == (5, 2, 1)
    assert (one.counts.skipped, one.counts.saved, one.counts.new) == (1, 1, 1)
    assert by_id["t2"].starts == 2
    assert by_id["t2"].saved
    assert by_id["t1"].known
    assert not by_id["t1"].played
    assert by_id["t3"].skipped
    assert by_id["unheard"].title is None
    assert [track.track_id for track in told.recommended.tracks][:2] == ["t2", "t3"]
    assert one.counts.hit_rate is None  # five tracks say nothing
    assert "No hit rate is told for a list of fewer than ten tracks." in told.notes


def test_a_play_more_than_a_week_later_is_no_hit(snapshot: Snapshot) -> None:
    told = report(snapshot, offer("2024-05-06 09:00", "t2"), week="2024-W19")
    assert told.recommended.lists[0].counts.played == 0
    assert (
        report(snapshot, offer("2024-05-07 11:00", "t2"), week="2024-W19")
        .recommended.lists[0]
        .counts.played
        == 1
    )


def test_what_was_recommended_after_the_last_known_play_waits(snapshot: Snapshot) -> None:
    told = report(snapshot, offer("2024-05-17 06:00", *(f"x{n}" for n in range(12))))
    (one,) = told.recommended.lists
    assert (one.counts.waiting, one.counts.judged, one.counts.hit_rate) == (12, 0, None)
    assert any(
        note.startswith("Of 12 recommended tracks nothing can be said") for note in told.notes
    )


def test_the_hit_rate_follows_lists_of_discoveries_week_by_week(snapshot: Snapshot) -> None:
    filler = tuple(f"x{n}" for n in range(9))
    told = report(
        snapshot,
        offer("2024-04-29 06:00", "t1", *filler),
        offer("2024-05-13 06:00", "t2", *filler),
        offer("2024-05-14 06:00", "t2", *filler),  # again: counts once
        offer("2024-05-13 06:00", "t3", title="Daily", mix="daily"),
    )
    rates = [(week.monday.day, week.counts.hit_rate) for week in told.recommended.weeks]
    assert rates == [(29, 0.1), (6, None), (13, 0.1)]
    assert [week.is_open for week in told.recommended.weeks] == [False, False, True]
    assert {one.title: one.counts.offered for one in told.recommended.lists} == {
        "Discover": 10,
        "Daily": 1,
    }


def test_without_recommendations_the_report_says_so(snapshot: Snapshot) -> None:
    assert any("Nothing was recommended yet" in note for note in report(snapshot).notes)
    earlier = report(snapshot, offer("2024-04-29 06:00", "t1"))
    assert "Nothing was recommended this week." in earlier.notes


# --- where it is known from ---------------------------------------------------------------------


def test_published_playlists_and_answers_of_the_service_are_recommendations(
    tmp_path: Path,
) -> None:
    given = given_lists(tmp_path, "ann")
    monday = Given("p1", "Discover · May", "discover", "Spotify", at("2024-05-13 06:00"), ("t1",))
    given.note(monday)
    given.note(monday)  # the same tracks: no line
    with (tmp_path / "playlists/u-ann/published/given.jsonl").open("ab") as file:
        file.write(b'{"half a li')
    given.note(Given("p1", "Discover · May", "discover", "Spotify", NOW, ("t2", "t1")))
    recommended = Recommended(tmp_path / "events" / "recommended.sqlite")
    recommended.note(Recommendation("r1", "ann", NOW, NOW, "daily", "m", ("t3",)))
    recommended.note(Recommendation("r2", "bob", NOW, NOW, "daily", "m", ("t4",)))
    recommended.close()
    assert [
        (one.title, one.where, one.track_ids) for one in offers_of(tmp_path, "ann", now=NOW)
    ] == [
        ("Discover · May", "Spotify", ("t1",)),
        ("Discover · May", "Spotify", ("t2", "t1")),
        ("Daily", "Segue", ("t3",)),
    ]
    assert offers_of(tmp_path, "carl", now=NOW) == []


# --- as files -----------------------------------------------------------------------------------


def test_a_report_is_a_page_markdown_and_a_picture(snapshot: Snapshot, tmp_path: Path) -> None:
    hostile = "<script>|alert(1)</script>"
    filler = tuple(f"x{n}" for n in range(9))
    told = report(snapshot, offer("2024-05-13 06:00", "t2", *filler, title=hostile))
    html, text, png = write_report(told, tmp_path / "new" / "folder", ("html", "md", "png"))
    assert html.name == "week-ann-2024-W20.html"
    page = html.read_text()
    assert "<script" not in page
    assert "prefers-color-scheme: dark" in page
    assert not re.findall(r"(?:src|href|url)\s*[=(]", page)  # asks nobody for anything
    assert "Recommended, and heard" in page
    assert "saved, finished, 2 times, new to you" in page
    assert "| ‹script>\\|alert(1)‹/script> (Spotify) | 10 | 1 | 1 | 0 | 1 | 1 |" in text.read_text()
    assert png.read_bytes().startswith(b"\x89PNG")
    size = struct.unpack(">II", png.read_bytes()[16:24])
    assert size[0] == 1080


def test_a_week_without_anything_is_a_report_too(snapshot: Snapshot) -> None:
    quiet = report(snapshot, week="2024-W10")
    assert panels(quiet) == ()
    assert "Nothing was played this week." in page_of(quiet)
    assert "Nothing was played this week." in plain_text(quiet)
    assert picture(quiet).startswith(b"\x89PNG")


def test_a_report_is_sent_once_with_its_page_and_picture(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    message = weekly_message(report(snapshot))
    assert message.title == "Your week, 13 – 19 May 2024"
    assert [file.name for file in message.attachments] == ["2024-W20.png", "2024-W20.html"]
    assert "2 plays" in message.body_text
    with hook() as web:
        settings = load_settings(
            home=tmp_path, secrets={"store": "file"}, notifications={"urls": [web.url]}
        )
        states = [notify(settings, message, now=NOW)[0].state for _ in range(2)]
    assert states == ["sent", "already"]
    assert [file["filename"] for file in web.bodies[0]["attachments"]] == [
        "2024-W20.png",
        "2024-W20.html",
    ]


def test_what_is_no_format_is_refused() -> None:
    assert formats_of(" html, PNG,html") == ("html", "png")
    for wrong in ("pdf", "", "html,docx"):
        with pytest.raises(ConfigError, match="--format"):
            formats_of(wrong)


# --- what was compared, and what was only shown -------------------------------------------------


def test_experiments_of_the_week_are_told_of(snapshot: Snapshot, tmp_path: Path) -> None:
    store = ExperimentStore(tmp_path / "experiments")

    def begin(name: str, when: str, user: str = "ann") -> None:
        one = Experiment(name, "als", "content|_", "discover", 2, (), 1, at(when))
        store.start(one)
        places = (Place("t2", "a", 1), Place("t3", "b", 1))
        store.add(name, lambda number: Record(number, user, at(when), places))

    begin("mine", "2024-05-13 07:00")
    begin("over", "2024-04-01 07:00")
    store.stop("over", at("2024-04-20 07:00"))
    begin("later", "2024-05-20 07:00")
    begin("theirs", "2024-05-13 07:00", user="bob")
    told = report(snapshot, experiments=store)
    (one,) = told.compared
    assert (one.name, one.sides, one.playlists) == ("mine", ("als", "content|_"), 1)
    assert (one.tracks, one.finished, one.wins) == ((1, 1), (1.0, 0.0), (1, 0))
    assert "content\\|\\_: 0 % of 1 track" in write_report(told, tmp_path, ("md",))[0].read_text()
    assert "<h2>Compared</h2>" in page_of(told)
    assert json.loads(json.dumps(told.as_dict()))["compared"][0]["verdict"] == one.verdict
    assert report(snapshot).compared == ()


def test_what_was_shown_on_a_terminal_counts_as_recommended(tmp_path: Path) -> None:
    track = PlaylistTrack(1, "t2", "Red", ("A",), 1.0, "Because.", ("als",))
    playlist = Playlist("p1", "Discover", "", "ann", NOW, (track,), mix="discover")
    for days in (0, 1):
        note_shown(tmp_path, playlist, now=NOW + timedelta(days=days))
    note_shown(tmp_path, replace(playlist, user_id=None), now=NOW)
    (shown,) = offers_of(tmp_path, "ann", now=NOW + timedelta(days=2))
    assert (shown.where, shown.mix, shown.offered_at) == ("on the screen", "discover", NOW)
    assert shown.track_ids == ("t2",)
