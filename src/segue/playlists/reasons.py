"""One true sentence for each track, made of the evidence that put it there and of nothing else.

Each kind of evidence has a few phrasings. A phrasing that would need a fact which the evidence
does not hold is not used; every number in a sentence is a field of the evidence.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from segue.music import columns as c
from segue.music.candidates import Candidates, Evidence
from segue.playlists.facts import Facts, TrackFacts
from segue.playlists.links import one_line
from segue.playlists.titles import MONTHS

__all__ = ["KINDS", "reasons", "sentences"]

_IN_WORDS: Final[Mapping[str, str]] = {
    c.VALENCE: "mood",
    c.ACOUSTICNESS: "acoustic sound",
    c.INSTRUMENTALNESS: "instrumental sound",
    c.SPEECHINESS: "amount of speech",
    c.LIVENESS: "live feel",
    c.TIME_SIGNATURE: "time signature",
}
_HARD_TO_HEAR: Final = frozenset({c.SPEECHINESS, c.LIVENESS, c.KEY, c.MODE, c.TIME_SIGNATURE})
_NEAR_THE_TOP: Final = 2
_YEAR_OF_DAYS: Final = 366


def reasons(
    candidates: Candidates,
    facts: Facts,
    *,
    seeds: frozenset[str] = frozenset(),
    completed: Callable[[Evidence], Evidence] = lambda evidence: evidence,
) -> tuple[str, ...]:
    """A sentence for each track, without a full stop.

    The strongest source speaks. Where it would say again what the track before said (the same
    kind of evidence about the same other track, or the same words), the second strongest speaks
    instead if it has something else to say.

    Args:
        candidates: In playing order, sources strongest first.
        facts: Of the tracks themselves and of those that the evidence names.
        seeds: Tracks that the user asked to start from.
        completed: Adds to the evidence that is told what else is known of it.
    """
    said: list[str] = []
    used: Counter[str] = Counter()
    before: tuple[str, str | None] | None = None
    for row, track_id in enumerate(candidates.track_ids):
        options = (
            ((one.kind, one.other_id or one.artist), said_so)
            for one in map(completed, candidates.evidence[row])
            if (said_so := sentences(one, facts[track_id], facts, seeds=seeds))
        )
        last = said[-1] if said else ""
        subject, phrasings = _choose(options, before, last, candidates.sources[row])
        turn = used[subject[0]] % len(phrasings)
        text = phrasings[turn] if phrasings[turn] != last else phrasings[turn - 1]
        used[subject[0]] += 1
        before = subject
        said.append(text)
    return tuple(said)


_Option = tuple[tuple[str, str | None], Sequence[str]]


def _choose(
    every: Iterator[_Option],
    before: tuple[str, str | None] | None,
    last: str,
    sources: Sequence[str],
) -> _Option:
    options: list[_Option] = []
    for option in islice(every, _NEAR_THE_TOP):
        if option[0] != before:
            return option
        options.append(option)
    if not options:
        names = " and ".join(sources) or "the recommender"
        return ("", None), (f"proposed by {names}",)
    for option in (*options, *every):
        if any(text != last for text in option[1]):
            return option
    return options[0]


def sentences(
    evidence: Evidence, track: TrackFacts, facts: Facts, *, seeds: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Every way to say this evidence for a track, the plainest first; empty if it cannot be."""
    write = _WRITERS.get(evidence.kind)
    return write(_Case(evidence, track, facts, seeds)) if write else ()


@dataclass(frozen=True, slots=True)
class _Case:
    evidence: Evidence
    track: TrackFacts
    facts: Facts
    seeds: frozenset[str]


def _rediscovered(case: _Case) -> tuple[str, ...]:
    evidence = case.evidence
    plays, finishes = evidence.plays or 0, evidence.finishes or 0
    if plays <= 0:
        return ()
    # the month is that of the plays: only if all were finished is it that of the finishes too
    often = f"finished it {_times(plays)}" if finishes == plays else f"played it {_times(plays)}"
    since = _since(evidence)
    if evidence.month is None:
        return (f"you {often}{since}",)
    month = _month(evidence.month)
    return (
        f"you {often}, mostly in {month}{since}",
        f"a favourite of {month}: you {often}{since}",
    )


def _since(evidence: Evidence) -> str:
    """What happened after: only a last play in the month itself allows “never since”."""
    last = evidence.last_at
    if last is None:
        return ""
    if evidence.month is not None and _month(evidence.month) == _month(last):
        return ", and never since"
    return f", and not since {_day(last)}"


def _favourite(case: _Case) -> tuple[str, ...]:
    evidence = case.evidence
    often = _often(evidence)
    if not often:
        return ()
    if evidence.days is None:
        return (f"you {often}",)
    within = _lately(evidence.days)
    texts = [f"you {often} in {within}"]
    if evidence.last_at is not None:
        texts.append(f"you {often} in {within}, the last time on {_day(evidence.last_at)}")
    return tuple(texts)


def _saved(case: _Case) -> tuple[str, ...]:
    evidence = case.evidence
    if evidence.plays is None:
        return ("you saved it",)
    if evidence.plays == 0:
        return ("you saved it and have not played it yet",)
    return (f"you saved it and played it only {_times(evidence.plays)}",)


def _close(case: _Case) -> tuple[str, ...]:
    evidence = case.evidence
    other = _named(evidence, case.facts)
    if not other:
        return ()
    which = _which(evidence, case.seeds)
    because = _because(evidence, other)
    telling = sorted(evidence.features, key=_HARD_TO_HEAR.__contains__)[:2]
    alike = _listed([_IN_WORDS.get(name, name) for name in telling])
    genres = _listed(evidence.genres[:2])
    if because:
        said = [f"close in {alike}"] if alike else []
        said += [f"{genres} too"] if genres else []
        return tuple(f"{because}: {text}" for text in said or ["it sounds like it"])
    if alike and genres:
        return (
            f"close in {alike} to {other}{which}",
            f"{genres} like {other}{which}",
            f"close in {alike} to {other}, and {genres} too",
        )
    if alike:
        return (
            f"close in {alike} to {other}{which}",
            f"nearly the same {alike} as {other}{which}",
        )
    return (f"{genres} like {other}{which}",) if genres else (f"sounds like {other}{which}",)


def _after(case: _Case) -> tuple[str, ...]:
    evidence = case.evidence
    other = _named(evidence, case.facts)
    if not other:
        return ()
    which = _which(evidence, case.seeds)
    because = _because(evidence, other)
    if not evidence.listeners:
        same = "played in the same sessions"
        return (f"{because}: {same}" if because else f"{same} as {other}{which}",)
    count = _count(evidence.listeners, "session")
    if because:
        return (f"{because}: heard beside it in {count}",)
    return (
        f"played in the same sessions as {other}{which} ({count})",
        f"heard beside {other} in {count}",
    )


def _like_you(case: _Case) -> tuple[str, ...]:
    """A crowd that knows artists only says who plays both artists, not both tracks."""
    evidence, this = case.evidence, "this"
    other = _named(evidence, case.facts)
    if evidence.artist:
        other, this = one_line(evidence.artist), _first_artist(case.track)
    if not other or not this:
        return ()
    because = _because(evidence, other)
    if because and not evidence.artist and evidence.listeners:
        return (f"{because}: {_count(evidence.listeners, 'listener')} of it also play {this}",)
    if not evidence.listeners:
        return (f"people who play {other} also play {this}",)
    if evidence.listeners == 1:
        return (f"somebody who plays {other} also plays {this}",)
    count = f"{evidence.listeners:,}"
    return (
        f"people who play {other} also play {this} ({count} of them)",
        f"{count} people who play {other} play {this} as well",
    )


def _popular(case: _Case) -> tuple[str, ...]:
    """Without plays or listeners the catalogue's own number speaks, from 0 to 100."""
    evidence = case.evidence
    numbers = []
    if evidence.plays:
        numbers.append(_count(evidence.plays, "play"))
    if evidence.listeners:
        numbers.append(_count(evidence.listeners, "listener"))
    genre = f" in {evidence.genres[0]}" if evidence.genres else ""
    if numbers:
        within = f" in {_count(evidence.days, 'day')}" if evidence.days else ""
        now = " right now" if evidence.days else ""
        return (f"popular{genre}{now} ({' by '.join(numbers)}{within})",)
    if case.track.popularity is None:
        return (f"popular{genre}",)
    level = f"{case.track.popularity:.0f} of 100"
    return (
        f"popular{genre} ({level} in its catalogue)",
        f"popularity {level} in its catalogue{', ' + evidence.genres[0] if genre else ''}",
    )


def _liked(case: _Case) -> tuple[str, ...]:
    """The track itself was liked; how often it was played is in other evidence."""
    if case.evidence.last_at is None:
        return ("you said that you like it",)
    return ("you said that you like it", f"you liked it on {_day(case.evidence.last_at)}")


def _artist(case: _Case) -> tuple[str, ...]:
    evidence = case.evidence
    artist = one_line(evidence.artist or "") or _first_artist(case.track)
    if not artist:
        return ()
    if not evidence.plays:
        return (f"you know {artist}, but not this one",)
    times = _times(evidence.plays)
    return (
        f"you played {artist} {times}, but not this one yet",
        f"new to you, by {artist}, whom you played {times}",
    )


def _alike(case: _Case) -> tuple[str, ...]:
    evidence = case.evidence
    other = _named(evidence, case.facts)
    if not other or not evidence.service:
        return ()
    which, service = _which(evidence, case.seeds), one_line(evidence.service)
    because = _because(evidence, other)
    if because:
        return (f"{because}: similar after {service}",)
    return (
        f"similar to {other}{which}, after {service}",
        f"{service} calls it similar to {other}{which}",
    )


def _like_artist(case: _Case) -> tuple[str, ...]:
    evidence = case.evidence
    other = case.facts.get(evidence.other_id) if evidence.other_id else None
    this = _first_artist(case.track)
    if other is None or not other.artists or not this or not evidence.service:
        return ()
    known, service = one_line(other.artists[0]), one_line(evidence.service)
    return (
        f"{this} is similar to {known}, after {service}",
        f"{service} calls {this} similar to {known}",
    )


def _told(case: _Case) -> tuple[str, ...]:
    service = case.evidence.service
    return (f"{one_line(service)} recommends it to you",) if service else ()


_Writer = Callable[[_Case], tuple[str, ...]]
_WRITERS: Final[Mapping[str, _Writer]] = {
    "rediscovered": _rediscovered,
    "favourite": _favourite,
    "saved": _saved,
    "close": _close,
    "after": _after,
    "like_you": _like_you,
    "alike": _alike,
    "like_artist": _like_artist,
    "told": _told,
    "liked": _liked,
    "popular": _popular,
    "artist": _artist,
}

KINDS: Final = tuple(_WRITERS)
"""The kinds of evidence that can be said."""


def _often(evidence: Evidence) -> str:
    """“finished it 14 times”: finishes say more than plays, if most plays were finished."""
    plays, finishes = evidence.plays or 0, evidence.finishes or 0
    if finishes > 0 and 2 * finishes >= plays:
        return f"finished it {_times(finishes)}"
    return f"played it {_times(plays)}" if plays > 0 else ""


def _because(evidence: Evidence, other: str) -> str:
    """The user's own word weighs more than a count of plays."""
    return f"because you liked {other}" if evidence.liked else ""


def _which(evidence: Evidence, seeds: frozenset[str]) -> str:
    """What the other track is to the user."""
    if evidence.plays:
        return f", which you played {_times(evidence.plays)}"
    # of a single seed the playlist's title says that it was asked for
    return ", which you asked for" if len(seeds) > 1 and evidence.other_id in seeds else ""


def _named(evidence: Evidence, facts: Facts) -> str:
    """“Title” by Artist; empty if the other track has no name."""
    other: TrackFacts | None = facts.get(evidence.other_id) if evidence.other_id else None
    if other is None or not other.title or not other.artists:
        return ""
    return f"“{one_line(other.title)}” by {one_line(_listed(other.artists))}"


def _first_artist(track: TrackFacts) -> str:
    return one_line(track.artists[0]) if track.artists else ""


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _listed(words: Sequence[str]) -> str:
    """“a”, “a and b”, “a, b and c”."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _lately(days: int) -> str:
    """Long windows in whole years, rounded up: what was counted lies within those too."""
    if days > _YEAR_OF_DAYS:
        return f"the last {math.ceil(days / _YEAR_OF_DAYS)} years"
    return "the last day" if days == 1 else f"the last {days} days"


def _month(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{MONTHS[moment.month - 1]} {moment.year}"


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).day} {_month(moment)}"
