"""Statistics as titled tables of texts: what the screen and a page of Markdown show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from segue.analytics.drift import Drift, Shift
from segue.analytics.newness import Newness
from segue.analytics.periods import name_of
from segue.analytics.rhythm import WEEKDAYS, Clock, Streaks
from segue.analytics.statistics import Statistics
from segue.analytics.tops import Of, Ranked
from segue.analytics.words import change, count, days_of, duration, share, signed

__all__ = ["HEADINGS", "Section", "facts", "headline", "sections_of", "sentences"]

HEADINGS: Final[dict[Of, str]] = {
    "artists": "Artists",
    "tracks": "Tracks",
    "albums": "Albums",
    "genres": "Genres",
}
_NEARLY_ALL: Final = 0.95
_FACTS: Final = {
    "plays": "play",
    "ms_played": "",
    "tracks": "track",
    "artists": "artist",
    "albums": "album",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One table.

    Args:
        title: Above it.
        columns: Names; those that begin with a “#” hold numbers and stand to the right.
        rows: Texts, a tuple a row.
        note: Below it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def headline(told: Statistics) -> tuple[str, str]:
    """Whose history, and of when: “ada · 2024”, and its days."""
    span = told.window.span
    last = (span.until - timedelta(microseconds=1)).date()
    return f"{told.user_id} · {told.window.label}", days_of(span.since.date(), last)


def facts(told: Statistics) -> Iterator[tuple[str, str, str]]:
    """Number, noun, and its change against the window before, if there was one."""
    now, before = told.totals, told.before
    for name, noun in _FACTS.items():
        value = getattr(now, name)
        moved = change(value, getattr(before, name)) if before is not None else ""
        if name == "ms_played":
            if value:
                known = now.told / now.starts if now.starts else 1.0
                part = "" if known > _NEARLY_ALL else f" (told of {share(known)} of plays)"
                yield duration(value), f"heard{part}", moved
        else:
            number, _, word = count(value, noun).partition(" ")
            yield number, word, moved


def sections_of(told: Statistics) -> tuple[Section, ...]:
    """Every table of the view that was asked for."""
    return tuple(_sections(told))


def _sections(told: Statistics) -> Iterator[Section]:
    for of, places in told.top.items():
        yield _ranking(f"Top {of}", places, told, of)
    if told.clock is not None:
        yield _clock(told.clock)
    if told.streaks is not None:
        yield _streaks(told.streaks)
    if told.new is not None:
        yield _new(told.new)
    for of, places in told.skipped.items():
        yield _skipped(f"Most skipped {of}", places, of)
    if told.finished:
        yield _finished(told.finished)
    if told.drift is not None:
        yield from _drift(told.drift)


def _ranking(title: str, places: Sequence[Ranked], told: Statistics, of: Of) -> Section:
    compares = told.before is not None
    by_artist = ("artist",) if of in ("tracks", "albums") else ()
    columns = ("#", of.rstrip("s"), *by_artist, "# plays", "# heard", "# share")
    note = "A play counts for each of its genres." if of == "genres" and places else ""
    if not places:
        note = f"No catalogue here tells of {of}." if of == "genres" else "Nothing was heard."
    return Section(
        title,
        (*columns, "# before") if compares else columns,
        tuple(
            (
                str(place.rank),
                place.name or "(no name)",
                *((place.artist or "",) if by_artist else ()),
                f"{place.plays:,}",
                duration(place.ms_played) if place.ms_played else "–",
                share(place.share),
                *((_moved(place),) if compares else ()),
            )
            for place in places
        ),
        note,
    )


def _moved(place: Ranked) -> str:
    if place.rank_before is None:
        return "new"
    up = place.rank_before - place.rank
    return "=" if up == 0 else f"{'▲' if up > 0 else '▼'} {abs(up)}"


def _clock(told: Clock) -> Section:
    rows = tuple(
        (WEEKDAYS[day], *(f"{n:,}" if n else "·" for n in told.plays[day])) for day in range(7)
    )
    busiest = told.busiest
    note = (
        "" if busiest is None else f"Most plays: {WEEKDAYS[busiest[0] - 1]}, {hours(busiest[1])}."
    )
    return Section("Hours of the week", ("", *(f"# {hour}" for hour in range(24))), rows, note)


def hours(hour: int) -> str:
    """One hour of the day: “17–18 h”."""
    return f"{hour}–{hour + 1} h"


def _streaks(told: Streaks) -> Section:
    rows = tuple(
        (str(n), count(run.days, "day"), days_of(run.first_day, run.last_day))
        for n, run in enumerate(told.longest, start=1)
    )
    return Section(
        "Longest streaks", ("#", "# length", "days"), rows, " ".join(_streak_sentences(told))
    )


def _streak_sentences(told: Streaks) -> Iterator[str]:
    of = f" of {told.of_days:,}" if told.of_days >= told.days else ""
    yield f"Music on {told.days:,}{of} days."
    if told.current is None:
        yield "No streak is running."
    else:
        yield f"Running: {count(told.current.days, 'day')}, since {told.current.first_day:%-d %b}."
    if told.best_day is not None:
        best = told.best_day
        yield f"Most in a day: {count(best.plays, 'play')} on {best.day:%-d %b %Y}."


def _new(told: Newness) -> Section:
    rows = tuple(
        (
            name_of(period.begins, told.every),
            f"{period.plays:,}",
            f"{period.discoveries:,}",
            f"{period.repeats:,}",
            f"{period.new_artists:,}",
            share(period.repeat_rate),
        )
        for period in told.periods
    )
    columns = ("from", "# plays", "# discoveries", "# repeats", "# new artists", "# repeated")
    return Section(f"New against known, by {told.every}", columns, rows, new_sentence(told))


def new_sentence(told: Newness) -> str:
    """What was new in the window."""
    if not told.discoveries:
        return "Nothing was heard for the first time."
    return (
        f"{count(told.discoveries, 'track')} and {count(told.new_artists, 'artist')} heard for the"
        f" first time; {told.kept:,} of the tracks came back at least twice."
    )


def _skipped(title: str, places: Sequence[Ranked], of: Of) -> Section:
    by_artist = ("artist",) if of == "tracks" else ()
    rows = tuple(
        (
            str(place.rank),
            place.name or "(no name)",
            *((place.artist or "",) if by_artist else ()),
            f"{place.skips:,}",
            f"{place.starts:,}",
            share(place.skips / place.starts),
        )
        for place in places
    )
    columns = ("#", of.rstrip("s"), *by_artist, "# skips", "# starts", "# rate")
    return Section(title, columns, rows, "" if rows else "Nothing was skipped.")


def _finished(places: Sequence[Ranked]) -> Section:
    rows = tuple(
        (
            str(place.rank),
            place.name or "(no name)",
            place.artist or "",
            f"{place.finishes:,}",
            f"{place.plays:,}",
            share(place.finishes / place.plays if place.plays else None),
        )
        for place in places
    )
    columns = ("#", "track", "artist", "# finishes", "# plays", "# rate")
    return Section("Most finished tracks", columns, rows)


def _drift(told: Drift) -> Iterator[Section]:
    later, earlier = told.compared
    for what, shift in (("genres", told.genres), ("artists", told.artists)):
        yield Section(
            f"{what.capitalize()}: {later} against {earlier}",
            ("", "# share", "# before", "# points"),
            tuple(
                (
                    moved.name,
                    share(moved.share),
                    share(moved.share_before),
                    signed(moved.share - moved.share_before),
                )
                for moved in (*shift.rose, *shift.fell[::-1])
            ),
            drift_sentence(shift, what),
        )
    if told.sound:
        yield Section(
            f"Sound: {later} against {earlier}",
            ("feature", "# mean", "# before", "# shift"),
            tuple(
                (each.name, f"{each.mean:.4g}", f"{each.mean_before:.4g}", f"{each.shift:+.2f}")
                for each in told.sound
            ),
            "The shift is in standard deviations: 0.2 is small, 0.8 is large.",
        )
    yield Section(
        f"By {told.every}",
        ("from", "# plays", "# genres moved", "# by chance", "# artists moved", "# by chance"),
        tuple(
            (
                name_of(mix.begins, told.every),
                f"{mix.plays:,}",
                *(
                    text
                    for apart in (mix.genre_distance, mix.artist_distance)
                    for text in (
                        ("", "")
                        if apart is None
                        else (
                            f"{apart.value:.2f}{' *' if apart.beyond_chance else ''}",
                            "" if apart.by_chance is None else f"{apart.by_chance:.2f}",
                        )
                    )
                ),
            )
            for mix in told.periods
        ),
        "Jensen-Shannon distance from the period before, 0 to 1; * is more than chance does.",
    )


def drift_sentence(shift: Shift, what: str) -> str:
    """How far a mix has moved, and whether that means anything."""
    apart = shift.distance
    if apart is None:
        return f"Too little is known of {what} to compare."
    told = f"The mix of {what} moved by {apart.value:.2f} (0: the same, 1: nothing in common)"
    if apart.by_chance is None:
        return f"{told}."
    verdict = "more than chance would" if apart.beyond_chance else "no more than chance would"
    return f"{told}, {verdict} ({apart.by_chance:.2f})."


def sentences(told: Statistics) -> Iterator[tuple[str, str]]:
    """Lead and sentence of what the summary says in words."""
    if told.streaks is not None:
        longest = told.streaks.longest
        first = (
            f"Longest: {count(longest[0].days, 'day')} in a row"
            f" ({days_of(longest[0].first_day, longest[0].last_day)}). "
            if longest
            else ""
        )
        yield "Streaks", first + " ".join(_streak_sentences(told.streaks))
    if told.new is not None:
        rate = told.new.repeat_rate
        yield "New", f"{new_sentence(told.new)} {share(rate)} of plays were repeats."
    skipped = told.skipped.get("tracks", ())
    if told.totals.skips:
        most = (
            f" Most often: {_named(skipped[0])} ({count(skipped[0].skips, 'time')})."
            if skipped
            else ""
        )
        skips = f"{share(told.totals.skip_rate)} of all that began was skipped"
        if told.before is not None and told.before.skip_rate is not None:
            skips += f" ({share(told.before.skip_rate)} before)"
        yield "Skips", f"{skips}.{most}"
    if told.finished:
        best = told.finished[0]
        yield (
            "Finished",
            (
                f"{share(told.totals.finish_rate)} of plays went to the end."
                f" Most often: {_named(best)} ({count(best.finishes, 'time')})."
            ),
        )


def _named(place: Ranked) -> str:
    return f"“{place.name or place.id}”" + (f" by {place.artist}" if place.artist else "")
