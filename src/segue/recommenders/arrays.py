"""A recommender's learned state as .npy and JSON files, memory-mapped when read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "load_array", "load_settings", "save_arrays", "save_settings"]

Array = npt.NDArray[Any]
_MAPPED_FROM: Final = 1 << 16  # smaller files are read at once; an empty one cannot be mapped


def save_arrays(folder: Path, arrays: Mapping[str, Array]) -> None:
    """Write each array as `<name>.npy`."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)


def load_array(folder: Path, name: str) -> Array:
    """Read one array; a large one is mapped, so that only what is used is read from disk."""
    path = folder / f"{name}.npy"
    mode: Any = "r" if path.stat().st_size > _MAPPED_FROM else None
    array: Array = np.load(path, mmap_mode=mode, allow_pickle=False)
    return array.view(np.ndarray)


def save_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write the constructor's arguments and small facts as JSON."""
    text = json.dumps(dict(settings), indent=1, sort_keys=True)
    (folder / "settings.json").write_text(text, encoding="utf-8")


def load_settings(folder: Path) -> dict[str, Any]:
    """Read them back."""
    settings: dict[str, Any] = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    return settings
