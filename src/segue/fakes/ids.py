"""Ids of invented things: 22 letters and digits, and the number they were made from."""

from __future__ import annotations

import re
import string
from typing import Final

__all__ = ["id_of", "looks_like_an_id", "number_of"]

_LETTERS: Final = string.digits + string.ascii_lowercase + string.ascii_uppercase
_SPACE: Final = 62**22
# Odd and no multiple of 31, so that it has an inverse: ids look random and can be read back.
_FACTOR: Final = 0x9E3779B97F4A7C15F39CC0605CEDC835
_BACK: Final = pow(_FACTOR, -1, _SPACE)
_KINDS: Final = ("track", "album", "artist", "playlist")
_SHAPE: Final = re.compile(r"[0-9A-Za-z]{22}\Z")


def id_of(kind: str, number: int) -> str:
    """The id of the thing with a number, from 0, among its kind."""
    left = ((number + 1) * len(_KINDS) + _KINDS.index(kind)) * _FACTOR % _SPACE
    letters = []
    for _ in range(22):
        left, digit = divmod(left, 62)
        letters.append(_LETTERS[digit])
    return "".join(reversed(letters))


def number_of(kind: str, identifier: str) -> int | None:
    """The number an id was made from; None when it is not the id of such a thing."""
    if not looks_like_an_id(identifier):
        return None
    value = 0
    for letter in identifier:
        value = value * 62 + _LETTERS.index(letter)
    number, which = divmod(value * _BACK % _SPACE, len(_KINDS))
    return number - 1 if number > 0 and _KINDS[which] == kind else None


def looks_like_an_id(identifier: str) -> bool:
    """Whether it has the form of an id."""
    return _SHAPE.match(identifier) is not None
