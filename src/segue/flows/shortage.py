"""The notes of a playlist: why it is shorter, or other, than was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from rapidfuzz import process

from segue.flows.bounds import loosened
from segue.flows.pool import Pool
from segue.flows.wishes import Wishes
from segue.music.candidates import Candidates
from segue.music.query import Filters
from segue.playlists.filters import FromYears, InTempo, OfGenres, genre_matches
from segue.playlists.mixes import Part
from segue.playlists.rules import KNOWN

__all__ = ["Outcome", "notes_about"]


@dataclass(frozen=True)
class Outcome:
    """What came of a playlist's parts.

    Args:
        chosen: The playlist's tracks.
        parts: What the mix is made of.
        pools: What each part could choose from.
        given: Tracks that each part gave.
        sizes: Tracks that each part was meant to give.
        stranger: Nothing is known of the user, and no seed was named.
    """

    chosen: Candidates
    parts: Sequence[Part]
    pools: Sequence[Pool]
    given: Sequence[int]
    sizes: Sequence[int]
    stranger: bool = field(default=False)


def notes_about(
    outcome: Outcome,
    wishes: Wishes,
    asked: Filters,
    *,
    genres: Sequence[str],
    allowed: Callable[[Filters, Part], int],
) -> tuple[str, ...]:
    """What a reader of the playlist should know, the most important first.

    Args:
        asked: The bounds, genres as typed.
        genres: Every genre there is.
        allowed: Counts the tracks of the catalogue that keep to given bounds, for a part.
    """
    notes = [_unknown_genre(name, genres) for name in asked.genres]
    notes += [_short(outcome, wishes, asked, allowed), _one_sided(outcome), _by_popularity(outcome)]
    return tuple(note for note in notes if note)


def _unknown_genre(asked: str, genres: Sequence[str]) -> str:
    if any(genre_matches(asked, name) for name in genres):
        return ""
    if not genres:
        return "No genres are known here; a catalogue brings them (`segue catalogue add`)."
    near = process.extract(asked.casefold(), genres, limit=3, score_cutoff=70)
    also = f"; there is {', '.join(f'“{name}”' for name, _, _ in near)}" if near else ""
    return f"No genre here is called “{asked}”{also}."


def _short(
    outcome: Outcome, wishes: Wishes, asked: Filters, allowed: Callable[[Filters, Part], int]
) -> str:
    """How many tracks fit, and the rule that keeps out most."""
    count = len(outcome.chosen)
    if count >= wishes.size:
        return ""
    fit = f"Only {count} of {wishes.size} tracks fit" if count else "No track fits"
    cost = _cost(outcome, wishes, asked, allowed)
    label, most = max(cost.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    if not most and wishes.mix == "rediscover":
        return (
            f"{fit}: no {'other' if count else 'track'} was played three times and then left alone."
        )
    if not most:
        return f"{fit}: there are no others to choose from."
    more = f"{most:,} more" if count else f"{most:,}"
    return f"{fit}. Most are kept out by {label}: without it {more} could be chosen from."


def _cost(
    outcome: Outcome, wishes: Wishes, asked: Filters, allowed: Callable[[Filters, Part], int]
) -> Counter[str]:
    """Rule -> tracks that it alone keeps out.

    Recommenders look only at new tracks within the bounds, so that the cost of these is counted in
    the catalogue; that of other rules among the candidates.
    """
    without: dict[str, Filters] = {}
    if asked.genres:
        without[OfGenres({}, asked.genres).label] = replace(asked, genres=())
    if asked.years:
        without[FromYears({}, *asked.years).label] = replace(asked, years=None)
    if asked.tempo:
        without[InTempo({}, *asked.tempo).label] = replace(asked, tempo=None)
    without |= loosened(asked)
    cost: Counter[str] = Counter()
    for part, pool in zip(outcome.parts, outcome.pools, strict=True):
        inside = allowed(asked, part)
        for label, looser in without.items():
            if part.known != "only":
                cost[label] += allowed(looser, part) - inside
        if part.known == "out":
            cost[KNOWN] += allowed(asked, replace(part, known="any")) - inside
        for label, tracks in pool.cost.items():
            cost[label] = max(cost[label], tracks)
    fitting = {track for pool in outcome.pools for track in pool.candidates.track_ids}
    cap = f"the limit of {wishes.per_artist} for each artist"
    cost[cap] = len(fitting) - len(outcome.chosen)
    return +cost


def _one_sided(outcome: Outcome) -> str:
    """A mix of two parts, one of which had too little to give."""
    if len(outcome.parts) < 2:
        return ""
    for part, given, size in zip(outcome.parts, outcome.given, outcome.sizes, strict=True):
        if given < size:
            what = "discoveries" if part.known == "out" else "favourites"
            found = f"Only {given} of {size}" if given else "No"
            cure = " (`segue catalogue add` or `segue crowd add` brings more)"
            return f"{found} {what} were found{cure if part.known == 'out' else ''}."
    return ""


def _by_popularity(outcome: Outcome) -> str:
    fallbacks = {name for part in outcome.parts for name in part.fallback}
    count = sum(set(sources) <= fallbacks for sources in outcome.chosen.sources)
    if not count:
        return ""
    if outcome.stranger:
        return "Nothing is known of your taste yet: these are popular tracks. `segue import` helps."
    tracks = "track is" if count == 1 else "tracks are"
    return f"{count} {tracks} here for being popular: what you play leads to too few others."
