"""How much one input may hold: the guard against archives made to fill a disk."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["InputLimits"]


@dataclass(frozen=True, slots=True)
class InputLimits:
    """Limits of one input; the field names are those of the setting `inputs`.

    Args:
        max_member_bytes: Largest file inside an archive, unpacked.
        max_total_bytes: All files of an archive together, unpacked.
        max_ratio: Largest ratio of unpacked to packed size, for files that unpack to over 10 MB.
        max_members: Most files in one archive or folder.
    """

    max_member_bytes: int = 4 * 1024**3
    max_total_bytes: int = 32 * 1024**3
    max_ratio: float = 200.0
    max_members: int = 100_000
