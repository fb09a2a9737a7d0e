"""The last comparison of models, as the page tells it: a sentence, and a table for each part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from segue.doors.web.working import ago
from segue.flows.kept_board import KeptBoard

__all__ = ["BoardLine", "BoardPart", "ToldBoard", "told_board"]

_PARTS: Final = (
    ("all", "All that was played"),
    ("discoveries", "What was new"),
    ("repeats", "What was known already"),
)
_NAMES: Final = {
    "als": "ALS, latent factors",
    "circles": "Circles of artists",
    "content": "Sound and genre",
    "ease": "EASE, tracks by tracks",
    "favourite": "Favourites",
    "hybrid": "Hybrid, learned from past weeks",
    "most_played": "Most played",
    "playlist": "Your playlists",
    "popular": "Popular",
    "rediscover": "Rediscover",
    "repeats": "Repeats",
    "session_knn": "Similar sessions",
}
_BASELINES: Final = ("most_played", "popular")


@dataclass(frozen=True, slots=True)
class BoardLine:
    """One model of a table.

    Args:
        hits: How many tracks of a list were played in the week after, in words.
        found: Share of all that was played, in words.
        ndcg: With hits near the top counting more.
        percent: The same against the best of the table, 0 … 100.
        verdict: What can be said of the difference to the best.
    """

    name: str
    hits: str
    found: str
    ndcg: str
    percent: int
    verdict: str
    is_baseline: bool
    is_playlist: bool


@dataclass(frozen=True, slots=True)
class BoardPart:
    """One table, the best first."""

    title: str
    weeks: str
    lines: tuple[BoardLine, ...]


@dataclass(frozen=True, slots=True)
class ToldBoard:
    """All of it.

    Args:
        words: What it comes to.
        k: Length of the lists.
        is_old: Whether something newer was built since.
    """

    when: str
    words: str
    k: int
    parts: tuple[BoardPart, ...]
    is_old: bool


def told_board(kept: KeptBoard, now: datetime, snapshot: str) -> ToldBoard | None:
    """The board in words; None: there was nothing to compare.

    Args:
        snapshot: What is published at the moment.
    """
    rows: Sequence[Mapping[str, Any]] = kept.told["rows"]
    k = max((row["k"] for row in rows), default=0)
    parts = []
    for part, title in _PARTS:
        mine = [row for row in rows if row["part"] == part and row["k"] == k and row["coverage"]]
        if mine:
            weeks = max(row["cases"] for row in mine)
            parts.append(
                BoardPart(title, f"{weeks} week{'s' * (weeks != 1)}", tuple(_lines(mine, k)))
            )
    if not parts:
        return None
    return ToldBoard(
        ago(kept.at, now),
        _summed_up(parts[0], k),
        k,
        tuple(parts),
        kept.told.get("snapshot") != snapshot,
    )


def _lines(rows: Sequence[Mapping[str, Any]], k: int) -> list[BoardLine]:
    best = max(_of(row, "ndcg") for row in rows)
    return [_line(row, k, best) for row in rows]


def _line(row: Mapping[str, Any], k: int, best: float) -> BoardLine:
    model, ndcg = row["model"], _of(row, "ndcg")
    behind = row["differences"].get("ndcg")
    verdict = ""
    if behind is not None:
        verdict = "behind" if behind["high"] < 0 else "as good, as far as can be told"
    return BoardLine(
        name=_NAMES.get(model, model.replace("_", " ").capitalize()),
        hits=f"{k * _of(row, 'precision'):.1f}",
        found=f"{_of(row, 'recall'):.0%}",
        ndcg=f"{ndcg:.3f}",
        percent=round(100 * ndcg / best) if best > 0 else 0,
        verdict=verdict if behind is not None else "the best",
        is_baseline=model in _BASELINES,
        is_playlist=model == "playlist",
    )


def _of(row: Mapping[str, Any], metric: str) -> float:
    return float(row["metrics"][metric]["value"])


def _summed_up(part: BoardPart, k: int) -> str:
    first = part.lines[0]
    words = (
        f"Of {k} tracks that “{first.name}” would have listed, {first.hits} were played in the week"
        f" after; that is the best of {len(part.lines)}, over {part.weeks} that the models did not"
        " know."
    )
    own = next((one for one in part.lines if one.is_playlist), None)
    if own is not None and own is not first:
        words += f" Your playlists: {own.hits}."
    return words
