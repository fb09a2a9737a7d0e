"""Small drawings for actions and pages: lines of one weight on a field of 24 by 24."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from markupsafe import Markup

__all__ = ["icon"]

_PATHS: Final[Mapping[str, str]] = {
    "sparkle": "M12 4.5c.6 4.6 2.9 6.9 7.5 7.5-4.6.6-6.9 2.9-7.5 7.5-.6-4.6-2.9-6.9-7.5-7.5"
    " 4.6-.6 6.9-2.9 7.5-7.5Z",
    "search": "M10.8 4.8a6 6 0 1 1 0 12 6 6 0 0 1 0-12ZM15.2 15.2l4.3 4.3",
    "map": "M5 17.5c2.2-6 4.6-9 7-9s3 3 7 1M7 7h.01M17 15.5h.01M12.5 13h.01M5 5v14h14",
    "clock": "M12 4.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15ZM12 8v4.2l2.8 1.6",
    "report": "M5 19V11M10 19V5M15 19v-6M20 19V8.5",
    "list": "M5 7h10M5 12h10M5 17h6M19 8v8.5M19 16.5a1.7 1.7 0 1 1-1.7-1.7",
    "plus": "M12 5v14M5 12h14",
    "minus": "M5 12h14",
    "whole": "M5 9.5V5h4.5M14.5 5H19v4.5M19 14.5V19h-4.5M9.5 19H5v-4.5",
    "pulse": "M4 12.5h3.5l2.5-6.5 4 12 2.5-5.5H20",
    "sliders": "M5 8h8M17 8h2M15 6v4M5 16h2M11 16h8M9 14v4",
    "more": "M5.5 11.6v.8M12 11.6v.8M18.5 11.6v.8",
    "like": "M12 19.2C7.4 15.9 4.8 13 4.8 9.8 4.8 7.5 6.5 6 8.4 6c1.5 0 2.8.9 3.6"
    " 2.3C12.8 6.9 14.1 6 15.6 6c1.9 0 3.6 1.5 3.6 3.8 0 3.2-2.6 6.1-7.2 9.4Z",
    "less": "M12 4.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15ZM8.7 12h6.6",
    "known": "M5 12.8l4.4 4.2L19 7.3",
    "hide": "M4.5 12S7.3 7 12 7s7.5 5 7.5 5-2.8 5-7.5 5-7.5-5-7.5-5ZM5.5 18.5l13-13",
    "not_me": "M10 5a3.3 3.3 0 1 1 0 6.6A3.3 3.3 0 0 1 10 5ZM4.5 19c.4-3 2.5-4.8"
    " 5.5-4.8 1.4 0 2.6.4 3.5 1.1M15.5 15.5l4 4M19.5 15.5l-4 4",
    "down": "M6.5 9.5l5.5 5.5 5.5-5.5",
    "undo": "M8.5 6.5 5 10l3.5 3.5M5 10h8.7a4.8 4.8 0 0 1 0 9.5H10",
    "near": "M12 9.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5ZM12 4v2M12 18v2M4 12h2M18 12h2",
    "send": "M5 12h13M13 6.5l5.5 5.5-5.5 5.5",
    "renew": "M18.5 9A7 7 0 0 0 6 8M5.5 4.5V8.5H9.5M5.5 15A7 7 0 0 0 18 16M18.5 19.5v-4h-4",
    "sun": "M12 8.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7ZM12 3.5v1.5M12 19v1.5M3.5"
    " 12H5M19 12h1.5M6 6l1 1M17 17l1 1M18 6l-1 1M7 17l-1 1",
    "moon": "M19 14.2A7.5 7.5 0 0 1 9.8 5a7.5 7.5 0 1 0 9.2 9.2Z",
    "close": "M6.5 6.5l11 11M17.5 6.5l-11 11",
    "file": "M7 4.5h6.5l4 4V19.5H7ZM13.5 4.5v4h4",
    "out": "M14 7V5H5v14h9v-2M10 12h10M17 8.5l3.5 3.5-3.5 3.5",
    "person": "M12 5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7ZM5.5 19.5c.5-3.3 3-5 6.5-5s6 1.7 6.5 5",
}


@cache
def icon(name: str, *, size: int = 20) -> Markup:
    """A drawing that a screen reader passes over: what it means is said beside it.

    Args:
        size: In pixels, of both sides.
    """
    return Markup(
        '<svg class="icon" viewBox="0 0 24 24" width="{0}" height="{0}" aria-hidden="true"'
        ' focusable="false"><path d="{1}"/></svg>'
    ).format(size, _PATHS[name])
