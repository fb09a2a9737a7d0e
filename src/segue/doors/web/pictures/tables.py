"""The numbers of a picture as an HTML table, for those who would rather read them."""

from __future__ import annotations

from html import escape

from segue.analytics.sections import Section

__all__ = ["table_html"]


def table_html(section: Section) -> str:
    """A table with a caption and column heads; names from outside are escaped."""
    numeric = [name.startswith("#") for name in section.columns]
    head = "".join(
        f'<th scope="col"{_kind(is_number)}>{escape(name.removeprefix("#").strip())}</th>'
        for name, is_number in zip(section.columns, numeric, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_kind(is_number)}>{escape(cell)}</td>"
            for cell, is_number in zip(row, numeric, strict=True)
        )
        + "</tr>"
        for row in section.rows
    )
    return (
        f"<table><caption>{escape(section.title)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _kind(is_number: bool) -> str:
    return ' class="number"' if is_number else ""
