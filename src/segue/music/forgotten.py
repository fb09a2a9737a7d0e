"""Who was forgotten: a mark that does not name them."""

from __future__ import annotations

import hashlib
from typing import Final

__all__ = ["FORGOTTEN", "mark_of"]

FORGOTTEN: Final = "forgotten"
"""Under this name logs keep who was forgotten while the service ran, and when."""


def mark_of(user_id: str) -> str:
    """What the mark of somebody forgotten is kept under: not the id itself."""
    return hashlib.sha256(f"forgotten\x1f{user_id}".encode()).hexdigest()
