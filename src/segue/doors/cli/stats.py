"""`segue stats`: what your history says of you, as a screen, JSON, Markdown or a picture."""

from __future__ import annotations

import difflib
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, User, call_of, now, print_json
from segue.doors.local_zone import machines_zone
from segue.errors import ConfigError

if TYPE_CHECKING:
    from segue.analytics.statistics import Asked

__all__ = ["add_to"]


class By(StrEnum):
    """What a ranking goes by."""

    plays = "plays"
    time = "time"


class Every(StrEnum):
    """How long a period is."""

    day = "day"
    week = "week"
    month = "month"
    quarter = "quarter"
    year = "year"


View = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[VIEW]",
        help="summary, top [artists|tracks|albums|genres], clock, streaks, new, skips, finished "
        "or drift.",
    ),
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="DAY", help="From this day, month or year on.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="DAY", help="Up to the end of it.")]
Last = Annotated[
    str | None,
    typer.Option("--last", metavar="LENGTH", help="30d, 4w, 12m or 1y, up to your last play."),
]
Year = Annotated[int | None, typer.Option("--year", metavar="YEAR", help="Such as 2024.")]
Month = Annotated[str | None, typer.Option("--month", metavar="MONTH", help="Such as 2024-05.")]
ByOption = Annotated[By, typer.Option("--by", help="Rank by counted plays or by time heard.")]
EveryOption = Annotated[
    Every | None, typer.Option("--every", help="Length of periods; default: what fits.")
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Places of a ranking.")]
Zone = Annotated[
    str | None,
    typer.Option("--time-zone", metavar="ZONE", help="Such as Europe/Berlin; default: setting."),
]
Picture = Annotated[
    Path | None,
    typer.Option("--picture", metavar="FILE", help="Draw it, too: .png, .svg or .html."),
]
Markdown = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write it as Markdown, too.")
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(
        "stats",
        epilog="Example:  segue stats --year 2024 --picture 2024.png\n\n"
        "Example:  segue stats top artists --last 12m --by time",
    )(stats)


def stats(
    context: typer.Context,
    view: View = None,
    since: Since = None,
    until: Until = None,
    last: Last = None,
    year: Year = None,
    month: Month = None,
    by: ByOption = By.plays,
    limit: Limit = 10,
    every: EveryOption = None,
    user: User = None,
    time_zone: Zone = None,
    picture: Picture = None,
    markdown: Markdown = None,
    as_json: AsJson = False,
) -> None:
    """Show what your history says: favourites, rhythms, discoveries, skips, how taste moves.

    Without a window it is about all time; with one, it is compared with the one before.
    """
    from segue.analytics.windows import Wish
    from segue.flows.stats import stats as run
    from segue.flows.stats_files import check_stats_files, write_stats
    from segue.flows.wiring import Wiring

    asked = _asked(view or [], by, limit, every)
    check_stats_files(markdown, picture)
    settings = call_of(context).settings(user_id=user, time_zone=time_zone)
    found = run(
        Wiring(settings).snapshots.current(),
        asked,
        Wish(since=since, until=until, last=last, year=year, month=month),
        user_id=settings.user_id,
        time_zone=machines_zone() if settings.time_zone == "local" else settings.time_zone,
        now=now(),
        memory_limit=settings.memory_limit,
        threads=settings.threads,
    )
    write_stats(found, markdown=markdown, picture=picture)
    if as_json:
        print_json(found.as_dict())
        return
    from segue.doors.cli.stats_screen import print_stats

    print_stats(found)


def _asked(words: list[str], by: By, limit: int, every: Every | None) -> Asked:
    """The view that the words name; `artists` alone is `top artists`.

    Raises:
        ConfigError: They name none.
    """
    from segue.analytics.statistics import VIEWS, Asked
    from segue.analytics.tops import OF

    told = [word.casefold() for word in words] or ["summary"]
    view = "top" if told[0] in OF else told[0]
    of = told if told[0] in OF else told[1:]
    wrong = [view] if view not in VIEWS else [word for word in of if word not in OF]
    if wrong or (of and view != "top"):
        word = (wrong or of)[0]
        near = difflib.get_close_matches(word, (*VIEWS, *OF), n=1)
        raise ConfigError(
            f"segue stats {' '.join(words)}: there is no view “{word}”"
            + (f"; did you mean {near[0]}" if near else ""),
            field="view",
            cure=f"Views are {', '.join(VIEWS)}; top takes {', '.join(OF)}.",
        )
    return Asked(
        view=next(known for known in VIEWS if known == view),
        of=tuple(kind for kind in OF if kind in of or not of),
        by=by.value,
        limit=limit,
        every=every.value if every else None,
    )
