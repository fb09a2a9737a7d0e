"""A leaderboard as a picture: a dot for each model, and a line for its interval."""

from __future__ import annotations

from typing import Any, Final

from segue.evaluation.summary import METRIC_NAMES, Panel, Summary

__all__ = ["PICTURES", "picture"]

PICTURES: Final = ("png", "svg")
"""Kinds of pictures, by the ending of the file's name."""

_SHOWN: Final = ("ndcg", "recall")
_SHOWN_OF_NEXT: Final = ("hit_rate", "mrr")
_FEWEST: Final = 20  # lists that a part of warm or cold needs to be drawn
_WIDTH: Final = 300
_ROW: Final = 22
_SCALE: Final = 2.0
_MODEL, _BASELINE = "#1f6f8b", "#9a8c7c"


def picture(told: Summary, kind: str) -> bytes:
    """Draw it: a row of panels for NDCG and recall at the first length, parts below each other.

    Where one track is right for every list, recall is the hit rate: then that and MRR are drawn.

    Args:
        told: What to draw.
        kind: One of PICTURES.
    """
    import altair as alt
    import vl_convert

    first = told.panels[0].k
    rows = [
        panel
        for panel in told.panels
        if panel.k == first
        and (panel.cases >= _FEWEST or not panel.part.startswith(("warm", "cold")))
    ]
    shown = _SHOWN_OF_NEXT if _is_of_next(told.panels[0]) else _SHOWN
    drawn_rows = [
        alt.hconcat(*(_panel(panel, name, leftmost=name == shown[0]) for name in shown))
        for panel in rows
    ]
    chart = (
        alt.vconcat(
            *drawn_rows,
            title=alt.TitleParams(
                [told.title],
                subtitle=_subtitle(told),
                anchor="start",
                fontSize=17,
                subtitleFontSize=12,
                subtitleColor="#555555",
                offset=14,
            ),
        )
        .resolve_scale(x="independent")
        .configure(background="white", padding=18, font="sans-serif")
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal")
    )
    described = chart.to_dict()
    if kind == "svg":
        drawn: str = vl_convert.vegalite_to_svg(described)
        return drawn.encode("utf-8")
    made: bytes = vl_convert.vegalite_to_png(described, scale=_SCALE)
    return made


def _subtitle(told: Summary) -> list[str]:
    wanted = ("split", "stage", "held out", "cases")
    facts = [f"{name}: {told.facts[name]}" for name in wanted if name in told.facts]
    return [
        " · ".join(facts),
        "dots: mean over lists; lines: 95 % bootstrap interval; grey: baselines",
    ]


def _is_of_next(panel: Panel) -> bool:
    return all(entry.metrics["recall"] == entry.metrics["hit_rate"] for entry in panel.entries)


def _panel(panel: Panel, metric: str, *, leftmost: bool) -> Any:
    import altair as alt

    name = f"{METRIC_NAMES[metric]}@{panel.k}"
    rows = [
        {
            "model": entry.model,
            "value": entry.metrics[metric].value,
            "low": entry.metrics[metric].low,
            "high": entry.metrics[metric].high,
            "label": f"{entry.metrics[metric].value:.3f}",
            "kind": "baseline" if entry.is_baseline else "model",
        }
        for entry in panel.entries
    ]
    order = [entry.model for entry in panel.entries]
    y = alt.Y(
        "model:N",
        sort=order,
        title=None,
        axis=alt.Axis(labels=leftmost, ticks=False, domain=False, labelLimit=200, labelPadding=8),
    )
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=["model", "baseline"], range=[_MODEL, _BASELINE]),
        legend=None,
    )
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=y, color=colour)
    axis = alt.Axis(grid=True, gridColor="#e6e6e6", domain=False, ticks=False, tickCount=5)
    room = 1.18 * max(entry.metrics[metric].high for entry in panel.entries) or 1.0
    scale = alt.Scale(domain=[0, room], nice=False)
    lines = base.mark_rule(strokeWidth=2.5).encode(
        x=alt.X("low:Q", title=name, axis=axis, scale=scale), x2="high:Q"
    )
    dots = base.mark_circle(size=70, opacity=1).encode(x="value:Q")
    texts = base.mark_text(align="left", dx=6, fontSize=11).encode(x="high:Q", text="label:N")
    title = f"{panel.title} ({panel.cases:,} lists)" if leftmost else ""
    return (lines + dots + texts).properties(
        width=_WIDTH,
        height=max(_ROW * len(rows), 2 * _ROW),
        title=alt.TitleParams(title, anchor="start", fontSize=13, fontWeight="normal"),
    )
