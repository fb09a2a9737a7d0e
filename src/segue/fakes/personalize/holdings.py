"""The rows that the stand-in has been given: by import of CSV files, and one by one as events."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from segue.fakes.personalize.resources import RefusalError

__all__ = ["Holdings", "Read", "Rows", "columns_of", "failure_of", "named_users"]

Read = Callable[[str], Sequence[bytes]]
"""The files under an S3 address, in order of their names; no file: an empty sequence."""
Rows = list[dict[str, str]]

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "INTERACTIONS": ("USER_ID", "ITEM_ID", "TIMESTAMP"),
    "ITEMS": ("ITEM_ID",),
    "USERS": ("USER_ID",),
}
_KEYS: Final[Mapping[str, str]] = {"ITEMS": "ITEM_ID", "USERS": "USER_ID"}
_NUMBERS: Final = {"int": int, "long": int, "float": float, "double": float}
_TRUTHS: Final = {"true", "false", "0", "1"}


@dataclass
class Holdings:
    """What a dataset group holds.

    Args:
        imported: Rows by dataset type.
        events: What PutEvents brought, as it came.
    """

    imported: dict[str, Rows] = field(default_factory=lambda: defaultdict(list))
    events: list[dict[str, Any]] = field(default_factory=list)

    def take(self, kind: str, rows: Rows, *, whole: bool) -> None:
        """Import; a whole import replaces what an earlier one brought, but not the events."""
        if whole:
            self.imported[kind] = []
        if kind in _KEYS:
            by_key = {row[_KEYS[kind]]: row for row in [*self.imported[kind], *rows]}
            self.imported[kind] = list(by_key.values())
        else:
            self.imported[kind] += rows

    def forget(self, users: Collection[str]) -> int:
        """Drop all rows and events of some users; how many."""
        before = sum(map(len, self.imported.values())) + len(self.events)
        for kind in ("INTERACTIONS", "USERS"):
            rows = self.imported[kind]
            self.imported[kind] = [row for row in rows if row["USER_ID"] not in users]
        self.events = [event for event in self.events if event.get("userId") not in users]
        return before - sum(map(len, self.imported.values())) - len(self.events)

    def plays(self) -> list[tuple[str, str]]:
        """User and item of every interaction."""
        found = [(row["USER_ID"], row["ITEM_ID"]) for row in self.imported["INTERACTIONS"]]
        told = ((event.get("userId"), event.get("itemId")) for event in self.events)
        return found + [(user, item) for user, item in told if user and item]

    def too_little(self) -> str:
        """Why nothing can be learned from it; empty: it can."""
        plays = self.plays()
        users = Counter(user for user, _ in plays)
        twice = sum(times >= 2 for times in users.values())
        if len(plays) < 1_000:
            return f"The interactions dataset has {len(plays)} interactions; 1000 are required."
        if twice < 25:
            return f"There are {twice} users with at least 2 interactions; 25 are required."
        return ""


def named_users(files: Sequence[bytes]) -> tuple[str, frozenset[str]]:
    """Why a list of users cannot be taken, or empty; and the users."""
    users: set[str] = set()
    for file in files:
        rows = csv.DictReader(io.StringIO(file.decode()))
        if rows.fieldnames != ["USER_ID"]:
            return "The file must have a single column USER_ID.", frozenset()
        users |= {row["USER_ID"] for row in rows}
    return ("" if users else "There is no user in the file."), frozenset(users)


def columns_of(schema: str, kind: str) -> dict[str, dict[str, Any]]:
    """The fields of an Avro schema by their names; RefusalError: Personalize would not have it."""
    try:
        told = json.loads(schema)
        fields = {one["name"]: one for one in told["fields"]}
    except (ValueError, KeyError, TypeError) as error:
        raise _invalid("The schema is not a valid Avro record") from error
    if told.get("namespace") != "com.amazonaws.personalize.schema" or "version" not in told:
        raise _invalid("The schema lacks the namespace or the version")
    missing = [name for name in _NEEDED[kind] if name not in fields]
    if missing:
        raise _invalid(f"{kind} schema lacks required fields {missing}")
    if kind in _KEYS and len(fields) < 2:
        raise _invalid(f"{kind} schema needs at least one metadata field")
    for name in _NEEDED[kind]:
        wanted = "long" if name == "TIMESTAMP" else "string"
        if fields[name]["type"] != wanted:
            raise _invalid(f"{name} must be of type {wanted}")
    return fields


def failure_of(files: Sequence[bytes], fields: Mapping[str, Any]) -> tuple[str, Rows]:
    """Why an import of these files fails (empty: it does not), and their rows."""
    rows: Rows = []
    if not files:
        return "No files found at the data location", rows
    for data in files:
        try:
            reader = csv.DictReader(io.StringIO(data.decode("utf-8")), strict=True)
            named = list(reader.fieldnames or ())
            missing = [n for n, one in fields.items() if n not in named and not _may_lack(one)]
            if missing or any(name not in fields for name in named):
                return f"Input csv has columns {named}, the schema {list(fields)}", []
            for row in reader:
                if wrong := next(_wrong(row, fields), ""):
                    return f"Row {reader.line_num}: {wrong}", []
                rows.append(row)
        except (UnicodeDecodeError, csv.Error) as error:
            return f"Input csv cannot be read: {error}", []
    return "", rows


def _invalid(message: str) -> RefusalError:
    return RefusalError("InvalidInputException", message)


def _kinds(one: Mapping[str, Any]) -> list[str]:
    told = one["type"]
    return list(told) if isinstance(told, list) else [told]


def _may_lack(one: Mapping[str, Any]) -> bool:
    return "null" in _kinds(one)


def _wrong(row: Mapping[Any, Any], fields: Mapping[str, Any]) -> Any:
    if None in row or None in row.values():
        yield "more or fewer values than columns"
        return
    for name, value in row.items():
        kinds = _kinds(fields[name])
        if value == "":
            if "null" not in kinds:
                yield f"{name} is empty"
        elif fields[name].get("categorical") and len(value) > 1_000:
            yield f"{name} is longer than 1000 characters"
        elif not any(_fits(value, kind) for kind in kinds):
            yield f"{name} is {value!r}, not {kinds}"


def _fits(value: str, kind: str) -> bool:
    if kind == "boolean":
        return value.lower() in _TRUTHS
    if kind in _NUMBERS:
        try:
            _NUMBERS[kind](value)
        except ValueError:
            return False
    return kind != "null"
