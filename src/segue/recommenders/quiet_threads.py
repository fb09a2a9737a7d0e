"""OpenMP on a machine that others work on, too."""

from __future__ import annotations

import os

__all__ = ["quiet_threads"]


def quiet_threads() -> None:
    """Idle OpenMP threads that spin take the cores from whoever else works on this machine."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
