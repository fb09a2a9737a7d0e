"""The last comparison of models: kept, read again, and told in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from segue.doors.web.board_told import told_board
from segue.evaluation.bootstrap import Estimate
from segue.evaluation.leaderboard import Leaderboard, Row
from segue.flows.kept_board import keep_board, kept_board

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def _row(model: str, ndcg: float, behind: tuple[float, float] | None, part: str = "all") -> Row:
    values = {"ndcg": ndcg, "recall": ndcg / 2, "precision": ndcg / 3}
    metrics = {name: Estimate(value, value, value) for name, value in values.items()}
    less = {} if behind is None else {"ndcg": Estimate(sum(behind) / 2, *behind)}
    return Row(model, part, 30, 4, metrics, 0.5, less)


BOARD = Leaderboard(
    "s1",
    ("ann",),
    {},
    4,
    (
        _row("hybrid", 0.6, None),
        _row("playlist", 0.54, (-0.1, 0.02)),
        _row("popular", 0.1, (-0.6, -0.4)),
        _row("content", 0.3, None, "discoveries"),
    ),
)


def test_a_board_is_told_in_words(tmp_path: Path) -> None:
    keep_board(tmp_path, "ann", BOARD, NOW)
    assert kept_board(tmp_path, "bob") is None
    kept = kept_board(tmp_path, "ann")
    assert kept is not None
    told = told_board(kept, NOW + timedelta(hours=2), "s1")
    assert told is not None
    assert (told.k, told.is_old, told.when) == (30, False, "2 hours ago")
    assert told.words.startswith("Of 30 tracks that “Hybrid, learned from past weeks” would")
    assert told.words.endswith("Your playlists: 5.4.")
    everything, new = told.parts
    assert [one.verdict for one in everything.lines] == [
        "the best",
        "as good, as far as can be told",
        "behind",
    ]
    assert [one.percent for one in everything.lines] == [100, 90, 17]
    assert [one.is_baseline for one in everything.lines] == [False, False, True]
    assert (new.title, new.lines[0].name) == ("What was new", "Sound and genre")
    newer = told_board(kept, NOW, "s2")
    assert newer is not None
    assert newer.is_old


def test_a_board_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    keep_board(tmp_path, "ann", BOARD, NOW)
    file = next(tmp_path.rglob("leaderboard.json"))
    file.write_text("{")
    assert kept_board(tmp_path, "ann") is None


def test_nothing_compared_is_nothing_told(tmp_path: Path) -> None:
    keep_board(tmp_path, "ann", Leaderboard("s1", ("ann",), {}, 4, ()), NOW)
    kept = kept_board(tmp_path, "ann")
    assert kept is not None
    assert told_board(kept, NOW, "s1") is None
