"""What every store of secrets promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final, Protocol

from pydantic import SecretStr

from segue.errors import SecretError

__all__ = ["Place", "SecretStore", "checked", "merged"]

_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Place:
    """What a store may need to know; each takes what concerns it.

    Args:
        folder: A private folder of the data home.
        passphrase: What the encrypted file is locked with; None: a key file beside it.
        prefix: Put before the names of secrets where these are shared with others.
        region: AWS region; empty: as AWS's own settings say.
        endpoint_url: Of a Secrets Manager that is not AWS's; empty: AWS's.
    """

    folder: Path
    passphrase: SecretStr | None = field(default=None, repr=False)
    prefix: str = "segue"
    region: str = ""
    endpoint_url: str = ""


class SecretStore(Protocol):
    """Keeps secrets by name; a secret is a few named texts that belong together.

    Safe from several threads and processes: of changes to different fields none is lost, and a
    reader sees a secret as it was before a change or after it.
    """

    name: ClassVar[str]

    @property
    def where(self) -> str:
        """The place, in words for people; nothing secret."""

    def read(self, name: str) -> Mapping[str, str]:
        """The fields of a secret; empty where there is none.

        Raises:
            SecretError: The store is locked, damaged or gone.
            UnreachableError: It does not answer.
        """

    def write(self, name: str, fields: Mapping[str, str | None]) -> None:
        """Change these fields and leave all others; None takes a field away.

        What is written is kept for good when this returns.

        Raises:
            SecretError: The store is locked, damaged, gone, or may only be read.
            StorageError: It cannot be written.
            UnreachableError: It does not answer.
        """

    def delete(self, name: str) -> bool:
        """Remove a secret; whether there was one. Raises as `write` does."""


def checked(name: str) -> str:
    """The name, if a secret may be called so.

    Raises:
        SecretError: It is empty, too long, or cannot be shown.
    """
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise SecretError(
            f"a secret cannot be called {name[:40]!r}",
            cure=f"Names have 1 to {_LONGEST_NAME} characters that can be shown.",
        )
    return name


def merged(known: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """What a secret is after a change.

    >>> merged({"a": "1", "b": "2"}, {"b": None, "c": "3"})
    {'a': '1', 'c': '3'}
    """
    return {key: value for key, value in {**known, **changes}.items() if value is not None}
