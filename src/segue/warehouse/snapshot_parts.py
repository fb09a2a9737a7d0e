"""The files of a mart in a snapshot, told in an index: one, or several that follow each other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from segue.errors import WarehouseError

__all__ = ["INDEX", "MartFiles", "Part", "read_index", "write_index"]

INDEX: Final = "parts.json"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file.

    Args:
        file: Its name within the snapshot's folder, such as `plays/0003.parquet`.
        rows: Number of rows.
        first: Smallest value of the column that the mart is cut by; empty if it is not cut.
        last: Largest value of that column.
        digest: Of the rows, whatever their bytes; empty where the warehouse cannot tell.
        crc32: Of the file's bytes.
    """

    file: str
    rows: int
    first: str
    last: str
    digest: str
    crc32: int


@dataclass(frozen=True, slots=True)
class MartFiles:
    """A mart: its parts in the order of its rows.

    Args:
        by: The column that it is cut by: no value of it is in two parts; empty if it is one part.
        parts: At least one.
    """

    by: str
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts)


def write_index(folder: Path, marts: Mapping[str, MartFiles]) -> None:
    """Tell which files the marts in a folder consist of."""
    told = {
        mart: {"by": files.by, "parts": [asdict(part) for part in files.parts]}
        for mart, files in marts.items()
    }
    text = json.dumps({"version": _VERSION, "marts": told}, indent=1)
    (folder / INDEX).write_text(text, encoding="utf-8")


def read_index(folder: Path) -> Mapping[str, MartFiles]:
    """What `write_index` told; nothing where there is no index: every mart is one file then.

    Raises:
        WarehouseError: The index is damaged or of a later version.
    """
    path = folder / INDEX
    try:
        told = json.loads(path.read_bytes())
        if told["version"] != _VERSION:
            raise ValueError(f"it is of version {told['version']}, this Segue reads {_VERSION}")
        return {mart: _files(facts["by"], facts["parts"]) for mart, facts in told["marts"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WarehouseError(
            f"{path} cannot be read: {error}", cure="Run `segue build`."
        ) from error


def _files(by: str, parts: Sequence[Mapping[str, object]]) -> MartFiles:
    found = tuple(
        Part(
            file=_text(part["file"]),
            rows=_number(part["rows"]),
            first=_text(part["first"]),
            last=_text(part["last"]),
            digest=_text(part["digest"]),
            crc32=_number(part["crc32"]),
        )
        for part in parts
    )
    if not found:
        raise ValueError("a mart has no file")
    for part in found:
        if Path(part.file).is_absolute() or ".." in Path(part.file).parts:
            raise ValueError(f"{part.file} is not in the snapshot")
    return MartFiles(by, found)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not a number")
    return value
