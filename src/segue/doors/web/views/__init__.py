"""The pages: a file each, that adds its own addresses."""

from __future__ import annotations

from segue.doors.web.pages import Pages
from segue.doors.web.views import feedback, for_you, history

__all__ = ["every_page"]


def every_page(pages: Pages) -> None:
    """Register all pages."""
    for one in (for_you, history, feedback):
        one.add_to(pages)
