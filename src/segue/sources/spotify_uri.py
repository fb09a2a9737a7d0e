"""Spotify's ids: which track one means, and what a local file's one tells; in SQL and Python."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

__all__ = ["local_names", "local_part", "track_uri", "track_uri_of"]

_TRACK = "^spotify:track:[0-9A-Za-z]{22}$"
_LINK = r"^(?:https?://open\.spotify\.com/(?:intl-[a-z]+/)?track/|spotify/track/)([0-9A-Za-z]{22})(?:\?.*)?$"


def track_uri(column: str) -> str:
    """`spotify:track:…` of a URI or a link to a track; null for anything else."""
    link = f"regexp_extract({column}, '{_LINK}', 1)"
    return (
        f"CASE WHEN {column} IS NULL THEN NULL"
        f" WHEN length({column}) = 36 AND regexp_matches({column}, '{_TRACK}') THEN {column}"
        f" WHEN contains({column}, 'track/') AND {link} <> '' THEN 'spotify:track:' || {link} END"
    )


def local_part(column: str, part: int) -> str:
    """One part of `spotify:local:Artist:Album:Title:seconds`, decoded; null when absent.

    Args:
        column: Holds the URI.
        part: 3 artist, 4 album, 5 title.
    """
    text = f"url_decode(replace(split_part({column}, ':', {part}), '+', ' '))"
    return f"CASE WHEN starts_with({column}, 'spotify:local:') THEN nullif(trim({text}), '') END"


def track_uri_of(text: str | None) -> str | None:
    """`spotify:track:…` of a URI or a link to a track; None for anything else."""
    if text is None:
        return None
    if re.fullmatch(_TRACK, text):
        return text
    link = re.match(_LINK, text)
    return f"spotify:track:{link[1]}" if link else None


def local_names(uri: str | None) -> tuple[str | None, str | None, str | None]:
    """Artist, album and title in `spotify:local:Artist:Album:Title:seconds`; None where absent."""
    parts = uri.split(":") if uri and uri.startswith("spotify:local:") else []
    artist, album, title = ([*parts[2:5], "", "", ""])[:3]
    found = [unquote_plus(part).strip() or None for part in (artist, album, title)]
    return found[0], found[1], found[2]
