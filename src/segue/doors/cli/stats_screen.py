"""Statistics on a terminal: a screen that is read at a glance, or tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from segue.palette import SERIES

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from segue.analytics.rhythm import Clock
    from segue.analytics.sections import Section
    from segue.analytics.statistics import Statistics
    from segue.analytics.tops import Ranked
    from segue.analytics.totals import Timeline

__all__ = ["print_stats"]

_WIDEST: Final = 108
_NARROW: Final = 76
_SHADES: Final = "·░▒▓█"
_STEPS: Final = " ▁▂▃▄▅▆▇█"
_COLOUR: Final = SERIES[4]
_BAR: Final = 8


def print_stats(told: Statistics) -> None:
    """The summary as one screen, every other view as tables."""
    from segue.analytics.sections import facts, headline, sections_of

    console = _console()
    title, days = headline(told)
    same = days == told.window.label
    console.print(f"[bold]{_safe(title)}[/]" + ("" if same else f"  [dim]{days}[/]"))
    parts = []
    for number, noun, moved in facts(told):
        tail = f" [dim]{moved}[/]" if moved else ""
        parts.append(f"[bold]{number}[/] {noun}{tail}")
    for line in _lines(parts, console):
        console.print(line)
    if told.before is not None:
        console.print("[dim]▲▼ against the window before[/]")
    console.print()
    if told.asked.view == "summary":
        _summary(told, console)
        return
    for section in sections_of(told):
        if told.clock is not None:
            _print_clock(told.clock, section, console)
        else:
            _print_section(section, console)


def _console() -> Console:
    from rich.console import Console

    console = Console(highlight=False, emoji=False, file=sys.stdout)
    console.width = min(console.width, _WIDEST)
    return console


def _lines(parts: Sequence[str], console: Console) -> Iterator[str]:
    """Parts beside each other, as many as fit; none is torn apart."""
    line = ""
    for part in parts:
        longer = f"{line}   {part}" if line else part
        if line and len(console.render_str(longer)) > console.width:
            yield line
            longer = part
        line = longer
    yield line


def _safe(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _summary(told: Statistics, console: Console) -> None:
    from rich.table import Table

    from segue.analytics.sections import HEADINGS, sentences

    across = 1 if console.width < _NARROW else 2
    room = console.width // across - 2
    boxes: list[RenderableType] = [
        _places(HEADINGS[of], places, told.asked.by, room)
        for of, places in told.top.items()
        if places
    ]
    if told.timeline is not None:
        boxes.append(_over_time(told.timeline, room))
    if told.clock is not None:
        boxes.append(_small_clock(told.clock))
    for row in _rows_of(boxes, across):
        grid = Table.grid(padding=(0, 4, 0, 0))
        for _ in row:
            grid.add_column(width=room - 2)
        grid.add_row(*row)
        console.print(grid)
        console.print()
    words = Table.grid(padding=(0, 2, 0, 0))
    words.add_column(style="bold", no_wrap=True)
    words.add_column()
    for lead, sentence in sentences(told):
        words.add_row(lead, _safe(sentence))
    console.print(words)


def _rows_of(boxes: Sequence[RenderableType], across: int) -> Iterator[Sequence[RenderableType]]:
    for start in range(0, len(boxes), across):
        yield boxes[start : start + across]


def _places(heading: str, places: Sequence[Ranked], by: str, room: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    from segue.analytics.words import duration

    amounts = [place.ms_played if by == "time" else place.plays for place in places]
    texts = [duration(n) if by == "time" else f"{n:,}" for n in amounts]
    widest = max(len(text) for text in texts)
    table = Table.grid(padding=(0, 1, 0, 0))
    table.title, table.title_justify, table.title_style = heading, "left", "bold"
    table.add_column(justify="right", style="dim", width=2)
    table.add_column(width=room - _BAR - widest - 8, no_wrap=True, overflow="ellipsis")
    table.add_column(width=_BAR, style=_COLOUR, no_wrap=True)
    table.add_column(justify="right", width=widest, no_wrap=True)
    for place, amount, text in zip(places, amounts, texts, strict=True):
        name = Text(place.name or "(no name)")
        if place.artist:
            name.append(f"  {place.artist}", style="dim")
        table.add_row(str(place.rank), name, _bar(amount, amounts[0]), text)
    return table


def _bar(amount: int, most: int) -> str:
    """A bar of blocks, to an eighth of a character."""
    eighths = round(_BAR * 8 * amount / most) if most else 0
    whole, rest = divmod(max(1, eighths), 8)
    return "█" * whole + ("" if not rest else "▏▎▍▌▋▊▉"[rest - 1])


def _over_time(told: Timeline, room: int) -> Table:
    from rich.table import Table

    from segue.analytics.periods import name_of

    periods = told.periods[-(room - 2) :]
    most = max((period.plays for period in periods), default=0)
    best = max(periods, key=lambda period: period.plays)
    line = "".join(_step(period.plays, most) for period in periods)
    table = Table.grid()
    table.title, table.title_style, table.title_justify = f"By {told.every}", "bold", "left"
    table.add_column(no_wrap=True)
    table.add_row(f"[{_COLOUR}]{line}[/]")
    ends = (name_of(periods[0].begins, told.every), name_of(periods[-1].begins, told.every))
    gap = " " * max(1, len(line) - len(ends[0]) - len(ends[1]))
    table.add_row(f"[dim]{ends[0]}{gap}{ends[1]}[/]")
    table.add_row("")
    table.add_row(f"Most: {name_of(best.begins, told.every)}, {best.plays:,} plays")
    return table


def _step(amount: int, most: int) -> str:
    return _STEPS[-(-amount * (len(_STEPS) - 1) // most)] if most else " "


def _small_clock(told: Clock) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 1, 0, 0))
    table.title, table.title_style, table.title_justify = "Hours of the week", "bold", "left"
    table.add_column(style="dim")
    table.add_column(style=_COLOUR, no_wrap=True)
    for name, cells in _shaded(told):
        table.add_row(name, cells)
    table.add_row("", "[dim]0     6     12    18    [/]")
    return table


def _shaded(told: Clock, wide: int = 1) -> Iterator[tuple[str, str]]:
    from segue.analytics.rhythm import WEEKDAYS

    most = max(max(row) for row in told.plays)
    for name, row in zip(WEEKDAYS, told.plays, strict=True):
        shades = (_SHADES[-(-n * (len(_SHADES) - 1) // most)] if most else "·" for n in row)
        yield name, "".join(shade * wide for shade in shades)


def _print_clock(told: Clock, section: Section, console: Console) -> None:
    """The table of numbers is for Markdown and JSON; a screen shows shades."""
    from rich.table import Table

    wide = 3 if console.width >= _NARROW + 4 else 1
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(style="dim")
    table.add_column(style=_COLOUR, no_wrap=True)
    table.add_column(justify="right")
    for (name, cells), row in zip(_shaded(told, wide), told.plays, strict=True):
        table.add_row(name, cells, f"{sum(row):,}")
    marks = "".join(f"{hour:<{6 * wide}}" for hour in (0, 6, 12, 18))
    table.add_row("", f"[dim]{marks}[/]", "")
    console.print(f"[bold]{section.title}[/]")
    console.print(table)
    console.print(section.note)


def _print_section(section: Section, console: Console) -> None:
    from rich import box
    from rich.table import Table

    console.print(f"[bold]{_safe(section.title)}[/]")
    if section.rows:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
        for name in section.columns:
            text = name.removeprefix("#").strip()
            is_number = name.startswith("#")
            table.add_column(
                text,
                justify="right" if is_number else "left",
                no_wrap=is_number,
                overflow="ellipsis" if is_number else "fold",
            )
        for row in section.rows:
            table.add_row(*(_safe(cell) for cell in row))
        console.print(table)
    if section.note:
        console.print(f"[dim]{_safe(section.note)}[/]")
    console.print()
