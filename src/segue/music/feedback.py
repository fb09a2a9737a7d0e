"""What a user can say about music: the verbs, and what they may be said of."""

from __future__ import annotations

from typing import Final, Literal, get_args

__all__ = [
    "ARTIST",
    "HIDE",
    "KNOWN",
    "LESS",
    "LIKE",
    "NOT_ME",
    "OPINIONS",
    "PLAYS",
    "RULES",
    "SAID_HERE",
    "TRACK",
    "UNDO",
    "VERBS",
    "Verb",
]

Verb = Literal["like", "less", "known", "hide", "not_me", "undo"]
"""One word of feedback.

like    more like this: counts as several finished plays
less    fewer like this: the track rests for a while, what is near it comes less often
known   known already: no discovery, though it was never played here
hide    never again: not the track, nor another recording of the song; of an artist, nothing
not_me  somebody else played this: those plays are not this user's taste
undo    takes back whatever was said of the same track, artist or plays
"""

VERBS: Final[tuple[Verb, ...]] = get_args(Verb)
LIKE: Final = "like"
LESS: Final = "less"
KNOWN: Final = "known"
HIDE: Final = "hide"
NOT_ME: Final = "not_me"
UNDO: Final = "undo"

OPINIONS: Final = (LIKE, LESS, KNOWN, HIDE)
"""Verbs of which the latest said of a track or artist stands; `not_me` is about plays."""

SAID_HERE: Final = "segue"
"""Source of the words that were said with `segue feedback`."""

RULES: Final = "rules"
"""Source of the words that follow from the settings `not_mine`."""

TRACK: Final = "track"
ARTIST: Final = "artist"
PLAYS: Final = "plays"
"""Kinds of things that words are about; `plays` are those of a span of time."""
