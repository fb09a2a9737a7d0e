"""What the columns of a catalogue say as a whole: kinds of ids, units, values that cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from segue.errors import SourceError
from segue.music import columns as c
from segue.sources.column_names import LEFT_OUT, Roles
from segue.sources.mapped_rows import run
from segue.sources.open_table import Table, cell, name_key
from segue.sources.track_columns import RANGES, Range

__all__ = ["Profile", "feature_steps", "profile"]

_MS = frozenset({"durationms", "trackdurationms", "lengthms", "durationinms"})
_SECONDS = frozenset(
    {"durations", "durationsec", "durationsecs", "durationseconds", "durationinseconds"}
)
_MINUTES = frozenset({"durationmin", "durationmins"})
_LONG_IN_SECONDS = 10_000
"""No song lasts so many seconds, and none so few milliseconds."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What holds for all rows of a catalogue.

    Args:
        bare_ids: The id columns whose values are all written as bare Spotify ids.
        artists_by_comma: Whether a comma separates artists.
        ms_per_duration: Milliseconds in one unit of the duration column.
    """

    bare_ids: frozenset[str] = frozenset()
    artists_by_comma: bool = False
    ms_per_duration: int = 1


def profile(db: duckdb.DuckDBPyConnection, table: Table, roles: Roles) -> Profile:
    """Read the table once, and judge its columns.

    Raises:
        SourceError: Most values of a column are outside what the column can hold.
    """
    total: dict[str, Any] = {}
    query = _query(table, roles)
    for batch in table.batches():
        _add(total, run(db, query, batch).to_pylist()[0])
    for role, allowed in RANGES.items():
        if role in roles:
            _refuse_column(table, roles, role, allowed, total)
    return Profile(
        bare_ids=frozenset(
            role
            for role in (c.SPOTIFY_URI, c.TRACK_ID)
            if role in roles and 0 < total[f"{role}_n"] == total[f"{role}_spotify"]
        ),
        artists_by_comma=_is_comma_layout(roles) and not total[f"{c.ARTIST}_semicolons"],
        ms_per_duration=_ms_per_duration(roles, total),
    )


def _is_comma_layout(roles: Roles) -> bool:
    """Exportify writes "Artist Name(s)", with commas; a plain "artist" may hold any comma."""
    return c.ARTIST in roles and "(s)" in roles.name(c.ARTIST).lower()


def _ms_per_duration(roles: Roles, total: Mapping[str, Any]) -> int:
    if c.DURATION_MS not in roles:
        return 1
    key = name_key(roles.name(c.DURATION_MS))
    n, large, tiny = (total[f"{c.DURATION_MS}_{part}"] for part in ("n", "large", "tiny"))
    if key in _MINUTES:
        return 60_000
    if key in _SECONDS:
        return 1000
    if key in _MS:
        return 1000 if n and 2 * tiny > n else 1
    return 1 if 2 * large > n else 1000


def _query(table: Table, roles: Roles) -> str:
    parts = ["count(*) AS rows"]
    for role in (c.SPOTIFY_URI, c.TRACK_ID):
        if role in roles:
            text = f"text_of({cell(roles.at[role])})"
            parts += [
                f"count({text}) AS {role}_n",
                f"count({text}) FILTER (uri_of_bare({text}) IS NOT NULL) AS {role}_spotify",
            ]
    if c.ARTIST in roles:
        semicolon = f"instr({cell(roles.at[c.ARTIST])}, ';') > 0"
        parts.append(f"count(*) FILTER ({semicolon}) AS {c.ARTIST}_semicolons")
    if c.DURATION_MS in roles:
        value = f"number_of({cell(roles.at[c.DURATION_MS])})"
        parts += [
            f"count({value}) FILTER ({value} > 0) AS {c.DURATION_MS}_n",
            f"count(*) FILTER ({value} > {_LONG_IN_SECONDS}) AS {c.DURATION_MS}_large",
            f"count(*) FILTER ({value} > 0 AND {value} < 1000) AS {c.DURATION_MS}_tiny",
        ]
    for role in RANGES:
        if role in roles:
            parts += _feature_counts(role)
    relation = "batch"
    made = []
    for n, step in enumerate(feature_steps(roles, table)):
        made.append(f"made{n} AS ({step.replace('FROM before', f'FROM {relation}')})")
        relation = f"made{n}"
    with_steps = f"WITH {', '.join(made)}" if made else ""
    return f"{with_steps} SELECT {', '.join(parts)} FROM {relation}"


def _feature_counts(role: str) -> Iterable[str]:
    wrong = f"{role}_wrong"
    return (
        f"count(*) FILTER ({wrong} OR {role}_value IS NOT NULL) AS {role}_n",
        f"count(*) FILTER ({wrong}) AS {role}_bad",
        f'min("row") FILTER ({wrong}) AS {role}_first',
        f'arg_min({role}_cell, "row") FILTER ({wrong}) AS {role}_text',
        f"max({role}_value) FILTER (isfinite({role}_value)) AS {role}_max",
    )


def feature_steps(roles: Roles, table: Table) -> tuple[str, ...]:
    """Steps that add, for each feature there is, its `…_cell`, `…_value` and whether `…_wrong`.

    A value is null when it is not known, or no number; then the cell tells which.
    """
    cells, values, wrongs = [], [], []
    for role, allowed in RANGES.items():
        if role not in roles:
            continue
        text = cell(roles.at[role])
        cells.append(f"{f'decimal_point({text})' if table.decimal_comma else text} AS {role}_cell")
        percent = role != c.POPULARITY and "%" in roles.name(role)
        values.append(f"{_number(role)}{' / 100' if percent else ''} AS {role}_value")
        wrongs.append(f"{_is_wrong(role, allowed)} AS {role}_wrong")
    steps = (f"SELECT *, {', '.join(added)} FROM before" for added in (cells, values, wrongs))
    return tuple(steps) if cells else ()


def _is_wrong(role: str, allowed: Range) -> str:
    value = f"{role}_value"
    whole = f" AND {value} = floor({value})" if allowed.whole else ""
    return f"""CASE WHEN {value} IS NULL THEN known({role}_cell) IS NOT NULL
        ELSE NOT ({value} BETWEEN {allowed.low} AND {allowed.high}{whole}) END"""


def _number(role: str) -> str:
    text = f"{role}_cell"
    if role == c.KEY:
        return f"coalesce(number_of({text}), key_of(known({text})))"
    if role == c.MODE:
        return f"""coalesce(number_of({text}), CASE
            WHEN known({text}) IN ('major', 'maj', 'dur') THEN 1
            WHEN known({text}) IN ('minor', 'min', 'moll') THEN 0 END)"""
    if role == c.TIME_SIGNATURE:
        return f"number_of(regexp_replace({text}, '/[0-9]+$', ''))"
    return f"number_of({text})"


def _add(total: dict[str, Any], batch: Mapping[str, Any]) -> None:
    for name, value in batch.items():
        if name.endswith(("_first", "_text")):
            total[name] = value if total.get(name) is None else total[name]
        elif name.endswith("_max"):
            present = [known for known in (total.get(name), value) if known is not None]
            total[name] = max(present, default=None)
        else:
            total[name] = total.get(name, 0) + value


def _refuse_column(
    table: Table, roles: Roles, role: str, allowed: Range, total: Mapping[str, Any]
) -> None:
    n, wrong = total[f"{role}_n"], total[f"{role}_bad"]
    if 2 * wrong <= n or 10 * wrong < total["rows"]:
        return
    raise SourceError(
        f"{wrong:,} of {n:,} values are not from {allowed.low:g} to {allowed.high:g}"
        f" (this row holds {total[f'{role}_text']!r})",
        path=table.place.path,
        member=table.place.member,
        row=total[f"{role}_first"],
        field=roles.name(role),
        cure=_cure(role, allowed, total[f"{role}_max"]),
    )


def _cure(role: str, allowed: Range, largest: float | None) -> str:
    leave_out = f"leave the column out with --column {role}={LEFT_OUT}"
    if allowed.is_share and largest is not None and 1 < largest <= 100:
        return f"It looks like percent: divide by 100, name the column “{role} %”, or {leave_out}."
    return f"Mend the column, or {leave_out}."
