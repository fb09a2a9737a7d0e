"""Segue turns a listening history into playlists that know you."""

__version__ = "0.1.0"

__all__ = ["__version__"]
