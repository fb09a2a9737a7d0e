"""Values of a form that go into the settings: read, or refused in words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from segue.doors.web.ask import Ask
from segue.doors.web.trouble import Trouble
from segue.errors import ConfigError
from segue.settings.part import Part

__all__ = ["kept_place", "lines_of", "mark_of", "must_manage", "number_of", "part_of"]

P = TypeVar("P", bound=Part)

_WORDS: Final = {
    "int_parsing": "that is no whole number",
    "int_type": "that is no whole number",
    "float_parsing": "that is no number",
    "greater_than_equal": "that is too little",
    "less_than_equal": "that is too much",
    "too_short": "there is none",
    "string_too_short": "that is missing",
    "string_too_long": "that is too long",
    "literal_error": "that is none of the choices",
    "string_pattern_mismatch": "that cannot be used",
}
"""What pydantic calls a fault -> the same in words."""


def must_manage(ask: Ask) -> None:
    """Refuse whoever may not change what concerns all.

    Raises:
        Trouble: They may not.
    """
    if not ask.who.may_manage:
        raise Trouble(403, "That concerns the whole household", "Ask whoever looks after Segue.")


def lines_of(ask: Ask, name: str) -> tuple[str, ...]:
    """The lines of a field that are not empty, each once."""
    return tuple(dict.fromkeys(one.strip() for one in ask.one(name).splitlines() if one.strip()))


def number_of(ask: Ask, name: str) -> int | str | None:
    """A whole number, or what was typed instead, which `part_of` refuses; None: nothing was."""
    typed = ask.one(name).strip()
    return int(typed) if typed.isdecimal() and typed.isascii() and len(typed) < 8 else typed or None


def part_of(kind: type[P], values: Mapping[str, Any], labels: Mapping[str, str]) -> P:
    """A table of the settings, checked.

    Args:
        labels: Field -> what the form calls it.

    Raises:
        ConfigError: A value cannot be used.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        said = str(first["msg"]).removeprefix("Value error, ")
        told = _WORDS.get(first["type"]) or f"{said[:1].lower()}{said[1:].rstrip('.')}"
        named = f"“{labels[field]}”: " if field in labels else ""
        raise ConfigError(
            f"{named}{told}",
            field=field,
            cure="Nothing was changed.",
        ) from error


def mark_of(part: Part | None) -> str:
    """What tells one table of the settings from another, or from a former state of it."""
    return "" if part is None else hashlib.sha256(part.model_dump_json().encode()).hexdigest()[:16]


def kept_place(ask: Ask, parts: Sequence[P]) -> tuple[int, P | None]:
    """Which table of a list a form is about; its length and None: a new one.

    Raises:
        Trouble: There is none such, or it has changed since the form was shown.
    """
    typed = ask.values.get("place", "new")
    if typed == "new":
        return len(parts), None
    place = int(typed) if typed.isdecimal() and len(typed) < 5 else len(parts)
    if place >= len(parts):
        raise Trouble(404, "There is no such entry any more", "Look at the settings again.")
    if "mark" in ask.form and ask.one("mark") != mark_of(parts[place]):
        raise Trouble(409, "The settings have changed meanwhile", "Look at them again.")
    return place, parts[place]
