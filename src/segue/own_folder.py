"""Folders that nobody but their owner may look into."""

from __future__ import annotations

from pathlib import Path

__all__ = ["own_folder"]


def own_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, all of them for their owner only.

    Raises:
        OSError: It cannot be made.
    """
    missing = [one for one in (folder, *folder.parents) if not one.is_dir()]
    for one in reversed(missing):  # `mkdir(parents=True)` lets everybody look into the upper ones
        one.mkdir(mode=0o700, exist_ok=True)
