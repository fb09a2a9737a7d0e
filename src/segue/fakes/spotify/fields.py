"""The `fields` parameter of playlists: which parts of an answer are wanted."""

from __future__ import annotations

import re
from typing import Any, Final

from segue.fakes.messages import ApiError

__all__ = ["only"]

_WORDS: Final = re.compile(r"[\w!]+|[.,()]")

_Wanted = dict[str, "_Wanted"]  # a name to what is wanted below it; nothing below: all of it


def only(value: Any, fields: str) -> Any:
    """The parts of an answer that `fields` names: items(added_at,item(uri)),total.

    Raises:
        ApiError: 400 when the brackets do not fit.
    """
    if not fields:
        return value
    words = _WORDS.findall(fields)
    wanted = _list(words)
    if words:
        raise ApiError(400, "Invalid field filter")
    return _cut(value, wanted)


def _list(words: list[str]) -> _Wanted:
    found: _Wanted = {}
    while words and words[0] != ")":
        _one(words, found)
        if words and words[0] == ",":
            words.pop(0)
    return found


def _one(words: list[str], into: _Wanted) -> None:
    name = words.pop(0)
    if name in (".", ",", "("):
        raise ApiError(400, "Invalid field filter")
    below = into.setdefault(name, {})
    if words and words[0] == ".":
        words.pop(0)
        if not words:
            raise ApiError(400, "Invalid field filter")
        _one(words, below)
    elif words and words[0] == "(":
        words.pop(0)
        below.update(_list(words))
        if not words:
            raise ApiError(400, "Invalid field filter")
        words.pop(0)


def _cut(value: Any, wanted: _Wanted) -> Any:
    if not wanted:
        return value
    if isinstance(value, list):
        return [_cut(one, wanted) for one in value]
    if not isinstance(value, dict):
        return value
    if any(name.startswith("!") for name in wanted):
        left = {name: below for name, below in wanted.items() if not name.startswith("!")}
        kept = {name: one for name, one in value.items() if f"!{name}" not in wanted}
        return {name: _cut(one, left.get(name, {})) for name, one in kept.items()}
    return {name: _cut(value[name], below) for name, below in wanted.items() if name in value}
