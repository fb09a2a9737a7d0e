"""A leaderboard as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from segue.evaluation.beyond_accuracy import BEYOND
from segue.evaluation.bootstrap import Estimate
from segue.evaluation.list_metrics import ACCURACY
from segue.evaluation.summary import METRIC_NAMES, Entry, Panel, Summary

__all__ = ["markdown_lines"]

_LEADS: Final = "ndcg"


def markdown_lines(told: Summary) -> list[str]:
    """The page, a line a line: how it was made, a table for each panel, and what it cost.

    An estimate is told with its 95 % bootstrap interval; “less best” is the difference to the
    first of the table over the same cases, in bold where its interval does not hold zero.
    """
    lines = [f"# {told.title}", ""]
    lines += [f"- {name}: {value}" for name, value in told.facts.items()]
    for panel in told.panels:
        lines += ["", f"## {panel.title[:1].upper()}{panel.title[1:]}, first {panel.k}", ""]
        lines += [*_table(panel), "", f"{panel.cases:,} lists."]
        beyond = list(_beyond(panel))
        lines += ["", *beyond] if beyond else []
    if told.costs:
        lines += ["", "## Cost", "", *_costs(told)]
    lines += ["", *(f"{note}." for note in told.notes)] if told.notes else []
    return lines


def _table(panel: Panel) -> Iterator[str]:
    yield _row(["model", *(f"{METRIC_NAMES[name]}@{panel.k}" for name in ACCURACY), "less best"])
    yield _row(["---", *("---:" for _ in ACCURACY), "---:"])
    for entry in panel.entries:
        values = [_told(entry.metrics[name]) for name in ACCURACY]
        yield _row([_name(entry), *values, _difference(entry)])


def _beyond(panel: Panel) -> Iterator[str]:
    """What the lists are like, where that was measured."""
    told = [name for name in BEYOND if any(name in entry.metrics for entry in panel.entries)]
    if not told:
        return
    yield _row(["model", "Coverage", *(METRIC_NAMES[name] for name in told)])
    yield _row(["---", "---:", *("---:" for _ in told)])
    for entry in panel.entries:
        covered = "" if entry.coverage is None else f"{entry.coverage:.3f}"
        values = [
            f"{entry.metrics[name].value:.3f}" if name in entry.metrics else "" for name in told
        ]
        yield _row([_name(entry), covered, *values])


def _costs(told: Summary) -> Iterator[str]:
    yield _row(["model", "training, s", "answering, s", "peak memory, MB"])
    yield _row(["---", "---:", "---:", "---:"])
    for model, (train, answer, peak) in told.costs.items():
        yield _row(
            [
                model,
                f"{train:.2f}",
                "" if answer is None else f"{answer:.2f}",
                "" if peak is None else f"{peak / 1e6:,.0f}",
            ]
        )


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _name(entry: Entry) -> str:
    return f"{entry.model} (baseline)" if entry.is_baseline else entry.model


def _told(estimate: Estimate) -> str:
    return f"{estimate.value:.4f} ({estimate.low:.4f}–{estimate.high:.4f})"


def _difference(entry: Entry) -> str:
    less = entry.differences.get(_LEADS)
    if less is None:
        return ""
    text = f"{less.value:+.4f} ({less.low:+.4f} … {less.high:+.4f})"
    return f"**{text}**" if less.low > 0 or less.high < 0 else text
