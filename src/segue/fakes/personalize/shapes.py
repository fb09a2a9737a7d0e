"""Whether a value fits a shape of a service model: types, names, bounds, words, patterns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

__all__ = ["misfits", "wire_name"]

_KINDS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, datetime),
}
_CLASSES: Final = {r"\p{ASCII}": r"[\x00-\x7f]", r"\p{L}\p{Z}\p{N}": r"\w\s"}


def misfits(value: Any, shape: Any, place: str = "", *, exact: bool = True) -> Iterator[str]:
    """What is wrong with a value as JSON has it, one line for each fault; nothing: it fits.

    Args:
        value: What was sent or is to be answered.
        shape: A shape of botocore's service model.
        place: Where the value stands in the whole.
        exact: Whether bounds, words and patterns count; the model's are not always those of
            answers.
    """
    kind = _KINDS.get(shape.type_name, object)
    odd_bool = isinstance(value, bool) and shape.type_name != "boolean"
    if odd_bool or not isinstance(value, kind):
        yield f"{place or 'body'}: {shape.type_name} wanted, not {type(value).__name__}"
        return
    if shape.type_name == "structure":
        yield from _of_structure(value, shape, place, exact)
    elif shape.type_name == "map":
        for key, inner in value.items():
            yield from misfits(key, shape.key, f"{place}.{key} (its name)", exact=exact)
            yield from misfits(inner, shape.value, f"{place}.{key}", exact=exact)
    elif shape.type_name == "list":
        for number, inner in enumerate(value):
            yield from misfits(inner, shape.member, f"{place}[{number}]", exact=exact)
    if exact:
        yield from _out_of_bounds(value, shape, place)


def wire_name(name: str, member: Any) -> str:
    """What a member is called in JSON."""
    return str(member.serialization.get("name", name))


def _of_structure(value: Mapping[str, Any], shape: Any, place: str, exact: bool) -> Iterator[str]:
    members = {wire_name(name, member): member for name, member in shape.members.items()}
    for name in shape.required_members:
        if wire_name(name, shape.members[name]) not in value:
            yield f"{place or 'body'}: {name} is missing"
    for name, inner in value.items():
        there = f"{place}.{name}" if place else name
        if name not in members:
            yield f"{there}: the service knows no such member"
        elif inner is not None:
            yield from misfits(inner, members[name], there, exact=exact)


def _out_of_bounds(value: Any, shape: Any, place: str) -> Iterator[str]:
    told = shape.metadata
    size = value if isinstance(value, int | float) else None
    size = len(value) if isinstance(value, str | list | dict) else size
    if size is not None and size < told.get("min", size):
        yield f"{place}: {size} is below {told['min']}"
    if size is not None and size > told.get("max", size):
        yield f"{place}: {size} is above {told['max']}"
    if told.get("enum") and value not in told["enum"]:
        yield f"{place}: {value!r} is none of {', '.join(told['enum'])}"
    if isinstance(value, str) and "pattern" in told and not _pattern(told["pattern"]).match(value):
        yield f"{place}: {value!r} does not follow {told['pattern']}"


@lru_cache(maxsize=200)
def _pattern(told: str) -> re.Pattern[str]:
    """The model's pattern, which is Java's, whole strings only."""
    for theirs, ours in _CLASSES.items():
        told = told.replace(theirs, ours)
    return re.compile(f"(?:{told})\\Z")
