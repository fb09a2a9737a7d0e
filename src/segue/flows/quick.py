"""A playlist in a hurry: fewer recommenders are asked, once, and their best tracks taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from segue.features.catalogue import Catalogue
from segue.flows.making import Making
from segue.flows.pool import Pool, ask_quickly
from segue.music.candidates import Candidates
from segue.music.playlist import Playlist
from segue.playlists.artist_cap import ArtistCap
from segue.playlists.choose import Chooser, through
from segue.playlists.dial import Dial
from segue.playlists.filters import EachSongOnce, Filter, WithTitle, screen
from segue.playlists.mixes import Part, parts_of
from segue.recommenders.base import Composed, Frank, Recommender
from segue.recommenders.hybrid import Hybrid

__all__ = ["QuickMaking"]

_SWIFT: Final = ("als", "session_knn")
"""What they say is nine tenths of what the blend of all says, at a quarter of the cost."""
_HABITS: Final = ("repeats", "rediscover")
_MEMO: Final = "quick"


@dataclass(frozen=True)
class QuickMaking(Making):
    """As `Making`, at a quarter of its cost.

    Every rule, bound and cap holds, what the listener hid or wants less of counts, and each track
    has its reason. Left out are the other recommenders, the trees, the dial, variety, and the
    order that is pleasant to listen to: the best comes first. Of the mixes it knows all but
    "similar", where evidence decides what may be in.
    """

    def playlist(self) -> Playlist:
        """Ask, choose, explain."""
        chosen = self.picked()
        found, size = len(chosen), self.wishes.size
        short = f"Only {found} of {size} tracks were found in a hurry." if found < size else ""
        return self.written(chosen, [short] if short else [])

    def fitting(self, track_ids: Sequence[str]) -> frozenset[str]:
        """Which of some tracks may be in the playlist, by the rules of some part of its mix."""
        known = [track_id for track_id in track_ids if track_id in self.known]
        nothing: tuple[tuple[()], ...] = ((),) * len(known)
        some = Candidates(tuple(known), (0.0,) * len(known), nothing, nothing)
        some = WithTitle(self.known)(some)
        parts = [part for part in parts_of(self.mix, self.wishes.adventurous) if part.share > 0]
        fit = [screen(some, self._rules(part)).candidates.track_ids for part in parts]
        return frozenset().union(*fit)

    def _pool(self, part: Part) -> Pool:
        return ask_quickly(
            part,
            self._query(part),
            self.wishes.size,
            quick=_quick(self.bundle.recommenders, self.bundle.catalogue),
            recommenders=self.bundle.recommenders,
            known=self.known,
            filters_for=lambda _: self._rules(part),
        )

    def _rules(self, part: Part) -> list[Filter]:
        return [*self.rules.of(part, self._known_songs(part)), *self._bounds]

    def _chooser(self) -> Chooser:
        unmoved = Dial(self.facts, self.wishes.adventurous, self._by_known_artists, ())
        return _BestFirst(self.facts, self.wishes.size, self.wishes.per_artist, unmoved)


class _BestFirst(Chooser):
    """The best of each part, within the cap."""

    def _ranked(self, part: Candidates, habit: bool) -> Candidates:
        del habit
        cap = ArtistCap(self.facts, self.per_artist)
        ranked = through([EachSongOnce(self.facts), cap], part)
        return ranked.take(range(min(self.size, len(ranked))))


def _quick(recommenders: Mapping[str, Recommender], catalogue: Catalogue) -> Hybrid:
    """Asks the few that say most; made once for a catalogue."""
    kept: tuple[object, Hybrid] | None = catalogue.memo.get(_MEMO)
    if kept is None or kept[0] is not recommenders:
        own = {name: one for name, one in recommenders.items() if not isinstance(one, Composed)}
        speaks = {name for name, one in own.items() if not _silent(one)}
        swift = [name for name in _SWIFT if name in speaks] or sorted(speaks)
        parts = {name: own[name] for name in dict.fromkeys([*swift, *_HABITS]) if name in own}
        kept = catalogue.memo[_MEMO] = (recommenders, Hybrid.blending(parts, catalogue))
    return kept[1]


def _silent(one: Recommender) -> bool:
    return isinstance(one, Frank) and one.silent_because() is not None
