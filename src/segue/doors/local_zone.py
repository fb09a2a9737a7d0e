"""The time zone of this machine."""

from __future__ import annotations

import os

__all__ = ["machines_zone"]


def machines_zone() -> str:
    """The name of the time zone that this machine keeps; UTC where it does not tell."""
    named = os.environ.get("TZ", "").lstrip(":")
    if named and "/" in named and not named.startswith("/"):
        return named
    _, found, name = os.path.realpath("/etc/localtime").partition("zoneinfo/")
    return name if found and name else "UTC"
