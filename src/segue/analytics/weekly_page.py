"""A weekly report as a page of its own, as Markdown, and as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from segue.analytics.outcomes import WINDOW_DAYS, TrackOutcome
from segue.analytics.pixels import png_of
from segue.analytics.tops import Ranked
from segue.analytics.weekly import Compared, WeeklyReport
from segue.analytics.weekly_drawing import big_numbers, panels, poster
from segue.analytics.words import count, share
from segue.palette import DARK, FONT, LIGHT, SCALE

__all__ = ["FORMATS", "markdown", "page", "picture", "plain_text"]

FORMATS: Final = ("html", "md", "png")
"""What a report can be written as, by the endings of the files."""

_TRACKS: Final = 30


def _variables(theme: dict[str, str]) -> str:
    return " ".join(f"--{name}:{colour};" for name, colour in theme.items())


_STYLE: Final = f"""
:root {{ color-scheme: light dark; {_variables(dict(LIGHT))} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_variables(dict(DARK))} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 880px; padding: 28px 18px 56px; background: var(--paper);
  color: var(--ink); font: 15px/1.5 {FONT}; }}
h1 {{ font-size: 30px; line-height: 1.2; margin: 0; }}
h2 {{ font-size: 17px; margin: 0 0 10px; }}
header p, footer, .quiet {{ color: var(--muted); }}
header p {{ margin: 4px 0 24px; }}
.numbers {{ display: flex; flex-wrap: wrap; gap: 14px 40px; margin: 0 0 30px; padding: 0;
  list-style: none; }}
.numbers b {{ display: block; font-size: 26px; line-height: 1.2; }}
.numbers small {{ display: block; color: var(--muted); font-size: 13px; }}
.panels {{ display: grid; gap: 34px 44px; grid-template-columns: repeat(auto-fit,
  minmax(min(100%, 330px), 1fr)); align-items: start; }}
svg {{ width: 100%; height: auto; display: block; overflow: visible; }}
.wide {{ overflow-x: auto; margin-top: 34px; }}
table {{ border-collapse: collapse; width: 100%; }}
th {{ text-align: left; color: var(--muted); font-weight: normal; }}
td, th {{ padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }}
.saved {{ color: var(--rise); }} .skipped {{ color: var(--fall); }}
footer {{ margin-top: 34px; font-size: 14px; }}
footer p {{ margin: 6px 0; }}
"""


def page(report: WeeklyReport) -> str:
    """A whole HTML page for light and dark; it holds no script and asks no other host."""
    title = f"Your week, {report.title}"
    numbers = "".join(
        f"<li><b>{escape(number)}</b>{escape(noun)}<small>{escape(moved)}</small></li>"
        for number, noun, moved in big_numbers(report)
    )
    drawn = "".join(
        f"<section><h2>{escape(panel.heading)}</h2>{panel.svg}</section>"
        for panel in panels(report)
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in (*report.notes, *_method(report)))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>Your week</h1><p>{escape(report.title)} · {escape(report.week)} · "
        f"{escape(report.user_id)}</p></header>\n"
        + (f'<ul class="numbers">{numbers}</ul>\n' if numbers else "")
        + (f'<div class="panels">{drawn}</div>\n' if drawn else "")
        + _compared(report.compared)
        + _table(report.recommended.tracks)
        + f"<footer>{notes}</footer>\n</body>\n</html>\n"
    )


def _compared(compared: Sequence[Compared]) -> str:
    if not compared:
        return ""
    rows = "".join(
        f'<tr><td>{escape(one.name)}<br><span class="quiet">{count(one.playlists, "playlist")}'
        f"</span></td>"
        + "".join(f"<td>{escape(side)}<br>{said}</td>" for side, said in _sides(one))
        + f"<td>{escape(one.verdict)}</td></tr>"
        for one in compared
    )
    return (
        '<div class="wide"><h2>Compared</h2><table><thead><tr><th>Experiment</th><th>A</th>'
        f"<th>B</th><th>Verdict so far</th></tr></thead><tbody>{rows}</tbody></table></div>\n"
    )


def _sides(one: Compared) -> list[tuple[str, str]]:
    """Each side with what became of its tracks, in words."""
    return [
        (side, f"{share(rate)} of {count(tracks, 'track')} heard out or liked, {won} pairs won")
        for side, rate, tracks, won in zip(
            one.sides, one.finished, one.tracks, one.wins, strict=True
        )
    ]


def _table(tracks: Sequence[TrackOutcome]) -> str:
    shown = [track for track in tracks if track.played or track.saved][:_TRACKS]
    if not shown:
        return ""
    rows = "".join(
        f"<tr><td>{escape(track.title or track.track_id)}<br>"
        f'<span class="quiet">{escape(track.artist or "")}</span></td>'
        f"<td>{escape(track.list_title)}</td>"
        f'<td class="{_state(track)}">{_words(track)}</td></tr>'
        for track in shown
    )
    return (
        '<div class="wide"><h2>Recommended, and heard</h2><table><thead><tr><th>Track</th>'
        f"<th>List</th><th>What became of it</th></tr></thead><tbody>{rows}</tbody></table></div>\n"
    )


def markdown(report: WeeklyReport) -> str:
    """The report as Markdown."""
    return "\n".join(_markdown(report)) + "\n"


def _markdown(report: WeeklyReport) -> Iterator[str]:
    yield f"# Your week, {report.title}"
    yield ""
    yield f"{report.week}, {_plain(report.user_id)}"
    for number, noun, moved in big_numbers(report):
        yield f"- **{number}** {noun}" + (f" ({moved})" if moved else "")
    for heading, places in _rankings(report):
        yield from ("", f"## {heading}", "")
        for place in places:
            by = f" – {_plain(place.artist)}" if place.artist else ""
            yield f"{place.rank}. {_plain(place.name or '(no name)')}{by}: {place.plays:,}"
    if report.moods:
        yield from ("", "## Moods", "")
        yield ", ".join(f"{mood.name} {share(mood.share)}" for mood in report.moods)
    if report.genres:
        yield from ("", "## Genres", "")
        yield ", ".join(f"{_plain(genre.id)} {share(genre.share)}" for genre in report.genres)
    if report.recommended.lists:
        yield from ("", "## What became of recommendations", "")
        yield "| List | Offered | Played | Finished | Skipped | Saved | New to you |"
        yield "|---|---:|---:|---:|---:|---:|---:|"
        for one in report.recommended.lists:
            n = one.counts
            yield (
                f"| {_plain(one.title)} ({_plain(one.where)}) | {n.offered} | {n.played}"
                f" | {n.finished} | {n.skipped} | {n.saved} | {n.new} |"
            )
    rated = [week for week in report.recommended.weeks if week.counts.hit_rate is not None]
    if rated:
        yield from ("", "## Hit rate by week", "")
        for week in rated:
            year, nth, _ = week.monday.isocalendar()
            goes_on = " (goes on)" if week.is_open else ""
            n = week.counts
            said = f"{share(n.hit_rate)}, {n.played} of {n.judged} tracks"
            yield f"- {year}-W{nth:02}: {said}{goes_on}"
    if report.compared:
        yield from ("", "## Compared", "")
        for trial in report.compared:
            (a, of_a), (b, of_b) = _sides(trial)
            yield _plain(
                f"{trial.name} ({count(trial.playlists, 'playlist')}): A, {a}: {of_a};"
                f" B, {b}: {of_b}. So far: {trial.verdict}."
            )
    for note in (*report.notes, *_method(report)):
        yield from ("", _plain(note))


def plain_text(report: WeeklyReport) -> str:
    """The report in a few lines."""
    lines = [f"Your week, {report.title}."]
    lines += [
        f"{number} {noun}" + (f" ({moved})" if moved else "")
        for number, noun, moved in big_numbers(report)
    ]
    for heading, places in _rankings(report):
        names = ", ".join(f"{place.name or '(no name)'} ({place.plays:,})" for place in places)
        lines.append(f"{heading}: {names}.")
    for one in report.recommended.lists:
        n = one.counts
        lines.append(
            f"{one.title} ({one.where}): {n.played} of {count(n.judged, 'track')} played,"
            f" {n.finished} to the end, {n.skipped} skipped, {n.saved} saved."
        )
    return "\n".join([*lines, *report.notes])


def picture(report: WeeklyReport) -> bytes:
    """The report as a PNG, 1,080 pixels wide."""
    return png_of(poster(report), scale=SCALE)


def _rankings(report: WeeklyReport) -> Iterator[tuple[str, tuple[Ranked, ...]]]:
    for heading, places in (
        ("Artists", report.artists),
        ("Tracks", report.tracks),
        ("New to you", report.found),
    ):
        if places:
            yield heading, places


def _method(report: WeeklyReport) -> tuple[str, ...]:
    if not report.recommended.lists and not report.recommended.weeks:
        return ()
    return (
        f"A recommended track counts as played when it was started within {WINDOW_DAYS} days after"
        " it was recommended; whether it would have been played anyway, nobody knows.",
    )


def _state(track: TrackOutcome) -> str:
    for name in ("saved", "finished", "skipped"):
        if getattr(track, name):
            return name
    return "played"


def _words(track: TrackOutcome) -> str:
    starts = "" if track.starts < 2 else f", {track.starts} times"
    known = "" if track.known else ", new to you"
    heard = "finished" if track.finished else "skipped" if track.skipped else "played"
    said = ["saved"] if track.saved else []
    said += [f"{heard}{starts}"] if track.played else []
    return ", ".join(said) + known


def _plain(text: str) -> str:
    """A text that Markdown shows as it is."""
    shown = "".join(f"\\{letter}" if letter in "\\`*_[]|~#" else letter for letter in text)
    return " ".join(shown.replace("<", "‹").split())
