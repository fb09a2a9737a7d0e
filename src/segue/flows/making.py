"""One playlist in the making: models are asked, tracks chosen, put in order and explained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from functools import cached_property
from typing import Final, TypeVar, cast

import numpy as np
import numpy.typing as npt

from segue.errors import NotReadyError
from segue.features.listening import Listening
from segue.flows.bounds import bounds_of
from segue.flows.listener import Person
from segue.flows.pool import Known, Pool, ask, with_evidence
from segue.flows.prepared import prepared
from segue.flows.shortage import Outcome, notes_about
from segue.flows.wishes import Wishes
from segue.music.candidates import Candidates, Evidence
from segue.music.playlist import Playlist, PlaylistTrack, playlist_id_of
from segue.music.query import Filters, Mix, Query
from segue.playlists.choose import Chooser, shares
from segue.playlists.dial import Dial
from segue.playlists.facts import Facts, TrackFacts
from segue.playlists.filters import Filter, WithoutKnownSongs, genre_matches
from segue.playlists.mixes import Part, parts_of
from segue.playlists.order import Flow
from segue.playlists.reasons import reasons
from segue.playlists.rules import Rules
from segue.playlists.softer import Softer
from segue.playlists.titles import ABOUT, entitle
from segue.recommenders.base import Recommender
from segue.recommenders.bundle import Bundle

__all__ = ["Making"]

_FAVOURITES: Final = 30

Ints = npt.NDArray[np.int64]
T = TypeVar("T")


@dataclass(frozen=True)
class Making:
    """One playlist in the making.

    Args:
        seeds: Ids of the tracks to start from.
        known: What is known about tracks; may be shared with others in the making.
        only: The one recommender that is asked; None: those of the mix.
    """

    bundle: Bundle
    person: Person
    wishes: Wishes
    seeds: tuple[str, ...]
    known: Known
    only: str | None = None

    @property
    def facts(self) -> Facts:
        """What is known about the tracks seen so far."""
        return self.known

    @property
    def mix(self) -> Mix:
        """What sort of playlist."""
        return cast(Mix, self.wishes.mix)  # Wishes checked it

    @cached_property
    def asked(self) -> Filters:
        """The bounds asked for, genres as typed."""
        return self.wishes.filters

    @cached_property
    def _bounds(self) -> list[Filter]:
        return bounds_of(self.asked, self.bundle.catalogue)

    @cached_property
    def rules(self) -> Rules:
        """What every track must keep to."""
        return Rules(
            facts=self.facts,
            listener=self.person.listener,
            asked=self.asked,
            seeds=frozenset(self.seeds),
            now=self.person.now,
            recent_hours=self.wishes.recent_hours,
        )

    def playlist(self) -> Playlist:
        """Ask, choose, explain."""
        parts, sizes, found = self._asked_for()
        picked, given, pools = self._chosen(parts, sizes, found)
        chosen = Flow(self.facts)(picked)
        stranger = not self.person.listener.known and not self.seeds
        notes = notes_about(
            Outcome(chosen, parts, pools, given, sizes, stranger),
            self.wishes,
            self.asked,
            genres=self.bundle.catalogue.genres.names if self.asked.genres else (),
            allowed=self._allowed,
        )
        return self.written(chosen, notes)

    def picked(self) -> Candidates:
        """Ask and choose."""
        return self._chosen(*self._asked_for())[0]

    def preferred(self) -> Candidates:
        """Tracks for a playlist, best first; every part of the mix has its share of any beginning.

        Raises:
            NotReadyError: There is nothing that this mix could be made of.
        """
        parts, sizes, pools = self._asked_for()
        rows: list[tuple[float, int, int, Candidates]] = []
        for at, (part, size, pool) in enumerate(zip(parts, sizes, pools, strict=True)):
            if not size:
                continue
            picked = self._chosen([part], [self.wishes.size], [pool])[0]
            rows += [((row + 0.5) / size, at, row, picked) for row in range(len(picked))]
        rows.sort(key=lambda one: one[:3])
        first: dict[str, tuple[int, Candidates]] = {}
        for _, _, row, picked in rows:
            first.setdefault(picked.track_ids[row], (row, picked))
        return Candidates(
            track_ids=tuple(first),
            scores=tuple(picked.scores[row] for row, picked in first.values()),
            sources=tuple(picked.sources[row] for row, picked in first.values()),
            evidence=tuple(picked.evidence[row] for row, picked in first.values()),
        )

    def _chosen(
        self, parts: Sequence[Part], sizes: Sequence[int], pools: Sequence[Pool]
    ) -> tuple[Candidates, tuple[int, ...], Sequence[Pool]]:
        """The playlist's tracks as they are picked, how many each part gave, and the pools.

        What nothing speaks for when it comes to telling is left out, and others are picked: that
        is rare, and telling all candidates would cost more than finding them.
        """
        choose, habits = self._chooser(), [part.habit for part in parts]
        while True:
            chosen, given = choose.picked([pool.candidates for pool in pools], sizes, habits)
            chosen = with_evidence(chosen, pools)
            silent = {
                track_id
                for track_id, sources in zip(chosen.track_ids, chosen.sources, strict=True)
                if not sources
            }
            if not silent:
                return chosen, given, pools
            pools = [pool.without(silent) for pool in pools]

    def _asked_for(self) -> tuple[list[Part], tuple[int, ...], list[Pool]]:
        """The parts of the mix, how many tracks each is to give, and what each may give."""
        self._refuse_what_cannot_be()
        parts = [part for part in parts_of(self.mix, self.wishes.adventurous) if part.share > 0]
        parts = [part.alone(self.only) for part in parts] if self.only else parts
        sizes = shares(self.wishes.size, [part.share for part in parts])
        return parts, sizes, [self._softened(self._pool(part)) for part in parts]

    def _softened(self, pool: Pool) -> Pool:
        """What is near tracks that the listener wants less of comes later."""
        listener = self.person.listener
        soft = Softer(self.facts, listener.less, listener.less_artists)
        return replace(pool, candidates=soft(pool.candidates))

    def _chooser(self) -> Chooser:
        return Chooser(self.facts, self.wishes.size, self.wishes.per_artist, self._dial())

    def _refuse_what_cannot_be(self) -> None:
        known = self.person.listener.known
        if self.mix == "rediscover" and not self.person.listener.heard:
            raise NotReadyError(
                "there is no listening history to rediscover anything in",
                cure="Import one with `segue import`, or make another mix.",
            )
        if self.mix != "discover" or len(known) < self.bundle.catalogue.n_named:
            return
        if self.bundle.catalogue.allowed(Filters(exclude_tracks=known)).any():
            return
        if not known:
            raise NotReadyError(
                "there are no tracks here to choose from",
                cure="Import a history with `segue import`, or tracks with `segue catalogue add`.",
            )
        raise NotReadyError(
            "there is nothing new to discover: every track here is one you know",
            cure="Ask open services with `segue enrich`, add tracks with `segue catalogue add` or "
            "other listeners with `segue crowd add`, then run `segue build` and `segue train`; or "
            "make `--mix rediscover`.",
        )

    def _pool(self, part: Part) -> Pool:
        query = self._query(part)
        pool = ask(
            part,
            query,
            self.wishes.size,
            recommenders=self._recommenders,
            known=self.known,
            filters_for=lambda _: [
                *self.rules.of(part, self._known_songs(part)),
                *self._bounds,
            ],
        )
        silent = not pool.candidates and not any(pool.cost.values())
        if part.mix == "similar" and silent and not self.rules.excluded(part):
            raise NotReadyError(
                "nothing is known about how these tracks sound or who plays them",
                cure="Add a catalogue with audio features or genres (`segue catalogue add`) or "
                "other listeners (`segue crowd add`), then `segue build` and `segue train`.",
            )
        return pool

    @property
    def _recommenders(self) -> Mapping[str, Recommender]:
        everybody = self.bundle.recommenders
        return {self.only: everybody[self.only]} if self.only else everybody

    def _query(self, part: Part) -> Query:
        """What recommenders are asked; they know genres by their full names."""
        genres = self._full_names(self.asked.genres)
        return Query(
            user_id=self.person.user_id,
            now=self.person.now,
            mix=part.mix,
            history=self.person.history,
            seeds=self.seeds,
            filters=replace(
                self.asked,
                genres=genres or self.asked.genres,
                exclude_tracks=(
                    self.rules.unheard() if part.mix == "discover" else self.rules.excluded(part)
                ),
            ),
            adventurous=self.wishes.adventurous,
            feedback=self.person.feedback,
        )

    def _full_names(self, genres: Sequence[str]) -> tuple[str, ...]:
        names = self.bundle.catalogue.genres.names if genres else ()
        return tuple(name for name in names if any(genre_matches(g, name) for g in genres))

    def _known_songs(self, part: Part) -> Filter | None:
        """Leaves out other recordings of what the user knows."""
        if part.known != "out" or not len(self._songs):
            return None
        return WithoutKnownSongs(self._other_songs)

    def _by_known_artists(self, track_ids: Sequence[str]) -> list[bool]:
        owner, artists = self.known.sheet(track_ids).artists
        by_known = np.zeros(len(track_ids), bool)
        by_known[owner[_among(self._artists, artists)]] = True
        found: list[bool] = by_known.tolist()
        return found

    def _other_songs(self, track_ids: Sequence[str]) -> list[bool]:
        owner, songs = self.known.sheet(track_ids).songs
        other = np.ones(len(track_ids), bool)
        other[owner[_among(self._songs, songs)]] = False
        kept: list[bool] = other.tolist()
        return kept

    @property
    def _songs(self) -> Ints:
        """The songs of the tracks that the listener knows, ascending."""
        keys = self.bundle.catalogue.song_keys
        return self._remembered("songs", lambda: np.sort(keys.songs_at(self._known_rows)[1]))

    @property
    def _artists(self) -> Ints:
        """The artists of these tracks, ascending."""
        artists = self.bundle.catalogue.song_keys.artists
        return self._remembered("artists", lambda: np.unique(artists.codes_at(self._known_rows)[1]))

    @property
    def _known_rows(self) -> Ints:
        """Catalogue rows of the tracks that the listener knows."""
        return self._remembered("known", self._find_known)

    def _find_known(self) -> Ints:
        listener = self.person.listener
        others = self.bundle.catalogue.rows(listener.kept | listener.spoken_of)
        return np.concatenate([self._heard.rows, others[others >= 0]])

    def _remembered(self, what: str, make: Callable[[], T]) -> T:
        """What the listener knows and likes stays so from one playlist to the next."""
        return self._heard.remembered("playlists", what, of=self.person.listener, make=make)

    @cached_property
    def _heard(self) -> Listening:
        return prepared(self.bundle, self.person).heard

    def _dial(self) -> Dial:
        """Near is near what the user plays most; around seeds, no setting leads away from them."""
        similar = self.mix == "similar"
        ids = () if similar else self._remembered("favourites", self._favourites)
        return Dial(
            facts=self.facts,
            adventurous=self.wishes.adventurous,
            knows=self._by_known_artists,
            favourites=ids,
        )

    def _favourites(self) -> tuple[str, ...]:
        """The tracks heard most often; ties go by track_id, as rows do."""
        heard = self._heard
        often = np.argsort(-heard.plays, kind="stable")[:_FAVOURITES]
        return self.bundle.catalogue.ids(heard.rows[often])

    def _allowed(self, asked: Filters, part: Part) -> int:
        """Tracks in the whole catalogue that keep to these bounds."""
        genres = self._full_names(asked.genres)
        if asked.genres and not genres:
            return 0
        bounds = replace(asked, genres=genres, exclude_tracks=self.rules.excluded(part))
        return int(self.bundle.catalogue.allowed(bounds).sum())

    def written(self, chosen: Candidates, notes: Sequence[str]) -> Playlist:
        """The playlist of these tracks, in their order, each with its reason."""
        # with the tracks that the evidence names
        others = [one.other_id for all_ in chosen.evidence for one in all_ if one.other_id]
        self.known.look_up(list(dict.fromkeys([*chosen.track_ids, *self.seeds, *others])))
        told, seeds = self._told(chosen), self.facts
        made_at = self.person.now.astimezone(UTC)
        return Playlist(
            playlist_id=playlist_id_of(self.person.user_id, self.mix),
            title=entitle(self.mix, made_at, [seeds[seed] for seed in self.seeds if seed in seeds]),
            description=ABOUT[self.mix],
            user_id=self.person.user_id,
            made_at=made_at,
            tracks=tuple(
                _place(rank, self.facts[track_id], chosen, reason)
                for rank, (track_id, reason) in enumerate(
                    zip(chosen.track_ids, told, strict=True), start=1
                )
            ),
            notes=tuple(notes),
            mix=self.mix,
        )

    def _told(self, chosen: Candidates) -> tuple[str, ...]:
        """Reasons for the tracks."""
        return reasons(chosen, self.facts, seeds=frozenset(self.seeds), completed=self._with_plays)

    def _with_plays(self, evidence: Evidence) -> Evidence:
        """That the user liked the other track, and how often they played it, are facts, too."""
        other = evidence.other_id
        if other is None:
            return evidence
        liked, heard = other in self.person.listener.liked, self.person.listener.heard.get(other)
        plays = evidence.plays
        if plays is None and heard is not None and heard.plays:
            plays = heard.plays
        if plays == evidence.plays and not liked:
            return evidence
        return evidence.of_other(plays=plays, liked=liked or evidence.liked)


def _among(known: Ints, asked: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """Which numbers are among the known ones, which are ascending."""
    if not len(known):
        return np.zeros(len(asked), bool)
    place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return np.asarray(known[place] == asked)


def _place(rank: int, track: TrackFacts, chosen: Candidates, reason: str) -> PlaylistTrack:
    return PlaylistTrack(
        rank=rank,
        track_id=track.track_id,
        title=track.title,
        artists=track.artists,
        score=chosen.scores[rank - 1],
        reason=reason,
        sources=chosen.sources[rank - 1],
        album=track.album,
        duration_ms=track.duration_ms,
        year=track.year,
        spotify_uri=track.spotify_uri,
        recording_mbid=track.recording_mbid,
        isrc=track.isrc,
    )
