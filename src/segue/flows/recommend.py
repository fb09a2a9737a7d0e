"""From a user's history and trained models to an ordered, explained playlist."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

import pyarrow as pa

from segue.errors import ConfigError, UnknownTrackError
from segue.flows.listener import Marts, Person, find_person, track_by_ref
from segue.flows.making import Making
from segue.flows.pool import Known
from segue.flows.seeds import resolve_seed
from segue.flows.wishes import Wishes
from segue.music.candidates import Candidates
from segue.music.playlist import Playlist
from segue.progress import Progress, Silent
from segue.recommenders.bundle import Bundle

__all__ = ["Wishes", "ask_ahead", "picks", "playlist_for", "recommend", "resolved"]

_log = logging.getLogger(__name__)
_LOOKED_AT: Final = 300


def recommend(
    *,
    bundle: Bundle,
    snapshot: Marts,
    user_id: str | None,
    wishes: Wishes,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Playlist:
    """Make a playlist.

    Args:
        bundle: Trained recommenders and the tracks they know.
        snapshot: The published marts.
        user_id: Whose playlist; None for a stranger.
        wishes: What is asked for.
        now: The moment it is for, aware; nothing later is used. None: just after the user's last
            play, so that an old export is not a pile of forgotten tracks.

    Returns:
        At most `wishes.size` tracks, the same for the same inputs. With fewer, the notes say why.

    Raises:
        UnknownUserError: Others have a history here, but not this user.
        UnknownTrackError: A seed fits no track, or several.
        NotReadyError: There is nothing that this mix could be made of.
        ConfigError: `now` has no time zone.
    """
    if now is not None and now.tzinfo is None:
        raise ConfigError("now must have a time zone", field="now", cure="Give it in UTC.")
    started = time.perf_counter()
    progress = progress or Silent()
    progress.start("choosing tracks")
    making = _making(bundle, snapshot, user_id, wishes, now)
    playlist = making.playlist()
    progress.done(f"{len(playlist.tracks)} tracks")
    _log.info(
        "recommend: %s, %d tracks in %.2f s",
        wishes.mix,
        len(playlist.tracks),
        time.perf_counter() - started,
    )
    return playlist


def playlist_for(bundle: Bundle, person: Person, wishes: Wishes) -> Playlist:
    """The playlist of a listener who is in memory already; seeds are track ids.

    Whoever keeps listeners in memory keeps them `prepared`, which makes their playlists faster.

    Raises:
        NotReadyError: There is nothing that this mix could be made of.
    """
    return Making(bundle, person, wishes, wishes.seeds, Known(bundle.catalogue)).playlist()


def ask_ahead(bundle: Bundle, person: Person, wishes: Wishes) -> None:
    """Ask the recommenders what a playlist with these wishes will ask them, and what speaks for it.

    For whoever has a moment to spare before it is wanted, such as after a play: where the person
    is kept `prepared`, it is then made in a quarter of the time, at whatever moment. Of the wishes
    the mix, the size, the seeds and the bounds have to be the same.

    Raises:
        NotReadyError: There is nothing that this mix could be made of.
    """
    Making(bundle, person, wishes, wishes.seeds, Known(bundle.catalogue)).picked()


def picks(bundle: Bundle, person: Person, wishes: Wishes) -> Candidates:
    """The tracks of a playlist as they are picked, each part's best first, unordered for the ear.

    Raises:
        NotReadyError: There is nothing that this mix could be made of.
    """
    return Making(bundle, person, wishes, (), Known(bundle.catalogue)).picked()


def _making(
    bundle: Bundle, snapshot: Marts, user_id: str | None, wishes: Wishes, now: datetime | None
) -> Making:
    person = find_person(
        snapshot, bundle.catalogue, user_id=user_id, now=now, otherwise=bundle.trained_at
    )
    seeds = resolved(wishes.seeds, bundle, snapshot)
    return Making(bundle, person, wishes, seeds, Known(bundle.catalogue))


def resolved(seeds: Sequence[str], bundle: Bundle, snapshot: Marts) -> tuple[str, ...]:
    """The tracks that are meant by what was typed, each once.

    Raises:
        UnknownTrackError: A seed fits no track, or several.
    """
    return tuple(dict.fromkeys(_resolved(seed, bundle, snapshot) for seed in seeds))


def _resolved(seed: str, bundle: Bundle, snapshot: Marts) -> str:
    """Among the tracks that a search finds; where that does not tell, among all."""
    tracks, by_ref = bundle.catalogue.tracks, track_by_ref(snapshot)
    if bundle.search is not None:
        rows = [hit.row for hit in bundle.search.find(seed, _LOOKED_AT)]
        with suppress(UnknownTrackError):
            return resolve_seed(seed, tracks.take(pa.array(rows, pa.int64())))
    return resolve_seed(seed, tracks, by_ref=by_ref)
