"""One playlist of two contenders: each makes its own as usual, then they draft from both."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Final

from segue.errors import ConfigError, NotReadyError
from segue.evaluation.team_draft import TEAMS, Pick, Team, team_draft
from segue.flows.listener import Marts, find_person
from segue.flows.making import Making
from segue.flows.pool import Known
from segue.flows.recommend import resolved
from segue.flows.wishes import Wishes
from segue.music.candidates import Candidates
from segue.music.playlist import Playlist
from segue.playlists.facts import Facts
from segue.playlists.filters import song_keys
from segue.recommenders.bundle import Bundle

__all__ = ["PLAYLIST", "Contender", "drafted"]

PLAYLIST: Final = "playlist"
"""The contender that asks all recommenders, as `segue recommend` does."""

_SETTINGS: Final[dict[str, Callable[[str], float]]] = {
    "adventurous": float,
    "per_artist": int,
    "recent_hours": float,
}
_SPARE: Final = 3
_LARGEST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Contender:
    """One of two that are compared.

    Args:
        text: As typed: a recommender or “playlist”, then settings, such as
            “playlist,adventurous=0.8”.
        recommender: The only one that is asked; None: all.
        wishes: The options of its playlists.
    """

    text: str
    recommender: str | None
    wishes: Wishes

    @classmethod
    def parse(
        cls, text: str, usual: Wishes, recommenders: Sequence[str], *, option: str
    ) -> Contender:
        """Read what was typed.

        Args:
            usual: The options that are not named.
            recommenders: Those there are.
            option: What the option is called, for messages.

        Raises:
            ConfigError: There is no such recommender or setting, or its value cannot be used.
        """
        name, *settings = [part.strip() for part in text.split(",")]
        if name != PLAYLIST and name not in recommenders:
            raise ConfigError(
                f"there is no recommender “{name}” in the trained models",
                field=option,
                cure=f"Choose one of {', '.join([PLAYLIST, *sorted(recommenders)])}.",
            )
        changes: dict[str, float] = {}
        for setting in settings:
            key, _, value = setting.partition("=")
            try:
                changes[key] = _SETTINGS[key](value)
            except (KeyError, ValueError) as error:
                raise ConfigError(
                    f"“{setting}” is no setting of a contender",
                    field=option,
                    cure=f"Write NAME=NUMBER after a comma; names: {', '.join(_SETTINGS)}.",
                ) from error
        wishes = replace(usual, **changes)  # type: ignore[arg-type]  # the names are checked
        return cls(text, None if name == PLAYLIST else name, wishes)


def drafted(
    contenders: tuple[Contender, Contender],
    size: int,
    *,
    bundle: Bundle,
    snapshot: Marts,
    user_id: str,
    now: datetime | None,
    rng: Random,
    label: str,
) -> tuple[Playlist, list[Pick]]:
    """Interleave the playlists of two contenders by team draft.

    Each chooses as it does alone: its candidates go through the same filters, dial, artist limit
    and diversification. The playing order is that of the draft, so that neither has the better
    places; it is not made for the ear.

    Args:
        contenders: Their options share mix and seeds.
        size: Tracks wanted.
        now: The moment, as for `recommend`.
        rng: The coin of the draft.
        label: What the playlist is called after its mix; also makes its stable id.

    Raises:
        UnknownUserError: Others have a history here, but not this user.
        UnknownTrackError: A seed fits no track, or several.
        NotReadyError: One of them has nothing to propose to this user.
    """
    person = find_person(
        snapshot, bundle.catalogue, user_id=user_id, now=now, otherwise=bundle.trained_at
    )
    known = Known(bundle.catalogue)
    seeds = resolved(contenders[0].wishes.seeds, bundle, snapshot)
    makers: dict[Team, Making] = {}
    lists: dict[Team, Candidates] = {}
    for team, one in zip(TEAMS, contenders, strict=True):
        wishes = replace(one.wishes, size=min(_SPARE * size, _LARGEST))
        makers[team] = Making(bundle, person, wishes, seeds, known, one.recommender)
        lists[team] = makers[team].preferred()
        if not len(lists[team]):
            raise NotReadyError(
                f"“{one.text}” has nothing to propose for the mix “{one.wishes.mix}”",
                cure="Compare others, or another --mix.",
            )
    limit = max(one.wishes.per_artist for one in contenders)
    picks = team_draft(
        lists["a"].track_ids,
        lists["b"].track_ids,
        size,
        rng=rng,
        fits=lambda track_id, taken: _fits(known, track_id, taken, limit),
    )
    short = len(picks) < size
    notes = [f"Only {len(picks)} of {size} tracks: one side had no more to offer."] if short else []
    playlist = makers["a"].written(_joined(picks, lists), notes)
    stable = hashlib.sha256(f"{user_id}\x1f{label}".encode()).hexdigest()[:16]
    title = f"{playlist.title} · {label}"
    return replace(playlist, playlist_id=f"p{stable}", title=title), picks


def _fits(facts: Facts, track_id: str, taken: Sequence[str], limit: int) -> bool:
    """Whether no song comes twice and no artist too often."""
    track = facts[track_id]
    songs = {key for other in taken for key in song_keys(facts[other])}
    artists = Counter(key for other in taken for key in facts[other].artist_keys)
    return songs.isdisjoint(song_keys(track)) and all(
        artists[key] < limit for key in track.artist_keys
    )


def _joined(picks: Sequence[Pick], lists: dict[Team, Candidates]) -> Candidates:
    rows = [(lists[pick.team], pick.row) for pick in picks]
    return Candidates(
        track_ids=tuple(part.track_ids[row] for part, row in rows),
        scores=tuple(part.scores[row] for part, row in rows),
        sources=tuple(part.sources[row] for part, row in rows),
        evidence=tuple(part.evidence[row] for part, row in rows),
    )
