"""The pages: a file each, that adds its own addresses."""

from __future__ import annotations

from typing import Final

from segue.doors.web.pages import Pages
from segue.doors.web.views import (
    connect,
    feedback,
    for_you,
    history,
    house_people,
    kept_playlists,
    left_out,
    people,
    playlists,
    publish,
    reports,
    search,
    settings,
    start,
    status,
    taste,
)

__all__ = ["every_page"]

_ALL: Final = (
    for_you,
    search,
    playlists,
    publish,
    history,
    taste,
    reports,
    start,
    status,
    settings,
    house_people,
    kept_playlists,
    left_out,
    connect,
    people,
    feedback,
)


def every_page(pages: Pages) -> None:
    """Register all pages."""
    for one in _ALL:
        one.add_to(pages)
