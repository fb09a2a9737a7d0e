"""Who lives in the house, and what the page calls them: as the settings file says now."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from segue.errors import ConfigError
from segue.settings import Settings, load_settings, settings_file

__all__ = ["Household"]


class Household:
    """The users of the settings, read again once the file has changed.

    Args:
        settings: What the service began with.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._file = settings_file(settings.home)
        self._mark = _mark_of(self._file)
        self._lock = threading.Lock()

    @property
    def settings(self) -> Settings:
        """The settings as they stand now; those of before while the file cannot be used."""
        with self._lock:
            mark = _mark_of(self._file)
            if mark != self._mark:
                self._mark = mark
                with suppress(ConfigError):
                    self._settings = load_settings(home=self._settings.home)
            return self._settings

    @property
    def users(self) -> Mapping[str, str]:
        """User -> name, of those whom the settings name."""
        return {one.user: one.name or one.user for one in self.settings.users}

    def name(self, user_id: str) -> str:
        """What a user is called."""
        return self.users.get(user_id, user_id)


def _mark_of(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return (0, 0)
    return found.st_mtime_ns, found.st_size
