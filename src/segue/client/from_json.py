"""Decoded JSON as values; what a newer service tells besides is left aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

__all__ = ["value_of"]

T = TypeVar("T")


def value_of(kind: type[T], told: Any) -> T:
    """A value of this kind.

    Args:
        kind: A dataclass of plain fields, tuples, mappings and other such dataclasses.

    Raises:
        TypeError: The JSON has another shape; likewise ValueError.
    """
    made: T = _value(kind, told)
    return made


def _value(kind: Any, told: Any) -> Any:
    make: Any = kind
    if is_dataclass(kind):
        if not isinstance(told, dict):
            raise TypeError(f"{make} is told by an object, not by {type(told).__name__}")
        known = _kinds(make)
        return make(**{name: _value(known[name], told[name]) for name in told if name in known})
    origin = get_origin(kind)
    if origin is UnionType:
        if told is None:
            return None
        return _value(next(one for one in get_args(kind) if one is not NoneType), told)
    if origin is tuple:
        return tuple(_value(get_args(kind)[0], one) for one in told)
    if origin is not None and issubclass(origin, Mapping):
        return dict(told)
    return datetime.fromisoformat(told) if kind is datetime else told


@cache
def _kinds(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind)}
