"""From screened candidates to the tracks of a playlist: score, diversify, share out, order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from segue.music.candidates import Candidates
from segue.playlists.artist_cap import ArtistCap
from segue.playlists.base import Step
from segue.playlists.dial import Dial
from segue.playlists.diversify import Diversify
from segue.playlists.facts import Facts, sheet_of
from segue.playlists.filters import EachSongOnce
from segue.playlists.order import Flow

__all__ = ["Chooser", "shares", "shortlist_of", "through"]

_DEPTH: Final = 10
_LEAST: Final = 200
_MOST: Final = 2_000
_LOOSE: Final = 4
_RELEVANCE: Final = 0.85
_HABIT: Final = 0.95


def shortlist_of(size: int) -> int:
    """How many of the best candidates a playlist of this size is chosen from."""
    return min(_MOST, max(_LEAST, _DEPTH * size))


def through(steps: Sequence[Step], candidates: Candidates) -> Candidates:
    """The candidates after every step, in turn."""
    for step in steps:
        candidates = step(candidates)
    return candidates


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses and orders `size` tracks out of one list of candidates for each part of a mix.

    Args:
        dial: What `--adventurous` means for this listener.
        per_artist: Most tracks on which one artist is credited.
    """

    facts: Facts = field(repr=False)
    size: int
    per_artist: int
    dial: Dial

    def __call__(
        self, parts: Sequence[Candidates], sizes: Sequence[int], habits: Sequence[bool] = ()
    ) -> tuple[Candidates, tuple[int, ...]]:
        """The playlist's tracks in playing order, and how many of them each part gave.

        The arguments are those of `picked`.
        """
        chosen, given = self.picked(parts, sizes, habits)
        return Flow(self.facts)(chosen), given

    def picked(
        self, parts: Sequence[Candidates], sizes: Sequence[int], habits: Sequence[bool] = ()
    ) -> tuple[Candidates, tuple[int, ...]]:
        """The same tracks in the order in which they were picked: the best of each part first.

        Args:
            parts: Screened candidates of each part, best first; a track may be in several.
            sizes: How many tracks each part is meant to give; together `size`. Where a part has
                too few, the others fill in.
            habits: Which parts are what the listener plays anyway: there the dial moves nothing,
                since how large such a part is was its say, and likeness is no reason to leave
                a favourite out. None by default.
        """
        kinds = habits or [False] * len(parts)
        ranked = [self._ranked(part, habit) for part, habit in zip(parts, kinds, strict=True)]
        return self._share_out(ranked, sizes)

    def _ranked(self, part: Candidates, habit: bool) -> Candidates:
        """The part's best tracks for this listener, each artist within the cap.

        The dial moves tracks within a shortlist only, so that the far end is still music that the
        recommenders stand behind; a loose cap keeps one artist from filling the shortlist.
        """
        depth = shortlist_of(self.size)
        loose = ArtistCap(self.facts, _LOOSE * self.per_artist)
        songs = through([EachSongOnce(self.facts), loose], part)
        cap = ArtistCap(self.facts, self.per_artist)
        vary = Diversify(self.facts, self.size, relevance=_HABIT if habit else _RELEVANCE)
        steps: list[Step] = [cap, vary] if habit else [self.dial, cap, vary]
        return through(steps, songs.take(range(min(depth, len(songs)))))

    def _share_out(
        self, ranked: Sequence[Candidates], sizes: Sequence[int]
    ) -> tuple[Candidates, tuple[int, ...]]:
        """Each part's share first, then whatever fits; the cap holds across parts."""
        taken: dict[str, tuple[Candidates, int]] = {}
        count: Counter[int] = Counter()
        given = [0] * len(ranked)
        artists_of = self._artists(list(dict.fromkeys(chain(*(p.track_ids for p in ranked)))))
        for limits in (sizes, [self.size] * len(ranked)):
            for at, part in enumerate(ranked):
                for row, track_id in enumerate(part.track_ids):
                    if given[at] >= limits[at] or len(taken) >= self.size:
                        break
                    artists = artists_of[track_id]
                    full = any(count[artist] >= self.per_artist for artist in artists)
                    if not full and track_id not in taken:
                        taken[track_id] = (part, row)
                        count.update(artists)
                        given[at] += 1
        return _joined(list(taken.values())), tuple(given)

    def _artists(self, track_ids: Sequence[str]) -> dict[str, list[int]]:
        """The artists of each track, as numbers."""
        found: dict[str, list[int]] = {track_id: [] for track_id in track_ids}
        owner, codes = sheet_of(self.facts, track_ids).artists
        for row, artist in zip(owner.tolist(), codes.tolist(), strict=True):
            found[track_ids[row]].append(artist)
        return found


def shares(size: int, parts: Sequence[float]) -> tuple[int, ...]:
    """Whole tracks for each part's share; together `size`.

    >>> shares(30, [0.7, 0.3])
    (21, 9)
    """
    bounds = [round(size * sum(parts[: at + 1]) / sum(parts)) for at in range(len(parts))]
    return tuple(high - low for low, high in zip([0, *bounds], bounds, strict=False))


def _joined(rows: Sequence[tuple[Candidates, int]]) -> Candidates:
    return Candidates(
        track_ids=tuple(part.track_ids[row] for part, row in rows),
        scores=tuple(part.scores[row] for part, row in rows),
        sources=tuple(part.sources[row] for part, row in rows),
        evidence=tuple(part.evidence[row] for part, row in rows),
    )
