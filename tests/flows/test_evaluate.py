"""Held-out weeks: what is known before the cut decides, and nothing else."""

from __future__ import annotations

import json
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from segue.errors import ConfigError, NotReadyError, UnknownUserError
from segue.evaluation.leaderboard import Leaderboard, Player
from segue.flows.evaluate import evaluate
from segue.flows.wishes import Wishes
from segue.progress import Silent
from tests.marts_folder import published
from tests.tiny import NOW, crowd, days_ago, log, mart, plays, tracks

IDS = [f"t{i:02}" for i in range(30)]


def _marts(**changes: Any) -> dict[str, pa.Table]:
    """A user who plays ten tracks in turn, and in the last month one new track a week."""
    heard = [("me", IDS[day % 10], days_ago(day)) for day in range(300)]
    heard += [("me", IDS[10 + week], days_ago(7 * week + 1.5)) for week in range(4)]
    rows = [(f"l{i:02}", t, f"a-{t}", 1.0) for i in range(30) for t in IDS[i % 3 :: 2]]
    marts = {
        "tracks": tracks({"track_id": t, "genres": ["rock"], "energy": 0.5} for t in IDS),
        "plays": plays(heard),
        "crowd_counts": crowd(rows),
    }
    return {**marts, **changes}


def _evaluate(tmp_path: Path, marts: dict[str, pa.Table], **changes: Any) -> Leaderboard:
    given: dict[str, Any] = {"ks": (5, 10), "seed": 17, "threads": 1, "progress": Silent()}
    names = sorted(set(marts["plays"]["user_id"].to_pylist()))
    users = mart("users", [{"user_id": name, "last_played_at": NOW} for name in names])
    snapshot = published(tmp_path / "snapshots", users=users, **marts)
    return evaluate(snapshot, **{**given, **changes})


def test_models_and_baselines_are_on_one_board(tmp_path: Path) -> None:
    board = _evaluate(tmp_path, _marts())
    models = {row.model for row in board.rows}
    assert models == {*entry_points(group="segue.recommenders").names, "playlist"} - {"personalize"}
    assert board.users == ("me",)
    # ten tracks in turn: ten guesses at the known ones hold everything that is played again
    assert board.row("most_played", "repeats", 10).metrics["recall"].value == 1
    assert board.row("most_played", "discoveries", 10).metrics["recall"].value == 0
    assert {board.row(m, "discoveries", 10).cases for m in models} == {4}
    json.dumps(board.as_dict(), allow_nan=False)


def test_what_services_told_since_is_marked_and_their_advice_left_out(tmp_path: Path) -> None:
    """The advice holds what was played in the weeks that are held out."""
    same = {"source": "listenbrainz", "score": 1.0}
    like = same | {"kind": "similar_track", "subject": "t00"}
    told = [
        like | {"track_id": "t10", "told_at": days_ago(90)},
        like | {"track_id": "t11", "told_at": NOW},
        *(
            same | {"kind": "recommended", "subject": "me", "track_id": f"t{n}", "told_at": NOW}
            for n in (12, 13)
        ),
    ]
    marts = _marts(neighbours=mart("neighbours", told))
    board = _evaluate(tmp_path / "a", marts, shown=["neighbours"])
    assert board.row("neighbours", "discoveries", 5).metrics["recall"].value == 0.5
    likeness, advice = board.notes
    assert "1 of 4 likenesses were told after" in likeness
    assert "2 recommendations to users" in advice
    assert board.as_dict()["notes"] == [likeness, advice]
    before = [row | {"told_at": days_ago(90)} for row in told]
    board = _evaluate(
        tmp_path / "b", _marts(neighbours=mart("neighbours", before)), shown=["neighbours"]
    )
    assert board.row("neighbours", "discoveries", 5).metrics["recall"].value == 1
    assert board.notes == ()


def test_only_what_is_asked_for_is_shown(tmp_path: Path) -> None:
    every = _evaluate(tmp_path / "a", _marts())
    some = _evaluate(tmp_path / "b", _marts(), shown=["als", "playlist"])
    kept = [row for row in every.rows if row.model in ("als", "playlist")]
    assert [(row.model, row.part, row.k, row.metrics) for row in some.rows] == [
        (row.model, row.part, row.k, row.metrics) for row in kept
    ]
    with pytest.raises(ConfigError, match="no model here is called “alss”"):
        _evaluate(tmp_path / "c", _marts(), shown=["alss"])


def test_the_same_seed_gives_the_same_board(tmp_path: Path) -> None:
    first, second = (_evaluate(tmp_path / n, _marts()) for n in "ab")
    assert first.rows == second.rows


def test_a_blend_joins_the_board(tmp_path: Path) -> None:
    def only_als(models: Any, catalogue: Any) -> Player:
        del catalogue
        player: Player = models["als"].recommend
        return player

    board = _evaluate(tmp_path, _marts(), blends={"blend": only_als})
    for part in ("all", "discoveries"):
        assert board.row("blend", part, 5).metrics == board.row("als", part, 5).metrics


def test_a_track_first_known_after_the_cut_cannot_be_found(tmp_path: Path) -> None:
    table = tracks({"track_id": t, "genres": ["rock"], "in_catalogue": False} for t in IDS)
    board = _evaluate(tmp_path, {"tracks": table, "plays": _marts()["plays"]})
    for row in board.rows:
        if row.part == "discoveries":
            assert row.metrics["recall"].value == 0, row.model


def test_a_track_discovered_after_the_cut_can_come_again(tmp_path: Path) -> None:
    heard = [("me", IDS[day % 10], days_ago(day)) for day in range(300)]
    heard += [("me", IDS[20], days_ago(day + 0.5)) for day in range(20)]  # the cut is at 28 days
    table = tracks({"track_id": t, "in_catalogue": False} for t in IDS)
    board = _evaluate(tmp_path, {"tracks": table, "plays": plays(heard)}, ks=(30,))
    for model in ("repeats", "most_played"):
        assert board.row(model, "repeats", 30).metrics["recall"].value == 1, model


def test_what_comes_after_a_window_changes_nothing_before_it(tmp_path: Path) -> None:
    marts = _marts()
    other = plays([("other", IDS[20], NOW - timedelta(days=1))] * 50)
    more = pa.concat_tables([marts["plays"], other])
    first = _evaluate(tmp_path / "a", marts, users=["me"])
    second = _evaluate(tmp_path / "b", {**marts, "plays": more}, users=["me"])
    assert first.rows == second.rows


def test_a_future_of_saves_and_of_the_crowd_changes_nothing(tmp_path: Path) -> None:
    """Only what is known to be later differs: saved, listed and played in the last hour."""
    soon = NOW - timedelta(minutes=1)
    saved = [{"user_id": "me", "kind": "saved_track", "track_id": t} for t in IDS[10:20]]
    listed = [{"user_id": "me", "playlist": "p", "track_id": t} for t in IDS[10:20]]
    marts = _marts()
    crowd_then = marts["crowd_counts"]
    fans = crowd([(f"new{i}", IDS[25], "a-x", 9.0) for i in range(50)])
    at = fans.schema.get_field_index("last_played_at")
    fans = fans.set_column(at, fans.schema.field(at), pa.array([soon] * 50, fans.schema.types[at]))
    later = {
        "library": mart("library", [{**row, "added_at": soon} for row in saved]),
        "playlist_tracks": mart("playlist_tracks", [{**row, "added_at": soon} for row in listed]),
        "crowd_counts": pa.concat_tables([crowd_then, fans]),
        "tracks": tracks(
            {"track_id": t, "genres": ["rock"], "energy": 0.5, "crowd_listeners": 50 * (t == "t25")}
            for t in IDS
        ),
    }
    before = _evaluate(tmp_path / "a", marts)
    assert _evaluate(tmp_path / "b", {**marts, **later}).rows == before.rows
    undated = {"library": mart("library", saved)}
    assert _evaluate(tmp_path / "c", {**marts, **undated}).rows == before.rows


def test_the_playlist_is_the_one_that_would_have_been_made(tmp_path: Path) -> None:
    board = _evaluate(tmp_path, _marts(), wishes=Wishes(adventurous=1.0, recent_hours=0))
    row = board.row("playlist", "discoveries", 10)
    assert row.metrics["recall"].value > 0
    assert board.row("playlist", "repeats", 10).metrics["recall"].value == 0, "all are discoveries"
    steady = _evaluate(tmp_path, _marts(), wishes=Wishes(adventurous=0.0, recent_hours=0))
    assert steady.row("playlist", "repeats", 10).metrics["recall"].value == 1
    nearly = _evaluate(tmp_path, _marts(), wishes=Wishes(adventurous=0.0, recent_hours=24 * 5))
    assert nearly.row("playlist", "repeats", 10).metrics["recall"].value < 1, "rules hold here too"


def test_a_household_is_cut_each_at_their_own_time(tmp_path: Path) -> None:
    ann = [("ann", IDS[day % 10], days_ago(day)) for day in range(300)]
    bob = [("bob", IDS[15 + day % 10], days_ago(200 + day)) for day in range(300)]
    board = _evaluate(tmp_path, _marts(plays=plays([*ann, *bob])))
    assert board.users == ("ann", "bob")
    assert board.row("most_played", "repeats", 10).metrics["recall"].value == 1


def test_unknown_users_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownUserError, match="nobody"):
        _evaluate(tmp_path, _marts(), users=["nobody"])


@pytest.mark.parametrize("heard", [[], [("me", "t00", NOW)]])
def test_too_little_to_hold_out_is_said(tmp_path: Path, heard: list[Any]) -> None:
    with pytest.raises(NotReadyError, match="hold"):
        _evaluate(tmp_path, _marts(plays=plays(heard)))


def test_feedback_counts_from_the_moment_it_was_said(tmp_path: Path) -> None:
    plain = _evaluate(tmp_path / "plain", _marts())
    later = log([("me", verb, IDS[n], -3) for n, verb in enumerate(("hide", "like", "less"))])
    assert _evaluate(tmp_path / "later", _marts(feedback=later)).rows == plain.rows
    known = log([("me", "hide", track, 29.5) for track in IDS[:5]])
    hidden = _evaluate(tmp_path / "hidden", _marts(feedback=known))
    for model in ("most_played", "playlist", "rediscover"):
        was = plain.row(model, "repeats", 10).metrics["recall"].value
        assert hidden.row(model, "repeats", 10).metrics["recall"].value < was
