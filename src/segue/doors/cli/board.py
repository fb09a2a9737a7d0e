"""A leaderboard, as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from segue.evaluation.leaderboard import Leaderboard, Row

__all__ = ["board_lines"]

_PARTS: Final = {
    "all": "Everything you played",
    "repeats": "What you knew already",
    "discoveries": "What was new to you",
}
_NAMES: Final = {"most_played": "most played", "session_knn": "sessions", "playlist": "PLAYLIST"}
_BASELINES: Final = ("most_played", "popular")


def board_lines(board: Leaderboard, k: int) -> list[str]:
    """One small table for each part of the evaluation, the best first.

    What had nothing to say to a part (a model that knows only your own tracks, asked for new ones)
    is left out of its table.
    """
    lines = []
    for part, title in _PARTS.items():
        rows = [row for row in board.rows if row.part == part and row.k == k and row.coverage > 0]
        if rows:
            lines += [*_table(title, rows, k), ""]
    if lines:
        lines = [*_legend(k), "", *lines]
    for user, why in board.left_out.items():
        lines.append(f"{user} is left out: {why}")
    if lines:
        lines += [f"{note}." for note in board.notes]
    return lines or ["There was nothing to compare."]


def _legend(k: int) -> list[str]:
    return [
        f"Lists of {k} tracks, compared with what was really played in the week after.",
        "hits: how many of them were; found: their share of all that was played;",
        "NDCG: 1 if every place is a hit, hits near the top counting more (± 95 %).",
    ]


def _table(title: str, rows: list[Row], k: int) -> list[str]:
    weeks = max(row.cases for row in rows)
    return [
        f"{title} ({weeks} held-out week{'s' if weeks != 1 else ''})",
        f"  {'':<24}{f'hits of {k}':>12}{'found':>8}{'NDCG':>8}",
        *(_line(row, k) for row in rows),
    ]


def _line(row: Row, k: int) -> str:
    ndcg = row.metrics["ndcg"]
    name = _NAMES.get(row.model, row.model) + (" (baseline)" if row.model in _BASELINES else "")
    return (
        f"  {name:<24}{k * row.metrics['precision'].value:>12.1f}"
        f"{row.metrics['recall'].value:>8.0%}{ndcg.value:>8.2f}"
        f"  ± {(ndcg.high - ndcg.low) / 2:.2f}"
    )
