"""Columns and names of a bundle's tracks, kept beside them: they take long to come by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from segue.features.kept_columns import ArrowNames, KeptColumns
from segue.features.name_lists import NameLists
from segue.features.song_keys import SongKeys
from segue.recommenders.arrays import load_array, save_arrays

__all__ = [
    "load_columns",
    "load_names",
    "load_strings",
    "save_columns",
    "save_names",
    "save_strings",
]

_STRINGS: Final = ".arrow"
_ARTISTS: Final = f"artists{_STRINGS}"
_COLUMN: Final = "artist"


def save_names(folder: Path, keys: SongKeys) -> None:
    """Write them into an existing empty folder."""
    lists = keys.artists
    save_arrays(folder, {"titles": keys.titles, "offsets": lists.offsets, "codes": lists.codes})
    save_strings(folder / _ARTISTS, lists.names)


def load_names(folder: Path) -> SongKeys | None:
    """Read them back, arrays mapped; None from a bundle that was written without."""
    if not folder.is_dir():
        return None
    names = load_strings(folder / _ARTISTS)
    titles, offsets, codes = (load_array(folder, name) for name in ("titles", "offsets", "codes"))
    return SongKeys(NameLists(names, offsets, codes), titles)


def save_columns(folder: Path, columns: KeptColumns) -> None:
    """Write what `Catalogue.to_keep` gives into an existing empty folder."""
    save_arrays(folder, columns.arrays)
    for name, values in columns.names.items():
        save_strings(folder / f"{name}{_STRINGS}", values)


def load_columns(folder: Path) -> KeptColumns:
    """Read it back, mapped; nothing from a bundle that was written without."""
    if not folder.is_dir():
        return KeptColumns()
    arrays = {path.stem: load_array(folder, path.stem) for path in folder.glob("*.npy")}
    names = {path.stem: load_strings(path) for path in folder.glob(f"*{_STRINGS}")}
    return KeptColumns(arrays, names)


def save_strings(path: Path, values: Sequence[str]) -> None:
    """Write texts as an Arrow file."""
    array = values.values if isinstance(values, ArrowNames) else pa.array(list(values), pa.string())
    table = pa.table({_COLUMN: array})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def load_strings(path: Path) -> ArrowNames:
    """Read them back, mapped."""
    with pa.memory_map(str(path)) as file:
        column = pa.ipc.open_file(file).read_all()[_COLUMN]
    return ArrowNames(column.chunk(0) if column.num_chunks == 1 else column.combine_chunks())
