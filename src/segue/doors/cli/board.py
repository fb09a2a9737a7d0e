"""A leaderboard, as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from segue.evaluation.leaderboard import Leaderboard, Row

__all__ = ["board_lines"]

_PARTS: Final = {
    "all": "Everything you played",
    "repeats": "What you had played before",
    "discoveries": "What was new to you",
}
_METRICS: Final = ("ndcg", "recall", "hit_rate")


def board_lines(board: Leaderboard, k: int) -> list[str]:
    """One small table for each part of the evaluation, the best model first."""
    lines = []
    for part, title in _PARTS.items():
        rows = [row for row in board.rows if row.part == part and row.k == k]
        if rows:
            lines += [*_table(title, rows, k), ""]
    for user, why in board.left_out.items():
        lines.append(f"{user} is left out: {why}")
    return lines or ["There was nothing to compare."]


def _table(title: str, rows: list[Row], k: int) -> list[str]:
    weeks = max(row.cases for row in rows)
    head = f"{title} ({weeks} held-out week{'s' if weeks != 1 else ''})"
    columns = "".join(f"{f'{name}@{k}'.replace('_', ' '):>14}" for name in _METRICS)
    return [
        head,
        f"  {'':<14}{columns}   95 % of NDCG",
        *(
            f"  {row.model:<14}"
            + "".join(f"{row.metrics[name].value:>14.3f}" for name in _METRICS)
            + f"   {row.metrics['ndcg'].low:.3f} – {row.metrics['ndcg'].high:.3f}"
            for row in rows
        ),
    ]
