"""Statistics as one picture, made for a phone: a title, big numbers, and a panel for each part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from segue.analytics import panels
from segue.analytics.drift_panels import drift_panels
from segue.analytics.sections import HEADINGS, facts, headline
from segue.analytics.statistics import Statistics
from segue.analytics.tops import Of
from segue.palette import FONT, INK, MUTED, PAPER, SCALE, SIZES

__all__ = ["PICTURES", "draw"]

PICTURES: Final = ("png", "svg", "html")
"""Kinds of pictures, by the ending of the file's name."""

_MARGIN: Final = 18
_FACTS: Final = 4


def draw(told: Statistics, kind: str) -> bytes:
    """Draw what was asked for.

    Args:
        told: What to draw.
        kind: One of PICTURES; html is a page with the picture and its numbers as tables.
    """
    import vl_convert

    described = _chart(told).to_dict()
    if kind == "png":
        made: bytes = vl_convert.vegalite_to_png(described, scale=SCALE)
        return made
    drawn: str = vl_convert.vegalite_to_svg(described)
    if kind == "svg":
        return drawn.encode("utf-8")
    from segue.analytics.page import page

    return page(told, drawn).encode("utf-8")


def _chart(told: Statistics) -> Any:
    import altair as alt

    title, days = headline(told)
    subtitle = [days] if days != told.window.label else []
    if told.before is not None:
        subtitle.append("▲▼ against the window before")
    return (
        alt.vconcat(
            *_panels(told),
            spacing=26,
            title=alt.TitleParams(
                [title],
                subtitle=subtitle,
                anchor="start",
                fontSize=SIZES["title"],
                fontWeight="bold",
                color=INK,
                subtitleFontSize=SIZES["text"],
                subtitleColor=MUTED,
                subtitlePadding=6,
                offset=16,
                limit=panels.ROOM,
            ),
        )
        .resolve_scale(color="independent", x="independent", y="independent")
        .configure(
            background=PAPER,
            font=FONT,
            padding={"left": _MARGIN, "right": _MARGIN, "top": _MARGIN, "bottom": _MARGIN + 4},
        )
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=MUTED,
            labelFontSize=SIZES["label"],
            titleColor=MUTED,
            titleFontSize=SIZES["label"],
            titleFontWeight="normal",
        )
        .configure_legend(
            labelColor=INK,
            labelFontSize=SIZES["label"],
            symbolType="square",
            symbolSize=110,
        )
        .configure_concat(columns=1)
    )


def _panels(told: Statistics) -> Iterator[Any]:
    yield panels.numbers(list(facts(told))[:_FACTS])
    places: list[tuple[str, Of, Any]] = [(HEADINGS[of], of, told.top[of]) for of in told.top]
    for heading, of, ranked in places:
        if ranked and (of != "albums" or told.asked.view == "top"):
            yield panels.ranking(heading, ranked, told.asked.by)
    if told.timeline is not None and told.asked.view == "summary":
        yield panels.over_time(told.timeline)
    if told.clock is not None:
        yield panels.clock(told.clock)
    if told.streaks is not None and told.asked.view == "streaks" and told.timeline is not None:
        yield panels.calendar(told.timeline, told.streaks)
    if told.new is not None:
        yield panels.newness(told.new)
    if told.asked.view == "skips":
        for of, ranked in told.skipped.items():
            if ranked:
                yield panels.counted(f"Most skipped {of}", ranked, "skips", "starts")
    if told.asked.view == "finished" and told.finished:
        yield panels.counted("Most finished tracks", told.finished, "finishes", "plays")
    if told.drift is not None:
        yield from drift_panels(told.drift)
    closing = list(panels.closing_facts(told))
    if closing:
        yield panels.numbers(closing)
