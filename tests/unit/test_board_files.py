"""Leaderboards as Markdown and pictures, of both kinds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from segue.errors import ConfigError, SinkError
from segue.evaluation.case_values import CaseValues, Judge
from segue.evaluation.data_board import DataBoard, Effort, scores
from segue.evaluation.leaderboard import Estimate, Leaderboard, Row
from segue.evaluation.summary import summary_of
from segue.evaluation.track_sets import TrackSets
from segue.features.listens import training_part
from segue.flows.board_files import check_files, write_board
from tests.data_sets import listens


def _data_board() -> DataBoard:
    """Eight listeners; “good” finds what is right, “popular” finds it half the time."""
    data = listens([(f"u{i}", f"t{j}") for i in range(8) for j in range(i % 3 + 1)])
    judge = Judge.of(training_part(data, np.ones(len(data), bool)), (1, 2), repeats=False)
    right = TrackSets.of_pairs(
        np.arange(8), np.arange(8) % 2, n_rows=8, n_tracks=len(data.catalogue)
    )
    heard = TrackSets.empty(8, len(data.catalogue))
    found = {"good": CaseValues(), "popular": CaseValues()}
    judge.add(
        found["good"], np.stack([np.arange(8) % 2] * 2, 1).astype(np.int32), right, history=heard
    )
    judge.add(found["popular"], np.zeros((8, 2), np.int32), right, history=heard)
    for values in found.values():
        values.close()
    against, made = scores(found, np.arange(8), ks=(1, 2), seed=1)
    effort = Effort(1.0, 0.5, 10**8, 2 * 10**8, 8)
    return DataBoard(
        "made by hand",
        {"rows": len(data), "split": "files as given"},
        (1,),
        against,
        made,
        {},
        {"good": effort, "popular": effort},
        {"mute": "it has nothing to say"},
    )


def _own_board() -> Leaderboard:
    def row(model: str, value: float, part: str = "all") -> Row:
        one = Estimate(value, value / 2, 1.5 * value)
        names = ("recall", "precision", "ndcg", "mrr", "hit_rate", "map")
        metrics = {**dict.fromkeys(names, one), "hit_rate": Estimate(1.0, 1.0, 1.0)}
        return Row(model, part, 10, 4, metrics, 0.2)

    rows = (row("als", 0.4), row("popular", 0.1), row("als", 0.2, "discoveries"))
    return Leaderboard("s", ("me",), {}, 4, rows, {"als": 2.0})


def test_scores_are_means_with_paired_differences() -> None:
    board = _data_board()
    good, popular = board.score("good", 1), board.score("popular", 1)
    assert (board.against, good.metrics["recall"].value, good.differences) == ("good", 1.0, {})
    assert popular.metrics["recall"].value == 0.5
    assert popular.differences["recall"].value == -0.5
    assert popular.differences["recall"].low < -0.5 < popular.differences["recall"].high < 0
    assert good.coverage == pytest.approx(2 / 3)
    assert "miscalibration" not in good.metrics  # nobody told genres
    with pytest.raises(KeyError):
        board.score("good", 7)


def test_markdown_has_a_table_for_each_length(tmp_path: Path) -> None:
    write_board(_data_board(), markdown=tmp_path / "board.md")
    text = (tmp_path / "board.md").read_text(encoding="utf-8")
    assert "## Everything held out, first 1" in text
    assert "## Everything held out, first 2" in text
    assert "| popular (baseline) | 0.5000 (" in text
    assert "**-0.5000 (" in text  # the interval does not hold zero
    assert "mute is not compared: it has nothing to say." in text
    assert "| good | 1.00 | 0.50 | 200 |" in text
    assert list(tmp_path.iterdir()) == [tmp_path / "board.md"]


@pytest.mark.parametrize(
    ("board", "axis"),
    [(_own_board(), "NDCG@10"), (_data_board(), "MRR@1")],  # one track is right in the second
    ids=["own", "data set"],
)
def test_pictures_show_every_model(
    board: Leaderboard | DataBoard, axis: str, tmp_path: Path
) -> None:
    write_board(board, picture=tmp_path / "board.svg")
    drawn = (tmp_path / "board.svg").read_text(encoding="utf-8")
    for entry in summary_of(board).panels[0].entries:
        assert f">{entry.model}</text>" in drawn
    assert axis in drawn
    assert ("what was new (4 lists)" in drawn) == isinstance(board, Leaderboard)
    write_board(board, picture=tmp_path / "board.png")
    assert (tmp_path / "board.png").read_bytes().startswith(b"\x89PNG")


def test_what_listed_nothing_is_no_entry() -> None:
    zero = Estimate(0.0, 0.0, 0.0)
    mute = Row("mute", "all", 10, 4, dict.fromkeys(("recall", "ndcg"), zero), 0.0)
    own = _own_board()
    told = summary_of(Leaderboard("s", ("me",), {}, 4, (*own.rows, mute)))
    assert [entry.model for entry in told.panels[0].entries] == ["als", "popular"]


def test_files_that_cannot_be_written_are_told_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such kind"):
        check_files(None, tmp_path / "board.gif")
    with pytest.raises(SinkError, match="no such folder"):
        check_files(tmp_path / "nowhere" / "board.md", None)
    with pytest.raises(SinkError, match="no list had a hit"):
        write_board(Leaderboard("s", (), {}, 4, ()), picture=tmp_path / "board.png")


def test_estimates_in_json_are_numbers() -> None:
    for row in _data_board().as_dict()["rows"]:
        assert all(math.isfinite(one["value"]) for one in row["metrics"].values())
