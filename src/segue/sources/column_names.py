"""Which column of a table means what: common names, the user's own, and a message for neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from segue.errors import ConfigError, SourceError
from segue.sources.open_table import name_key
from segue.sources.unpacking import Place

__all__ = ["LEFT_OUT", "Roles", "no_column", "recognise"]

LEFT_OUT = "-"
"""Given as the file's name in an override: the table has no such column."""


@dataclass(frozen=True, slots=True)
class Roles:
    """What the columns of one file mean.

    Args:
        at: Role -> index of its column, from 0.
        columns: The file's names.
    """

    at: Mapping[str, int]
    columns: tuple[str, ...]

    def __contains__(self, role: str) -> bool:
        return role in self.at

    def name(self, role: str) -> str:
        """The file's name of a role's column; the role itself where the file names none."""
        return self.columns[self.at[role]] if self.columns and role in self.at else role


def recognise(
    columns: Sequence[str],
    aliases: Mapping[str, Sequence[str]],
    overrides: Mapping[str, str],
    *,
    place: Place,
) -> Roles:
    """Find each role's column.

    Args:
        columns: The file's names.
        aliases: Role -> names it goes by as `name_key` writes them, likeliest first. A column
            plays one role; roles choose in the order given.
        overrides: Role (or one of its names) -> the file's name, or LEFT_OUT.
        place: Named in messages.

    Raises:
        ConfigError: An override is for something a table cannot have.
        SourceError: An override names a column that the file does not have.
    """
    at = _overridden(columns, aliases, overrides, place)
    left_out = {role for role, index in at.items() if index is None}
    chosen = {role: index for role, index in at.items() if index is not None}
    keys = [name_key(name) for name in columns]
    for role, names in aliases.items():
        if role in chosen or role in left_out:
            continue
        taken = set(chosen.values())
        free = {key: n for n, key in reversed(list(enumerate(keys))) if n not in taken}
        found = next((free[name] for name in names if name in free), None)
        if found is not None:
            chosen[role] = found
    return Roles(chosen, tuple(columns))


def _overridden(
    columns: Sequence[str],
    aliases: Mapping[str, Sequence[str]],
    overrides: Mapping[str, str],
    place: Place,
) -> dict[str, int | None]:
    at: dict[str, int | None] = {}
    for ours, theirs in overrides.items():
        role = _role(ours, aliases)
        if theirs == LEFT_OUT and LEFT_OUT not in columns:
            at[role] = None
        elif theirs in columns:
            at[role] = list(columns).index(theirs)
        else:
            at[role] = _index_by_key(columns, theirs, place)
    return at


def _role(ours: str, aliases: Mapping[str, Sequence[str]]) -> str:
    if ours in aliases:
        return ours
    key = name_key(ours)
    for role, names in aliases.items():
        if key == name_key(role) or key in names:
            return role
    raise ConfigError(
        f"a table has no “{ours}” that a column could be named for",
        field="columns",
        cure=f"Known are {', '.join(aliases)}.",
    )


def _index_by_key(columns: Sequence[str], theirs: str, place: Place) -> int:
    for index, column in enumerate(columns):
        if name_key(column) == name_key(theirs):
            return index
    raise SourceError(
        f"there is no such column; the table has {_listed(columns)}",
        path=place.path,
        member=place.member,
        field=theirs,
        cure="Write the name as the file does.",
    )


def no_column(place: Place, columns: Sequence[str], *, missing: str, example: str) -> SourceError:
    """The error of a table that lacks what it cannot do without."""
    seen = f"the columns are {_listed(columns)}" if columns else "its first line names no columns"
    return place.error(
        f"no column says {missing}; {seen}",
        f"Say which it is with --column {example}=NAME.",
    )


def _listed(columns: Sequence[str]) -> str:
    names = [name or "(no name)" for name in columns]
    more = f" and {len(names) - 40:,} more" if len(names) > 40 else ""
    return ", ".join(name[:60] for name in names[:40]) + more
