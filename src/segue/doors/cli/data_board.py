"""A data set's leaderboard, as tables for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from segue.evaluation.data_board import DataBoard, Score

__all__ = ["data_board_lines"]

_PARTS: Final = {
    "all": "Everything held out",
    "repeats": "Of it, what had been heard before",
    "discoveries": "Of it, what was new to the listener",
    "warm_tracks": "Tracks with more than five listeners",
    "cold_tracks": "Tracks with five listeners or fewer",
    "warm_listeners": "Listeners of more than five tracks",
    "cold_listeners": "Listeners of five tracks or fewer",
}
_METRICS: Final = {
    "recall": "recall",
    "precision": "precis.",
    "ndcg": "NDCG",
    "mrr": "MRR",
    "hit_rate": "hits",
    "map": "MAP",
}
_BEYOND: Final = {
    "novelty": "novelty",
    "diversity": "divers.",
    "repeat_share": "repeats",
    "miscalibration": "miscal.",
}
_WIDTH: Final = 9
_NAME: Final = 26


def data_board_lines(board: DataBoard) -> list[str]:
    """Facts, one table for each length, what lists are like, what they cost, then the parts."""
    lines = [f"{board.data_set}: " + ", ".join(_facts(board)), ""]
    ks = list(dict.fromkeys(score.k for score in board.scores))
    for k in ks:
        rows = [score for score in board.scores if score.part == "all" and score.k == k]
        lines += [*_accuracy(rows, f"First {k} of each list ({rows[0].cases:,} lists)", board), ""]
    lines += [*_beyond(board, ks[0]), "", *_efforts(board)]
    for part, title in _PARTS.items():
        rows = [score for score in board.scores if score.part == part and score.k == ks[0]]
        if part != "all" and rows and any(score.metrics["recall"].value for score in rows):
            lines += ["", *_accuracy(rows, f"{title} (first {ks[0]}, {rows[0].cases:,} lists)")]
    for model, why in board.silent.items():
        lines.append(f"{model} is not compared: {why}")
    return lines


def _facts(board: DataBoard) -> Iterator[str]:
    for name, value in board.facts.items():
        yield f"{name} {_plain(value)}"
    if len(board.seeds) > 1:
        yield f"mean of {len(board.seeds)} seeds"


def _plain(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _accuracy(rows: list[Score], title: str, board: DataBoard | None = None) -> list[str]:
    head = "".join(f"{name:>{_WIDTH}}" for name in _METRICS.values())
    compared = f"   less {board.against} (NDCG)" if board and len(rows) > 1 else ""
    lines = [title, f"  {'':<{_NAME}}{head}   NDCG ± 95 %{compared}"]
    for row in rows:
        values = "".join(f"{row.metrics[name].value:>{_WIDTH}.4f}" for name in _METRICS)
        ndcg = row.metrics["ndcg"]
        line = f"  {_name(row.model):<{_NAME}}{values}        ± {(ndcg.high - ndcg.low) / 2:.4f}"
        if compared and "ndcg" in row.differences:
            less = row.differences["ndcg"]
            line += f"   {less.value:+.4f} ({less.low:+.4f} … {less.high:+.4f})"
        lines.append(line)
    return lines


def _name(model: str) -> str:
    from segue.evaluation.data_board import BASELINES

    return f"{model} (baseline)" if model in BASELINES else model


def _beyond(board: DataBoard, k: int) -> list[str]:
    rows = [score for score in board.scores if score.part == "all" and score.k == k]
    told = [name for name in _BEYOND if any(name in row.metrics for row in rows)]
    head = "".join(f"{_BEYOND[name]:>{_WIDTH}}" for name in told)
    lines = [f"What the first {k} are like", f"  {'':<{_NAME}}{'coverage':>{_WIDTH}}{head}"]
    for row in rows:
        values = "".join(
            f"{row.metrics[name].value:>{_WIDTH}.3f}" if name in row.metrics else " " * _WIDTH
            for name in told
        )
        lines.append(f"  {_name(row.model):<{_NAME}}{row.coverage or 0:>{_WIDTH}.3f}{values}")
    return lines


def _efforts(board: DataBoard) -> list[str]:
    lines = [
        "What it cost",
        f"  {'':<{_NAME}}{'train s':>{_WIDTH}}{'answer s':>{_WIDTH}}{'lists/s':>{_WIDTH}}"
        f"{'peak MB':>{_WIDTH}}",
    ]
    for model, cost in board.efforts.items():
        speed = cost.answers / cost.answer_seconds if cost.answer_seconds else 0.0
        peak = max(cost.fit_peak_bytes, cost.answer_peak_bytes) / 1e6
        lines.append(
            f"  {_name(model):<{_NAME}}{cost.fit_seconds:>{_WIDTH}.2f}"
            f"{cost.answer_seconds:>{_WIDTH}.2f}{speed:>{_WIDTH},.0f}{peak:>{_WIDTH},.0f}"
        )
    return lines
