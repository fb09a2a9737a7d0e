"""Why a row was rejected, in words for people; `--json` and the lake keep the short names."""

from __future__ import annotations

from typing import Final

__all__ = ["words_for"]

_WORDS: Final = {
    "ambiguous_date": "day and month cannot be told apart",
    "audiobook": "audiobook chapter",
    "bad_count": "count is no number above 0",
    "bad_encoding": "characters that cannot be read",
    "bad_ms_played": "time played is missing or impossible",
    "bad_row": "too few or too many fields",
    "bad_timestamp": "date is missing or cannot be read",
    "feature_not_finite": "audio feature is not a finite number",
    "feature_out_of_range": "audio feature out of its range",
    "future_timestamp": "date in the future",
    "missing_artist": "artist is missing",
    "missing_title": "title is missing",
    "negative_ms_played": "time played is negative",
    "no_id": "neither an id nor an artist and a title",
    "no_track": "no track is named",
    "no_user": "no listener is named",
    "not_a_number": "audio feature is no number",
    "not_a_track": "no track but something else, such as a show or a playlist",
    "not_an_object": "no record but something else",
    "now_playing": "no date, as it was still playing",
    "podcast": "podcast episode",
    "too_old_timestamp": "date too early to be true",
    "unknown_artist": "artist id without a name",
    "unknown_tag": "tag id without a name",
    "video": "video that names no track",
}


def words_for(reason: str) -> str:
    """A reason in words; a source's own reason is spelled out.

    >>> words_for("podcast"), words_for("too_loud")
    ('podcast episode', 'too loud')
    """
    return _WORDS.get(reason, reason.replace("_", " "))
