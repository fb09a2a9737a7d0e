"""A picture as a page of its own, with its numbers as tables below; no script, no other file."""

from __future__ import annotations

from html import escape
from typing import Final

from segue.analytics.sections import Section, headline, sections_of, sentences
from segue.analytics.statistics import Statistics
from segue.palette import FONT, INK, LINE, MUTED, PAPER, WIDTH

__all__ = ["page"]

_STYLE: Final = f"""
  body {{ margin: 0 auto; max-width: {WIDTH + 160}px; padding: 0 12px 40px; background: {PAPER};
    color: {INK}; font: 15px/1.5 {FONT}; }}
  svg {{ width: 100%; height: auto; display: block; }}
  summary {{ cursor: pointer; color: {MUTED}; padding: 12px 0; }}
  .wide {{ overflow-x: auto; }}
  table {{ border-collapse: collapse; width: 100%; }}
  th {{ text-align: left; color: {MUTED}; font-weight: normal; }}
  td, th {{ padding: 4px 8px 4px 0; border-bottom: 1px solid {LINE}; vertical-align: top; }}
  .number {{ text-align: right; white-space: nowrap; }}
  p {{ margin: 8px 0; }}
"""


def page(told: Statistics, drawing: str) -> str:
    """A whole HTML page.

    Args:
        told: What is drawn.
        drawing: The picture as SVG.
    """
    title = escape(" · ".join(dict.fromkeys(headline(told))))
    # the picture's own size gives way to the page's
    svg = drawing.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
    words = "".join(
        f"<p><b>{escape(lead)}.</b> {escape(text)}</p>" for lead, text in sentences(told)
    )
    tables = "".join(_table(section) for section in sections_of(told))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{svg}\n{words}\n"
        f"<details><summary>The numbers as tables</summary>{tables}</details>\n</body>\n</html>\n"
    )


def _table(section: Section) -> str:
    classes = ['class="number"' if name.startswith("#") else "" for name in section.columns]
    head = "".join(
        f"<th {kind}>{escape(name.removeprefix('#').strip())}</th>"
        for name, kind in zip(section.columns, classes, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td {kind}>{escape(cell)}</td>" for cell, kind in zip(row, classes, strict=True)
        )
        + "</tr>"
        for row in section.rows
    )
    note = f"<p>{escape(section.note)}</p>" if section.note else ""
    return (
        f"<h2>{escape(section.title)}</h2>"
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{note}"
    )
