"""Recommenders by name, unfitted: all that are installed or some, each with its own settings."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from segue.errors import ConfigError
from segue.flows.wiring import adapters, load_adapter
from segue.recommenders.base import Composed, Elsewhere, StoredRecommender, Tunable
from segue.recommenders.search_space import OneOf, Real, Value, Whole

__all__ = ["ModelSettings", "checked", "defaults_of", "make_models", "needed_for"]

_GROUP: Final = "recommenders"
_GIVEN: Final = ("seed", "threads")

ModelSettings = Mapping[str, Mapping[str, Value]]
"""Model -> constructor argument -> value."""


def make_models(
    names: Sequence[str] | None = None,
    *,
    seed: int,
    threads: int,
    settings: ModelSettings | None = None,
    left_out: Collection[str] = (),
) -> list[StoredRecommender]:
    """One of each, in alphabetical order, those that are made of others last.

    Those whose constructor takes a seed or threads are given them.

    Args:
        names: Which; None means all that are installed, but for those that answer from elsewhere
            and were not told where.
        settings: What differs from the defaults; also of models that are not made.
        left_out: Names of those that are not wanted.

    Raises:
        ConfigError: There is none of a name, or a setting cannot be used.
    """
    for name in sorted(set(left_out) - set(adapters(_GROUP))):
        raise ConfigError(
            f"setting training.left_out: there is no recommender “{name}”",
            field="training.left_out",
            cure=f"Choose among: {', '.join(adapters(_GROUP))}.",
        )
    own = checked(settings or {})
    given = {"seed": seed, "threads": threads}
    models: list[StoredRecommender] = []
    wanted = set(adapters(_GROUP) if names is None else names) - set(left_out)
    for name in sorted(wanted):
        made = load_adapter(_GROUP, name)
        taken = inspect.signature(made).parameters
        passed = {key: value for key, value in given.items() if key in taken}
        model = _made(name, made, {**passed, **own.get(name, {})})
        if names is not None or not isinstance(model, Elsewhere) or model.configured:
            models.append(model)
    return sorted(models, key=lambda model: isinstance(model, Composed))


def _made(name: str, kind: Any, arguments: Mapping[str, Value]) -> StoredRecommender:
    try:
        model: StoredRecommender = kind(**arguments)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"setting models.{name}: {error}",
            field=f"models.{name}",
            cure="Change or remove it in segue.toml.",
        ) from error
    return model


def needed_for(names: Sequence[str]) -> list[str] | None:
    """What must be trained to ask these: all models where one of them is made of others.

    Raises:
        ConfigError: There is none of a name, or no name at all.
    """
    if not names:
        raise ConfigError(
            "no model is named",
            field="models",
            cure=f"Choose some of: {', '.join(adapters(_GROUP))}.",
        )
    composed = any(hasattr(load_adapter(_GROUP, name), "with_parts") for name in names)
    return None if composed else list(names)


def defaults_of(name: str) -> dict[str, Value]:
    """The settings of a model that are plain values, with their defaults.

    Raises:
        ConfigError: There is none of the name.
    """
    taken = inspect.signature(load_adapter(_GROUP, name)).parameters.values()
    return {
        one.name: one.default
        for one in taken
        if one.name not in _GIVEN and isinstance(one.default, bool | int | float | str)
    }


def checked(settings: ModelSettings) -> dict[str, dict[str, Value]]:
    """The same settings, each known to its model, of the right type and within its bounds.

    Raises:
        ConfigError: One is not; the message names it and says what it may be.
    """
    known = adapters(_GROUP)
    for name in settings:
        if name not in known:
            raise ConfigError(
                f"setting models.{name}: there is no such model",
                field=f"models.{name}",
                cure=f"Choose one of: {', '.join(known)}.",
            )
    return {name: _checked_model(name, values) for name, values in settings.items()}


def _checked_model(name: str, values: Mapping[str, Value]) -> dict[str, Value]:
    defaults = defaults_of(name)
    kind = load_adapter(_GROUP, name)
    space = kind.search_space() if isinstance(kind, Tunable) else {}
    found = {}
    for key, value in values.items():
        field = f"models.{name}.{key}"
        if key in _GIVEN:
            raise ConfigError(
                f"setting {field} is the same for all models",
                field=field,
                cure=f"Set training.{key} instead.",
            )
        if key not in defaults:
            near = get_close_matches(key, defaults, n=1)
            raise ConfigError(
                f"setting {field}: the model has no such setting",
                field=field,
                cure=(f"Did you mean {near[0]}? " if near else "")
                + f"It has: {', '.join(defaults) or 'none'}.",
            )
        part = space.get(key)
        below_zero = isinstance(part, Whole | Real) and part.low < 0
        found[key] = _typed(field, value, defaults[key], below_zero=below_zero)
        if isinstance(part, OneOf) and not part.holds(found[key]):
            raise _refused(field, value, str(part))
        if isinstance(part, Whole | Real) and part.low > 0 and not float(found[key]) > 0:
            raise _refused(field, value, f"{_word(defaults[key])} above 0")
    return found


def _typed(field: str, value: Value, default: Value, *, below_zero: bool) -> Value:
    """The value in the type of the default; environment variables are texts of it."""
    if isinstance(value, str) and not isinstance(default, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise _refused(field, value, _word(default)) from error
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        raise _refused(field, value, _word(default))
    if isinstance(value, int | float) and not math.isfinite(value):
        raise _refused(field, value, _word(default))
    if isinstance(value, int | float) and value < 0 and not below_zero:
        raise _refused(field, value, f"{_word(default)}, not below 0")
    return value


def _word(default: Value) -> str:
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return kinds[type(default)]


def _refused(field: str, value: Value, wanted: str) -> ConfigError:
    return ConfigError(
        f"setting {field}: {wanted} is wanted (got {value!r})",
        field=field,
        cure="Change it in segue.toml, or remove the line for the default.",
    )
