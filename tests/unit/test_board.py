"""The leaderboard as people read it."""

from __future__ import annotations

from segue.doors.cli.board import board_lines
from segue.evaluation.leaderboard import Estimate, Leaderboard, Row


def _row(model: str, part: str, value: float, coverage: float = 0.1) -> Row:
    estimate = Estimate(value, value - 0.05, value + 0.05)
    names = ("recall", "precision", "ndcg", "mrr", "hit_rate")
    return Row(model, part, 10, 4, dict.fromkeys(names, estimate), coverage)


def test_what_cannot_answer_a_part_is_left_out_and_the_order_stays() -> None:
    rows = (
        _row("rediscover", "repeats", 0.5),
        _row("most_played", "repeats", 0.4),
        _row("playlist", "discoveries", 0.2),
        _row("popular", "discoveries", 0.0),
        _row("most_played", "discoveries", 0.0, coverage=0.0),
    )
    lines = board_lines(Leaderboard("s", ("me",), {"you": "3 plays are too few"}, 4, rows), 10)
    assert [line.split("  ")[1] for line in lines if line.startswith("  ") and "±" in line] == [
        "rediscover",
        "most played (baseline)",
        "PLAYLIST",
        "popular (baseline)",
    ]
    assert "hits of 10" in lines[5]
    assert lines[6].split()[1:] == ["5.0", "50%", "0.50", "±", "0.05"]
    assert lines[-1] == "you is left out: 3 plays are too few"
    assert max(map(len, lines)) <= 80


def test_an_empty_board_says_so() -> None:
    assert board_lines(Leaderboard("s", (), {}, 4, ()), 10) == ["There was nothing to compare."]
