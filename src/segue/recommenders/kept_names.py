"""The names of a bundle's tracks in normal form, kept beside them: they take long to come by."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa

from segue.features.name_lists import NameLists
from segue.features.song_keys import SongKeys
from segue.recommenders.arrays import load_array, save_arrays

__all__ = ["load_names", "save_names"]

_ARTISTS: Final = "artists.arrow"
_COLUMN: Final = "artist"


def save_names(folder: Path, keys: SongKeys) -> None:
    """Write them into an existing empty folder."""
    lists = keys.artists
    save_arrays(folder, {"titles": keys.titles, "offsets": lists.offsets, "codes": lists.codes})
    table = pa.table({_COLUMN: pa.array(lists.names, pa.string())})
    with (
        pa.OSFile(str(folder / _ARTISTS), "wb") as file,
        pa.ipc.new_file(file, table.schema) as writer,
    ):
        writer.write_table(table)


def load_names(folder: Path) -> SongKeys | None:
    """Read them back, arrays mapped; None from a bundle that was written without."""
    if not folder.is_dir():
        return None
    with pa.memory_map(str(folder / _ARTISTS)) as file:
        names = pa.ipc.open_file(file).read_all()[_COLUMN].to_pylist()
    titles, offsets, codes = (load_array(folder, name) for name in ("titles", "offsets", "codes"))
    return SongKeys(NameLists(tuple(names), offsets, codes), titles)
