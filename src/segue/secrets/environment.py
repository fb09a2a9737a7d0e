"""Secrets that stand in the environment, and how they go together with those of a store."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import ClassVar, Final

from segue.errors import SecretError
from segue.secrets.base import SecretStore, checked

__all__ = ["Environment", "EnvironmentFirst"]

_SEED: Final = "seed"


class Environment:
    """Variables as fields of one secret; they may only be read.

    Args:
        name: The secret whose fields they are.
        variables: Field -> variable.
        values: The environment.
    """

    name: ClassVar[str] = "environment"

    def __init__(
        self, secret: str, variables: Mapping[str, str], values: Mapping[str, str]
    ) -> None:
        self._secret = secret
        self._fields = {
            field: values[variable].strip()
            for field, variable in variables.items()
            if values.get(variable, "").strip()
        }
        self._variables = tuple(variables[field] for field in self._fields)

    @property
    def where(self) -> str:
        """The variables that are set."""
        return f"the environment ({', '.join(self._variables) or 'nothing set'})"

    def read(self, name: str) -> Mapping[str, str]:
        """The fields of a secret. See `SecretStore`."""
        return dict(self._fields) if checked(name) == self._secret else {}

    def write(self, name: str, fields: Mapping[str, str | None]) -> None:
        """Refused: variables are not ours to set."""
        del name, fields
        raise self._refusal()

    def delete(self, name: str) -> bool:
        """Refused, if there is anything to remove."""
        if self.read(name):
            raise self._refusal()
        return False

    def _refusal(self) -> SecretError:
        return SecretError(
            "secrets in the environment are not Segue's to change",
            cure=f"Unset {', '.join(self._variables)} where they are set."
            if self._variables
            else "Set secrets.store.",
        )


class EnvironmentFirst:
    """A store whose secrets begin with what the environment says.

    A field of the environment wins over the store's, with one exception: what was made out of it
    since (`derived`: a rotated token, an access token) is kept in the store together with a hash
    of what it was made from, and counts as long as the environment still says the same.

    Args:
        environment: What comes first.
        store: Where changes go.
        derived: The fields that change over time, the first of which the environment may set.
    """

    name: ClassVar[str] = "environment_first"

    def __init__(
        self, environment: Environment, store: SecretStore, derived: tuple[str, ...]
    ) -> None:
        self._environment = environment
        self._store = store
        self._derived = derived

    @property
    def where(self) -> str:
        """Where changes go."""
        return self._store.where

    def read(self, name: str) -> Mapping[str, str]:
        """The fields of a secret. See `SecretStore`."""
        first = self._environment.read(name)
        kept = dict(self._store.read(name))
        seed = kept.pop(_SEED, "")
        origin = first.get(self._derived[0])
        if seed != ("" if origin is None else _hash(origin)):
            kept = _without(kept, self._derived)  # made of what is not said any more
        return {**first, **kept, **_without(first, self._derived)}

    def write(self, name: str, fields: Mapping[str, str | None]) -> None:
        """Change some fields of a secret in the store. See `SecretStore`."""
        origin = self._environment.read(name).get(self._derived[0])
        seed = "" if origin is None else _hash(origin)
        stale: dict[str, str | None] = {}
        if self._store.read(name).get(_SEED, "") != seed:
            stale = dict.fromkeys(self._derived)  # of another sign-in
        self._store.write(name, {**stale, **fields, _SEED: seed or None})

    def delete(self, name: str) -> bool:
        """Remove what the store holds; what stands in the environment stays. See `SecretStore`."""
        return self._store.delete(name)


def _without(fields: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in names}


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
