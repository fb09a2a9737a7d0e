"""A segue.toml without its passwords: for a backup, which may end up anywhere."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel

from segue.settings import Settings

__all__ = ["without_secrets"]

_KEY = re.compile(r"""^\s*(?:[\w-]+\s*\.\s*)*["']?([\w-]+)["']?\s*=""")


def without_secrets(text: str) -> tuple[str | None, tuple[str, ...]]:
    r"""The settings without those that hold a secret; all other lines stay as they are.

    Returns:
        The text, None where secrets cannot be told apart from the rest of it; and the names of
        the settings that were left out.

    >>> without_secrets('[postgresql]\nhost = "db"\npassword = "abc"\n')
    ('[postgresql]\nhost = "db"\n', ('postgresql.password',))
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None, ("all of it, which is not TOML",)
    secrets = [place for place in _secret_settings() if _tells(found, place)]
    if not secrets:
        return text, ()
    names = tuple(".".join(place) for place in secrets)
    expected = _without(found, secrets)
    keys = {place[-1] for place in secrets}
    lines = text.splitlines(keepends=True)
    kept = "".join(line for line in lines if not _is_one_of(line, keys))
    try:
        right = tomllib.loads(kept) == expected
    except tomllib.TOMLDecodeError:
        right = False
    return (kept if right else None), names


def _secret_settings() -> Iterator[tuple[str, ...]]:
    """Places of all settings whose values are not to be shown."""
    for name, field in Settings.model_fields.items():
        if "Secret" in str(field.annotation):
            yield (name,)
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for inner, within in field.annotation.model_fields.items():
                if "Secret" in str(within.annotation):
                    yield name, inner


def _tells(found: dict[str, Any], place: tuple[str, ...]) -> bool:
    """Whether there is a secret; the address of a server is none as long as it has no password."""
    value: Any = found
    for part in place:
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    if place[-1] != "url" or not isinstance(value, str):
        return True
    try:
        split = urlsplit(value)
        return bool(split.password) or "password" in parse_qs(split.query)
    except ValueError:
        return True


def _without(found: dict[str, Any], secrets: list[tuple[str, ...]]) -> dict[str, Any]:
    left: dict[str, Any] = {}
    for name, value in found.items():
        if (name,) in secrets:
            continue
        if isinstance(value, dict):
            value = {key: one for key, one in value.items() if (name, key) not in secrets}
        left[name] = value
    return left


def _is_one_of(line: str, keys: set[str]) -> bool:
    match = _KEY.match(line)
    return match is not None and match[1] in keys
