"""What a user's events come to: one small record, made of them one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from segue.errors import StorageError
from segue.events.record_json import decode, encode
from segue.music.event import PLAYBACK, SPOKEN, Event
from segue.music.feedback import HIDE, LESS, NOT_ME

__all__ = [
    "HALF_LIFE",
    "Portrait",
    "Profile",
    "Share",
    "TrackFacts",
    "portrait",
    "taken",
    "wanted_weights",
    "within",
]

HALF_LIFE: Final = timedelta(days=90)
"""After so long, what was heard counts half."""

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_COUNTS_FOR: Final = {"play": 0.25, "complete": 0.75, "like": 3.0}
"""A play that began and ended well counts one; a word of praise, three more."""
_RECENT: Final = 50
_MOST_TRACKS: Final = 5_000
_UNWANTED: Final = frozenset({LESS, HIDE, NOT_ME})
_VERSION: Final = 1


@dataclass(frozen=True, slots=True, order=True)
class _Moment:
    """An event among those of a user, by time; equal times by the event's id."""

    at_us: int
    event_id: str
    kind: str
    track_id: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What the events of one user come to; a value.

    Args:
        counts: Event type -> how many events.
        recent: The latest 50 things the player did, in the order of time.
        weights: Track -> how much it was heard and liked: the base-2 logarithm of a sum in which
            an event at time t counts 2 ** ((t - 2000) / 90 days) times its kind. No later event
            changes what an earlier one brought, so that it does not matter when each arrives.
            The 5,000 heaviest tracks are kept.
        words: Track -> the latest said of it; of 5,000 tracks.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    recent: tuple[_Moment, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[str, _Moment] = field(default_factory=dict)

    @property
    def finishes(self) -> int:
        """Plays that were heard to the end."""
        return self.counts.get("complete", 0)

    @property
    def skips(self) -> int:
        """Plays that were left."""
        return self.counts.get("skip", 0)

    @property
    def plays(self) -> int:
        """Plays: as many as began, or ended, whichever was reported more often."""
        return max(self.counts.get("play", 0), self.finishes + self.skips)

    @property
    def skip_rate(self) -> float | None:
        """Skips among plays whose end was reported, 0 to 1; None: there are none."""
        ended = self.finishes + self.skips
        return self.skips / ended if ended else None

    @property
    def finish_rate(self) -> float | None:
        """Finishes among plays whose end was reported, 0 to 1; None: there are none."""
        rate = self.skip_rate
        return None if rate is None else 1.0 - rate

    def to_bytes(self) -> bytes:
        """The record as JSON; equal profiles give equal bytes."""
        kept = {
            "version": _VERSION,
            "counts": self.counts,
            "recent": [_list(one) for one in self.recent],
            "weights": self.weights,
            "words": {track: _list(word) for track, word in self.words.items()},
        }
        return encode(kept)

    @classmethod
    def from_bytes(cls, record: bytes | None) -> Profile:
        """The profile in a record; None: of somebody who has done nothing yet.

        Raises:
            StorageError: A later version of Segue wrote it, or it is damaged.
        """
        if record is None:
            return cls()
        kept = _kept_in(record)
        return cls(
            counts=kept["counts"],
            recent=tuple(_Moment(*one) for one in kept["recent"]),
            weights=kept["weights"],
            words={track: _Moment(*word) for track, word in kept["words"].items()},
        )


def taken(profile: Profile, events: Iterable[Event]) -> Profile:
    """The profile after further events of its user.

    Each event is taken once: the log knows duplicates. They may be cut into calls anyhow. In
    another order they come to the same, but for the last digits of the weights, and for tracks
    beyond the 5,000 that are kept.

    >>> at = datetime(2026, 3, 1, tzinfo=UTC)
    >>> profile = taken(Profile(), [Event("1", "ann", "t1", "complete", at)])
    >>> profile.plays, profile.skip_rate
    (1, 0.0)
    """
    counts, weights, words = dict(profile.counts), dict(profile.weights), dict(profile.words)
    recent = list(profile.recent)
    for event in events:
        kind, track = event.event_type, event.track_id
        moment = _Moment(_us(event.timestamp), event.event_id, kind, track)
        counts[kind] = counts.get(kind, 0) + 1
        if kind in PLAYBACK:
            recent = sorted([*recent, moment])[-_RECENT:]
        if kind in SPOKEN:
            words[track] = max(words.get(track, moment), moment)
        if kind in _COUNTS_FOR:
            more = math.log2(_COUNTS_FOR[kind]) + _age(event.timestamp)
            weights[track] = _added(weights[track], more) if track in weights else more
        # Cut at each event, not at the end of a batch: batches must make no difference.
        _keep_best(weights, _MOST_TRACKS)
        _keep_best(words, _MOST_TRACKS)
    return replace(profile, counts=counts, recent=tuple(recent), weights=weights, words=words)


def within(profile: Profile, fits: Callable[[bytes], bool]) -> Profile:
    """The profile with as many of its tracks, the heaviest and latest, as there is room for.

    Args:
        profile: Whose tracks may have names of any length.
        fits: Whether there is room for a record.
    """
    most = _MOST_TRACKS
    while most > 1 and not fits(profile.to_bytes()):
        most //= 2
        profile = replace(
            profile, weights=_best(profile.weights, most), words=_best(profile.words, most)
        )
    return profile


def _kept_in(record: bytes) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = decode(record)
        version = kept["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError("a profile is damaged", cure="Make profiles anew of events.") from error
    if version != _VERSION:
        raise StorageError(
            f"a profile has version {version}, and this Segue knows {_VERSION}",
            cure="Update Segue; the events wait until then.",
        )
    return kept


# --- what it tells about taste ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrackFacts:
    """What is known of a track.

    Args:
        artist: Name of its first artist; None where nobody knows.
        genres: Lower case.
        year: Of its release.
        sound: Audio feature -> value; features that are not known are left away.
    """

    artist: str | None = None
    genres: tuple[str, ...] = ()
    year: int | None = None
    sound: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Share:
    """A name, and its part of what was heard, 0 to 1."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Portrait:
    """A user's taste: the largest shares first.

    Args:
        tracks: By track id.
        eras: By decade, such as "1990s".
        sound: Audio feature -> weighted mean over the tracks of which it is known.
    """

    tracks: tuple[Share, ...]
    artists: tuple[Share, ...]
    genres: tuple[Share, ...]
    eras: tuple[Share, ...]
    sound: Mapping[str, float]


Lookup = Callable[[Collection[str]], Mapping[str, TrackFacts]]


def portrait(profile: Profile, facts: Lookup, *, most: int = 10) -> Portrait:
    """What a profile tells about taste.

    Tracks of which the latest word is less, hide or not_me are left out. Shares do not change as
    time goes by: everything fades alike.

    Args:
        facts: Answers what is known of tracks; unknown ones may be missing.
        most: So many of each.
    """
    wanted = wanted_weights(profile)
    heaviest = max(wanted.values(), default=0.0)
    weights = {track: 2.0 ** (wanted[track] - heaviest) for track in sorted(wanted)}
    known = facts(weights)
    return Portrait(
        tracks=_shares(((track, w) for track, w in weights.items()), most),
        artists=_shares(_each(weights, known, lambda of: (of.artist,) if of.artist else ()), most),
        genres=_shares(_each(weights, known, lambda of: of.genres), most),
        eras=_shares(_each(weights, known, _era), most),
        sound=_mean_sound(weights, known),
    )


def wanted_weights(profile: Profile) -> dict[str, float]:
    """The weights of tracks, without those of which the latest word is less, hide or not_me."""
    return {
        track: weight
        for track, weight in profile.weights.items()
        if track not in profile.words or profile.words[track].kind not in _UNWANTED
    }


def _era(of: TrackFacts) -> tuple[str, ...]:
    return () if of.year is None else (f"{of.year // 10 * 10}s",)


def _each(
    weights: Mapping[str, float],
    known: Mapping[str, TrackFacts],
    names: Callable[[TrackFacts], tuple[str, ...]],
) -> Iterable[tuple[str, float]]:
    """Names of tracks with their weights; a track of several gives each an equal part."""
    for track, weight in weights.items():
        given = names(known[track]) if track in known else ()
        for name in given:
            yield name, weight / len(given)


def _shares(parts: Iterable[tuple[str, float]], most: int) -> tuple[Share, ...]:
    summed: dict[str, float] = {}
    for name, weight in parts:
        summed[name] = summed.get(name, 0.0) + weight
    total = sum(summed.values())
    best = sorted(summed.items(), key=lambda item: (-item[1], item[0]))[:most]
    return tuple(Share(name, weight / total) for name, weight in best if weight > 0)


def _mean_sound(
    weights: Mapping[str, float], known: Mapping[str, TrackFacts]
) -> Mapping[str, float]:
    sums: dict[str, tuple[float, float]] = {}
    for track, weight in weights.items():
        for name, value in (known[track].sound if track in known else {}).items():
            total, mass = sums.get(name, (0.0, 0.0))
            sums[name] = total + weight * value, mass + weight
    return {name: total / mass for name, (total, mass) in sorted(sums.items()) if mass > 0}


# --- arithmetic ---------------------------------------------------------------------------------


def _age(at: datetime) -> float:
    """Half-lives since the epoch."""
    return (at - _EPOCH) / HALF_LIFE


def _added(one: float, other: float) -> float:
    """The logarithm of a sum, of the logarithms of its parts."""
    high, low = max(one, other), min(one, other)
    return high + math.log2(1.0 + 2.0 ** (low - high))


def _best(values: Mapping[str, Any], most: int) -> dict[str, Any]:
    order = sorted(values, key=lambda key: (values[key], key), reverse=True)
    return {key: values[key] for key in order[:most]}


def _keep_best(values: dict[str, Any], most: int) -> None:
    if len(values) > most:
        worst = min(values, key=lambda key: (values[key], key))
        del values[worst]


def _list(one: _Moment) -> list[Any]:
    return [one.at_us, one.event_id, one.kind, one.track_id]


def _us(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _1970) // _MICROSECOND
