"""What is said for a command line, as it is said on a page: no commands, no options."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["in_plain_words"]

_ON_A_PAGE: Final = (
    ("`segue import` helps", "Adding your music helps"),
    ("`segue catalogue add` or `segue crowd add` brings more", ""),
    ("Import a longer history, then run `segue build`", "Add a longer history"),
    ("Run `segue import`, then `segue build`", "Add your music first"),
)
_SENTENCES: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z`“])")
_ASIDE: Final = re.compile(r"\s*\([^()]*`[^()]*\)|\s*\(\s*\)")
_COMMAND: Final = re.compile(r"`|(?<!\w)--\w|\bsegue [a-z]+\b|\bSEGUE_[A-Z]|\bdocs/")


def in_plain_words(text: str) -> str:
    """A note, a fault or its cure without what belongs into a terminal.

    What a page has a word for is put so; asides and sentences that speak of commands only are
    left away, since the page says itself what to do next.

    >>> in_plain_words("No favourites were found (`segue crowd add` brings more). That is all.")
    'No favourites were found. That is all.'
    """
    for typed, told in _ON_A_PAGE:
        text = text.replace(typed, told)
    kept = (_ASIDE.sub("", sentence) for sentence in _SENTENCES.split(text.strip()))
    told_ = (one[:1].upper() + one[1:] for one in kept if one and not _COMMAND.search(one))
    return " ".join(told_)
