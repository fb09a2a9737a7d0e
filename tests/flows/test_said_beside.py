"""What is said with `segue feedback` counts in a service that runs, at its next answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from segue.flows.feedback import About, feedback
from segue.flows.online import Service
from segue.flows.online.ahead_making import answer_ahead
from segue.flows.online.said_beside import with_words
from segue.flows.wiring import Wiring
from segue.flows.wishes import Wishes
from segue.music import columns as c
from segue.music.event import Event
from segue.music.feedback import Verb
from segue.music.marts import MARTS
from segue.settings import Settings
from segue.warehouse.matching import artist_id_of
from tests.doors.running import small_home
from tests.tiny import NOW


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    opened = Service.open(Wiring(Settings(home=small_home(tmp_path))), clock=lambda: NOW)
    yield opened
    opened.close()


def say(service: Service, verb: Verb, **about: tuple[str, ...]) -> None:
    wiring = Wiring(Settings(home=service.recommended.path.parent.parent))
    feedback(
        verb,
        About(**about),  # type: ignore[arg-type]  # any of its fields
        lake=wiring.lake,
        snapshot=wiring.snapshots.current(),
        user_id="ann",
        now=NOW,
    )
    service.settled()


def ids(service: Service, user: str = "ann") -> list[str]:
    return [track.track_id for track in service.recommendations(user, Wishes(size=8)).tracks]


def test_a_track_that_is_hidden_comes_no_more(service: Service) -> None:
    first, second, *_ = ids(service)
    others = ids(service, "bob")
    standing = service.standing()
    say(service, "hide", tracks=(first,))
    after = ids(service)
    assert first not in after
    assert second in after
    assert ids(service, "bob") == others
    assert service.standing() is None or service.standing() != standing


def test_words_about_artists_and_plays_are_kept_too_each_once() -> None:
    word = {c.USER_ID: "ann", c.SOURCE: "segue", c.VERB: "hide", c.SAID_AT: NOW}
    artist = {**word, c.KIND: "artist", c.ARTIST: "The Bäñd", c.TRACK_REF: None}
    plays = {**word, c.KIND: "plays", c.VERB: "not_me", c.ARTIST: None, c.TRACK_REF: None}
    span = {c.SINCE: NOW - timedelta(days=1), c.UNTIL: NOW}
    words = ({**artist, c.SINCE: None, c.UNTIL: None}, {**plays, **span})
    table = with_words(MARTS["feedback"].empty_table(), words, str)
    assert table[c.ARTIST_ID].to_pylist() == [artist_id_of("The Bäñd"), None]
    assert table[c.UNTIL].to_pylist() == [None, NOW]
    assert table[c.PLACE].to_pylist() == [1, 2]
    assert with_words(table, words, str).num_rows == 2


def test_words_of_both_ways_stand_in_the_order_in_which_they_were_said(service: Service) -> None:
    first = ids(service)[0]
    say(service, "hide", tracks=(first,))
    event = Event("e1", "ann", first, "undo", NOW + timedelta(seconds=1))
    service.log.append([event], NOW).result()
    assert first in ids(service)


def test_an_answer_made_ahead_is_none_any_more(service: Service) -> None:
    home = service.recommended.path.parent.parent
    wiring = Wiring(Settings(home=home))
    assert answer_ahead(wiring, clock=lambda: NOW, most=9) == 2
    before = service.at_hand("ann", Wishes())
    assert before is not None
    say(service, "hide", tracks=(before.tracks[0].track_id,))
    assert service.at_hand("ann", Wishes()) is None
    assert service.at_hand("bob", Wishes()) is not None
    assert answer_ahead(wiring, clock=lambda: NOW, most=9) == 1
    after = service.at_hand("ann", Wishes())
    assert after is not None
    assert after.body == service.recommendations("ann", Wishes()).body != before.body
