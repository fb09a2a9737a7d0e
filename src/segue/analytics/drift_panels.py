"""The panels that show how taste moved: shares by period, what rose and fell, how sound changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from segue.analytics.drift import Drift, Mix, Shift
from segue.analytics.lettering import cut
from segue.analytics.panels import ROOM, heading, rows_of, time_axis
from segue.analytics.words import share
from segue.palette import FALL, INK, MUTED, RISE, SERIES, SIZES

__all__ = ["drift_panels"]

_NAMES: Final = 140
_ROW: Final = 24
_TEXTS: Final = 108
_FEATURES: Final = 6


def drift_panels(told: Drift) -> Iterator[Any]:
    """Genres by period, what moved between the two spans, and the sound."""
    if any(mix.genres for mix in told.periods):
        yield _areas(told.periods, told.every)
    spans = " against ".join(told.compared)
    for what, shift in (("genres", told.genres), ("artists", told.artists)):
        if shift.rose or shift.fell:
            yield _moved(what, shift, spans)
    if told.sound:
        yield _sound(told, spans)


def _areas(mixes: Sequence[Mix], every: str) -> Any:
    import altair as alt

    names = list(dict.fromkeys(name for mix in mixes for name in mix.genres if name != "other"))
    names += ["other"] if any("other" in mix.genres for mix in mixes) else []
    rows = [
        {
            "from": f"{mix.begins.isoformat()}T00:00:00",
            "genre": name,
            "order": n,
            "share": mix.genres.get(name, 0),
        }
        for mix in mixes
        if mix.genres
        for n, name in enumerate(names)
    ]
    colours = [*SERIES[: len(names) - 1], SERIES[-1]] if names[-1] == "other" else SERIES
    chart = (
        rows_of(rows)
        .mark_area(opacity=1, stroke="white", strokeWidth=0.6)
        .encode(
            x=time_axis("from:T"),
            y=alt.Y(
                "share:Q",
                stack="zero",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(
                    title=None,
                    format="%",
                    tickCount=3,
                    grid=False,
                    domain=False,
                    ticks=False,
                    orient="right",
                    labelBaseline="bottom",
                ),
            ),
            color=alt.Color(
                "genre:N",
                scale=alt.Scale(domain=names, range=list(colours[: len(names)])),
                legend=alt.Legend(title=None, orient="bottom", columns=3, offset=8, labelLimit=110),
            ),
            order=alt.Order("order:Q"),
        )
    )
    return chart.properties(width=ROOM - 40, height=170, title=heading(f"Genres by {every}"))


def _moved(what: str, shift: Shift, spans: str) -> Any:
    """What took another share of the plays."""
    apart = shift.distance
    far = "" if apart is None else f"distance {apart.value:.2f}"
    if apart is not None and apart.by_chance is not None:
        far += f", by chance {apart.by_chance:.2f}"
    rows = [
        (
            moved.name,
            moved.share - moved.share_before,
            f"{share(moved.share_before)} → {share(moved.share)}",
        )
        for moved in (*shift.rose, *shift.fell[::-1])
    ]
    return _diverging(what.capitalize(), [spans, far], rows)


def _sound(told: Drift, spans: str) -> Any:
    """Which audio features moved most."""
    rows = [
        (
            each.name,
            each.shift,
            f"{_mean(each.name, each.mean_before)} → {_mean(each.name, each.mean)}",
        )
        for each in told.sound[:_FEATURES]
    ]
    note = "bars: standard deviations (0.2 is small, 0.8 is large)"
    return _diverging("Sound", [spans, note], rows, least=0.2)


def _mean(name: str, value: float) -> str:
    return f"{value:.0f}" if name in ("year", "tempo") else f"{value:.2f}"


def _diverging(
    title: str, subtitle: list[str], rows: Sequence[tuple[str, float, str]], *, least: float = 0.0
) -> Any:
    """Bars to the left for less and to the right for more, the widest as wide as there is room."""
    import altair as alt

    values = [
        {
            "n": n,
            "name": cut(name, (_NAMES - 8) / SIZES["text"]),
            "change": amount,
            "way": "rose" if amount >= 0 else "fell",
            "text": text,
        }
        for n, (name, amount, text) in enumerate(rows)
    ]
    most = max(least, *(abs(amount) for _, amount, _ in rows))
    scale = alt.Scale(domain=[-most, most], range=[_NAMES, ROOM - _TEXTS])
    colours = alt.Scale(domain=["rose", "fell"], range=[RISE, FALL])
    base = rows_of(values).encode(y=alt.Y("n:O", axis=None))
    text = {"baseline": "middle", "fontSize": SIZES["text"]}
    chart = alt.layer(
        base.mark_bar(height=10, cornerRadius=2).encode(
            x=alt.X("change:Q", axis=None, scale=scale),
            color=alt.Color("way:N", scale=colours, legend=None),
        ),
        base.mark_text(**text, align="left", x=0, color=INK).encode(text="name:N"),
        base.mark_text(**text, align="right", x=ROOM, color=INK).encode(text="text:N"),
    )
    top = heading(title)
    top.subtitle = [line for line in subtitle if line]
    top.subtitleColor, top.subtitleFontSize, top.subtitlePadding = MUTED, SIZES["label"], 4
    return chart.properties(width=ROOM, height=_ROW * len(values), title=top)
