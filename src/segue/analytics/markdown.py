"""Statistics as a page of Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from segue.analytics.sections import Section, facts, headline, sections_of, sentences
from segue.analytics.statistics import Statistics

__all__ = ["markdown_page"]


def markdown_page(told: Statistics) -> str:
    """A title, the sums, and a table for each part."""
    title, days = headline(told)
    sums = ", ".join(
        f"{number} {noun}{f' ({moved})' if moved else ''}" for number, noun, moved in facts(told)
    )
    lines = [f"# {title}", "", f"{days}: {sums}.", ""]
    if told.asked.view == "summary":
        lines += [f"- **{lead}.** {text}" for lead, text in sentences(told)] + [""]
    for section in sections_of(told):
        lines += _table(section)
    return "\n".join(lines).rstrip() + "\n"


def _table(section: Section) -> list[str]:
    lines = [f"## {section.title}", ""]
    if section.rows:
        lines += [
            _row([name.removeprefix("# ") for name in section.columns]),
            _row(["---:" if name.startswith("#") else "---" for name in section.columns]),
            *(_row(row) for row in section.rows),
            "",
        ]
    return [*lines, section.note, ""] if section.note else lines


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
