"""Recommenders by name, unfitted: all that are installed, or some."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Final

from segue.errors import ConfigError
from segue.flows.wiring import adapters, load_adapter
from segue.recommenders.base import Composed, StoredRecommender

__all__ = ["make_models", "needed_for"]

_GROUP: Final = "recommenders"


def make_models(
    names: Sequence[str] | None = None, *, seed: int, threads: int
) -> list[StoredRecommender]:
    """One of each, in alphabetical order, those that are made of others last.

    Those whose constructor takes a seed or threads are given them.

    Args:
        names: Which; None means all that are installed.

    Raises:
        ConfigError: There is none of a name.
    """
    given = {"seed": seed, "threads": threads}
    models: list[StoredRecommender] = []
    for name in sorted(set(adapters(_GROUP) if names is None else names)):
        made = load_adapter(_GROUP, name)
        taken = inspect.signature(made).parameters
        models.append(made(**{name: value for name, value in given.items() if name in taken}))
    return sorted(models, key=lambda model: isinstance(model, Composed))


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
