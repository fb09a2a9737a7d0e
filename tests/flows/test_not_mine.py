"""Plays that rules of the settings say are somebody else's: left out, kept, and given back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.compute as pc
import pytest

from segue.errors import ConfigError
from segue.features.feedback_log import without_not_me
from segue.flows.feedback import About, feedback, words
from segue.flows.fresh_marts import FreshMarts
from segue.flows.not_mine import plays_by_rule, settle
from segue.flows.wiring import Wiring
from segue.settings import load_settings
from tests.listening_home import history, play

NOW = datetime(2024, 6, 1, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")  # two hours ahead of UTC in summer


def _on(device: str, session: str, row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "platform": device, "session_id": session}


PLAYS = [
    _on("Anna’s iPhone", "s1", play("2024-05-01 16:00", "t1")),  # a Wednesday, 18:00 in Berlin
    _on("Kids iPad", "s2", play("2024-05-01 17:00", "t3")),  # 19:00
    _on("Kids iPad", "s2", play("2024-05-01 17:04", "t2")),
    _on("Anna’s iPhone", "s2", play("2024-05-01 19:30", "t3")),  # 21:30
    _on("Kids iPad", "s3", play("2024-05-03 22:30", "t1")),  # 00:30 on Saturday
    play("2024-05-04 12:00", "t4"),
    play("2024-05-01 17:00", "t3", user="bob"),
]


class Home:
    """A published history, with rules."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        history(folder / "snapshots", *PLAYS)

    def wiring(self, *rules: dict[str, Any]) -> Wiring:
        return Wiring(load_settings(home=self.folder, user_id="ann", not_mine=rules))

    def settle(self, *rules: dict[str, Any]) -> bool:
        return settle(
            self.wiring(*({"name": "kids", **rule} for rule in rules)), zone=ZONE, now=NOW
        )

    def left(self, user: str = "ann") -> list[str]:
        """When a user's own plays began."""
        wiring = self.wiring()
        snapshot = wiring.snapshots.current()
        plays = snapshot.read("plays", filters=pc.field("user_id") == user)
        log = FreshMarts(snapshot, wiring.lake).read("feedback")
        return [f"{at:%d %H:%M}" for at in without_not_me(plays, log)["played_at"].to_pylist()]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


ALL = ["01 16:00", "01 17:00", "01 17:04", "01 19:30", "03 22:30", "04 12:00"]
RULES: list[tuple[dict[str, Any], list[int]]] = [
    ({"devices": ["ipad"]}, [1, 2, 4]),
    ({"artists": ["bob", "Nobody"]}, [1, 3]),
    ({"hours": "18:30-21:00"}, [1, 2]),
    ({"hours": "23:00-6:00", "days": ["friday"]}, [4]),
    ({"days": ["saturday"]}, [4, 5]),
    ({"days": ["wednesday"], "devices": ["iphone"]}, [0, 3]),
    ({"artists": ["Bob"], "devices": ["ipad"], "whole_sessions": True}, [1, 2, 3]),
    ({"first": "2024-05-02", "last": "2024-05-04"}, [4, 5]),
    ({"user": "bob", "hours": "00:00-23:59"}, []),
]


@pytest.mark.parametrize(("rule", "out"), RULES, ids=[str(rule) for rule, _ in RULES])
def test_a_rule_leaves_out_what_it_says(home: Home, rule: dict[str, Any], out: list[int]) -> None:
    assert home.settle(rule)
    assert home.left() == [at for place, at in enumerate(ALL) if place not in out]
    assert home.left("bob") == ([] if "user" in rule else ["01 17:00"])
    rules = home.wiring({"name": "kids", **rule}).settings.not_mine
    snapshot = home.wiring().snapshots.current()
    assert plays_by_rule(snapshot, rules, "ann", ZONE) == (len(out) or 1,)
    assert not home.settle(rule)  # it is said already
    assert home.settle()  # the rule is gone
    assert home.left() == ALL
    assert not home.settle()


def test_a_changed_rule_gives_back_what_it_means_no_more(home: Home) -> None:
    home.settle({"devices": ["ipad"]})
    assert home.settle({"hours": "18:30-19:02"})
    assert home.left() == ["01 16:00", "01 17:04", "01 19:30", "03 22:30", "04 12:00"]


def test_what_was_said_by_hand_stands(home: Home) -> None:
    lake, snapshot = home.wiring().lake, home.wiring().snapshots.current()

    def say(verb: Any, since: str, until: str, day: int) -> None:
        span = [datetime.fromisoformat(f"2024-05-01T{at}+00:00") for at in (since, until)]
        feedback(
            verb,
            About(since=span[0], until=span[1]),
            lake=lake,
            snapshot=snapshot,
            user_id="ann",
            now=datetime(2024, 7, day, tzinfo=UTC),
            at=NOW.replace(month=5, day=20 + day) if day < 5 else None,
        )

    say("not_me", "17:03", "17:05", 1)
    home.settle({"devices": ["ipad"]})
    home.settle()  # the word of before stands again
    assert home.left() == [at for at in ALL if at != "01 17:04"]
    home.settle({"devices": ["ipad"]})
    say("undo", "16:50", "17:01", 10)
    assert "01 17:00" in home.left()
    assert not home.settle({"devices": ["ipad"]})  # who says so knows better than the rule
    assert "01 17:00" in home.left()
    told = words(FreshMarts(snapshot, lake), "ann", every=True)
    assert {word.verb for word in told} == {"not_me", "undo"}
    assert len(told) == 2


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"hours": "25:00-26:00"},
        {"hours": "18:00-18:00"},
        {"days": ["someday"]},
        {"first": "2024-05-02", "last": "2024-05-01"},
    ],
)
def test_a_rule_that_says_nothing_is_refused(home: Home, rule: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="not_mine"):
        home.settle(rule)
