"""Arrays that training reads again and again, on disk instead of in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["on_disk"]

_LARGE: Final = 1 << 24  # bytes: smaller arrays stay in memory


def on_disk(array: npt.NDArray[Any], folder: Path | None, name: str) -> npt.NDArray[Any]:
    """The same array, mapped from a file if it is large; its memory can be given away at any time.

    Args:
        folder: Made if it is missing; None: the array stays as it is.
        name: Of the file, which replaces an older one.
    """
    if folder is None or array.nbytes < _LARGE:
        return array
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.npy"
    path.unlink(missing_ok=True)  # an array that is mapped keeps its own
    np.save(path, array, allow_pickle=False)
    mapped: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped.view(np.ndarray)
