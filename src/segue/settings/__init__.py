"""Every setting of Segue: one file a theme, put together in `all_settings`."""

from segue.settings.all_settings import (
    Settings,
    default_home,
    expanded,
    load_settings,
    settings_file,
)

__all__ = ["Settings", "default_home", "expanded", "load_settings", "settings_file"]
