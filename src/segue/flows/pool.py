"""Asking the recommenders until enough tracks keep to the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, Final, cast

from segue.features.catalogue import Catalogue
from segue.features.sheet import RowSheet
from segue.flows.facts_at import facts_at
from segue.music.candidates import Candidates, Evidence, joined
from segue.music.query import Query
from segue.playlists.blend import blend
from segue.playlists.choose import shortlist_of
from segue.playlists.facts import ManyFacts, TrackFacts
from segue.playlists.filters import Filter, Screened, WithTitle, screen
from segue.playlists.mixes import Part
from segue.recommenders.base import Deferring, Elsewhere, Recommender
from segue.recommenders.bundle import Bundle

__all__ = ["Known", "Pool", "ask", "ask_quickly", "led_from_elsewhere", "with_evidence"]

_FIRST: Final = 500
_DEEPER: Final = 4
_ENOUGH: Final = 3
_SPARE: Final = 30
_DEEPEST: Final = 32_000
_REMEMBERED: Final = 10_000


class Known(ManyFacts):
    """What is known about tracks: each by itself, or many as arrays.

    The facts of the latest playlists' tracks are remembered beside the catalogue: favourites, and
    what is popular, come up again and again.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        remembered: dict[str, TrackFacts] | None = catalogue.memo.get("facts")
        if remembered is None or len(remembered) > _REMEMBERED:
            remembered = catalogue.memo["facts"] = {}
        self._facts = remembered
        self._latest: tuple[Sequence[str], RowSheet] | None = None

    def look_up(self, track_ids: Sequence[str]) -> None:
        """Have the facts of these at hand, as far as there are such tracks."""
        missing = [track_id for track_id in track_ids if track_id not in self._facts]
        if missing:
            rows = self.catalogue.rows(missing)
            self._facts |= facts_at(self.catalogue, rows[rows >= 0])

    def showable(self, track_ids: Sequence[str]) -> list[bool]:
        """Which of these are in the catalogue, with a title and an artist."""
        sheet = self.sheet(track_ids)
        shown: list[bool] = (sheet.showable & (sheet.rows >= 0)).tolist()
        return shown

    def sheet(self, track_ids: Sequence[str]) -> RowSheet:
        """The facts of these as arrays; all of them are in the catalogue."""
        if self._latest is None or self._latest[0] is not track_ids:
            self._latest = track_ids, RowSheet(self.catalogue, self.catalogue.rows(track_ids))
        return self._latest[1]

    def __getitem__(self, track_id: str) -> TrackFacts:
        if track_id not in self._facts:
            self.look_up([track_id])
        return self._facts[track_id]

    def __contains__(self, track_id: object) -> bool:
        return isinstance(track_id, str) and bool(self.catalogue.rows([track_id])[0] >= 0)

    def __iter__(self) -> Iterator[str]:
        return iter(self.catalogue.track_ids)

    def __len__(self) -> int:
        return len(self.catalogue)


@dataclass(frozen=True)
class Pool:
    """What one part of a mix may choose from.

    Args:
        candidates: Tracks that keep to every rule, best first.
        cost: Rule -> tracks that it alone kept out.
        fallback: How many of the candidates come from a fallback.
        tell: Gives some of the candidates that came without sources and evidence theirs, and
            leaves out those that have none; None where all came with them.
    """

    candidates: Candidates = field(default_factory=Candidates)
    cost: Mapping[str, int] = field(default_factory=Counter)
    fallback: int = 0
    tell: Callable[[Candidates], Candidates] | None = field(default=None, repr=False)

    def without(self, track_ids: Collection[str]) -> Pool:
        """The pool without these."""
        names = enumerate(self.candidates.track_ids)
        kept = self.candidates.take(row for row, name in names if name not in track_ids)
        return replace(self, candidates=kept)


def ask(
    part: Part,
    query: Query,
    size: int,
    *,
    recommenders: Mapping[str, Recommender],
    known: Known,
    filters_for: Callable[[Candidates], Sequence[Filter]],
) -> Pool:
    """Candidates for one part of a mix, all of which keep to its rules.

    The recommenders are asked deeper and deeper while too few of their tracks fit; then the part's
    fallbacks are asked, whose tracks come after all others.

    Args:
        part: Which recommenders, with what weights.
        query: What to ask them.
        size: Tracks wanted in the end; a multiple of it is looked for, to have a choice.
        filters_for: The rules, given all candidates (whose facts are known by then).
    """
    elsewhere = {name for name, one in recommenders.items() if _is_elsewhere(type(one))}
    led = _led(part, query, size, recommenders, known, filters_for)
    if len(led.candidates) >= size:
        return led
    others = recommenders
    if len(recommenders) > 1:  # else it alone was asked for by name
        others = {name: one for name, one in recommenders.items() if name not in elsewhere}
    own = _own(part, query, size, others, known, filters_for)
    return _before(led, own) if led.candidates else own


def ask_quickly(
    part: Part,
    query: Query,
    size: int,
    *,
    quick: Deferring,
    recommenders: Mapping[str, Recommender],
    known: Known,
    filters_for: Callable[[Candidates], Sequence[Filter]],
) -> Pool:
    """As `ask`, for whoever cannot wait: one recommender is asked, once.

    It is asked for no more than the rules and the cap of artists need to choose among. The
    fallbacks of the part are asked where it says too little, and nobody elsewhere ever.

    Args:
        quick: Stands for all recommenders.
        recommenders: The fallbacks are among them.
    """
    wanted = _ENOUGH * size
    screened = _screened(quick.shortlist(query, wanted + _SPARE), wanted, known, filters_for)
    pool = Pool(screened.candidates, screened.cost, tell=partial(quick.told, query))
    for name in part.fallback:
        if len(pool.candidates) < size and name in recommenders:
            more = _deep({name: 1.0}, query, size, recommenders, known, filters_for)
            pool = _behind(pool, more)
    return pool


def _own(
    part: Part,
    query: Query,
    size: int,
    recommenders: Mapping[str, Recommender],
    known: Known,
    filters_for: Callable[[Candidates], Sequence[Filter]],
) -> Pool:
    """See `ask`: what the recommenders here answer."""
    weights = part.weights_among(recommenders)
    few = part.known == "only"
    pool = _deep(weights, query, _ENOUGH * size, recommenders, known, filters_for, few=few)
    for name in part.fallback:
        if len(pool.candidates) < size and name in recommenders:
            more = _deep({name: 1.0}, query, size, recommenders, known, filters_for)
            pool = _behind(pool, more)
    return pool


def _led(
    part: Part,
    query: Query,
    size: int,
    recommenders: Mapping[str, Recommender],
    known: Known,
    filters_for: Callable[[Candidates], Sequence[Filter]],
) -> Pool:
    """What a recommender elsewhere says that is asked before all others; nothing: none is."""
    for one in recommenders.values() if part.led else ():
        if _is_elsewhere(type(one)) and (leader := cast(Elsewhere, one)).leads:
            found = leader.answer(query, _FIRST)
            if found is not None:
                enough = max(_ENOUGH * size, shortlist_of(size) * 11 // 10)
                fitting = _screened(_about_seeds(found, query), enough, known, filters_for)
                return Pool(fitting.candidates, fitting.cost)
    return Pool()


def led_from_elsewhere(bundle: Bundle) -> bool:
    """Whether playlists ask somebody elsewhere first, who is not to be asked in vain."""
    return any(
        _is_elsewhere(type(one)) and cast(Elsewhere, one).leads
        for one in bundle.recommenders.values()
    )


@cache
def _is_elsewhere(kind: Any) -> bool:
    """Whether recommenders of a kind answer from elsewhere; asking a protocol takes its time."""
    return all(hasattr(kind, name) for name in ("answer", "configured"))


def _before(led: Pool, own: Pool) -> Pool:
    """The few tracks of the one that leads, and all others after them."""
    return replace(_behind(led, own), tell=own.tell, fallback=own.fallback)


def _deep(
    weights: Mapping[str, float],
    query: Query,
    wanted: int,
    recommenders: Mapping[str, Recommender],
    known: Known,
    filters_for: Callable[[Candidates], Sequence[Filter]],
    *,
    few: bool = False,
) -> Pool:
    """See `ask`.

    Args:
        few: Whether few tracks can fit: no choice is looked for among many more then, and four
            times as many that bring no other one are the last.
    """
    used = sorted(name for name, weight in weights.items() if weight > 0)
    enough = max(wanted, shortlist_of(-(-wanted // _ENOUGH)) * 11 // 10)  # some songs come twice
    only = recommenders[used[0]] if len(used) == 1 else None
    # around seeds, evidence decides what may be in
    later = _deferring(only) if query.mix != "similar" else None
    tell = partial(later.told, query) if later else None
    k = max(2 * wanted, enough + enough // 8 if later else _FIRST)
    before = -1
    while True:
        if later:
            parts = {used[0]: later.shortlist(query, k)}
        else:
            parts = {name: recommenders[name].recommend(query, k) for name in used}
        blended = _about_seeds(blend(parts, weights), query)
        screened = _screened(blended, enough, known, filters_for)
        exhausted = all(len(part) < k for part in parts.values())
        found = len(screened.candidates)
        exhausted |= few and (found == before or (k > _FIRST and found >= wanted // _ENOUGH))
        if exhausted or len(screened.candidates) >= wanted or k >= _DEEPEST:
            return Pool(screened.candidates, screened.cost, tell=tell)
        before = len(screened.candidates)
        k *= _DEEPER


def _deferring(recommender: Recommender | None) -> Deferring | None:
    """The recommender, if it says first what, and why only later."""
    kind: Any = type(recommender)
    return cast(Deferring, recommender) if _defers(kind) else None


@cache
def _defers(kind: Any) -> bool:
    """Remembered, since asking a protocol takes its time."""
    return issubclass(kind, Deferring)


def _screened(
    blended: Candidates,
    enough: int,
    known: Known,
    filters_for: Callable[[Candidates], Sequence[Filter]],
) -> Screened:
    """The best of the candidates that keep to every rule: `enough`, or all that there are."""
    found = Screened(Candidates(), {})
    start = 0
    while start < len(blended) and len(found.candidates) < enough:
        some = blended.take(range(start, min(start + enough + enough // 16, len(blended))))
        named = WithTitle(known)(some)
        more = screen(named, filters_for(named))
        cost = dict(Counter(found.cost) + Counter(more.cost))
        found = Screened(joined(found.candidates, more.candidates), cost)
        start += len(some)
    return found


def with_evidence(chosen: Candidates, pools: Sequence[Pool]) -> Candidates:
    """Chosen tracks with sources and evidence, also those that came without.

    A track that nothing speaks for keeps none.
    """
    told: dict[str, tuple[tuple[str, ...], tuple[Evidence, ...]]] = {}
    for pool in pools:
        mute = {row for row, sources in enumerate(chosen.sources) if not sources}
        if pool.tell is None or not mute:
            continue
        own = set(pool.candidates.track_ids)
        asked = chosen.take(row for row in sorted(mute) if chosen.track_ids[row] in own)
        answer = pool.tell(asked)
        said = zip(answer.sources, answer.evidence, strict=True)
        told |= dict(zip(answer.track_ids, said, strict=True))
    both = [
        told.get(track_id, (chosen.sources[row], chosen.evidence[row]))
        for row, track_id in enumerate(chosen.track_ids)
    ]
    return replace(
        chosen,
        sources=tuple(sources for sources, _ in both),
        evidence=tuple(evidence for _, evidence in both),
    )


def _about_seeds(candidates: Candidates, query: Query) -> Candidates:
    """For “similar”, what is near some other track of the user's is no answer."""
    if query.mix != "similar":
        return candidates
    near = {None, *query.seeds}
    return candidates.take(
        row
        for row, evidence in enumerate(candidates.evidence)
        if any(one.other_id in near for one in evidence)
    )


def _behind(pool: Pool, more: Pool) -> Pool:
    """The pool with the tracks of a fallback after its own."""
    have = set(pool.candidates.track_ids)
    new = more.candidates.take(
        row for row, track_id in enumerate(more.candidates.track_ids) if track_id not in have
    )
    floor = min(pool.candidates.scores, default=1.0)
    lower = new.with_scores([floor * score / 2 for score in new.scores])
    return replace(
        pool,
        candidates=joined(pool.candidates, lower),
        cost=dict(Counter(pool.cost) + Counter(more.cost)),
        fallback=pool.fallback + len(new),
    )
