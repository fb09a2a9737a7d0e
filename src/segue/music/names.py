"""When two spellings of an artist or a title mean the same: the normal form of names.

A normal form is lower case, without diacritics and punctuation, words apart by one space. Scripts
other than Latin stay as they are. A name that is all punctuation ("!!!") keeps it. Remarks that do
not make another song are left out of titles (remastered, live at …, feat. …, radio edit); remarks
that do (remix, acoustic, instrumental, karaoke, demo, part 2) stay.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final

__all__ = ["artist_key", "first_artist", "song_key", "title_key"]


def _vocabulary(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LETTERS: Final = str.maketrans(
    {
        "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h",
        "ı": "i", "ŋ": "n", "ŧ": "t", "ĸ": "k", "ə": "e", "ё": "е", "™": None, "®": None,
        "©": None, "℗": None, "‐": "-", "‑": "-", "–": "-", "—": "-", "―": "-", "−": "-",
        "‘": "'", "’": "'", "ʼ": "'", "`": "'", "´": "'", "′": "'", "“": '"', "”": '"',
        "【": "[", "】": "]", "〔": "[", "〕": "]", "×": " x ",
    }
)  # fmt: skip
_APOSTROPHES: Final = str.maketrans({"'": None, "&": " and "})
_PUNCTUATION: Final = str.maketrans(
    {
        **{chr(code): " " for code in range(128) if not chr(code).isalnum()},
        "'": None,
        "&": " and ",
        "+": " plus ",
    }
)
_MARK: Final = re.compile("(?<=[a-zα-ω])[\u0300-\u036f]+|(?<=[а-я])[\u0300\u0301]+")
_CJK_SPACE: Final = re.compile(r"(?<=[぀-ヿ㐀-鿿가-힯])\s+(?=[぀-ヿ㐀-鿿])")
_ACRONYM: Final = re.compile(r"(?<![^\W_])([^\W\d_])\.(?=[^\W\d_](?:[\W_]|$))")
_DOLLAR: Final = re.compile(r"(?<=[^\W\d_])\$|\$(?=[^\W\d_])")
_BANG: Final = re.compile(r"(?<=[^\W\d_])!(?=[^\W\d_])")
_SPACED_PLUS: Final = re.compile(r"(?<=\s)\+(?=\s)")
_TRAILING_THE: Final = re.compile(r",\s*the\s*$")

# --- what ends the first artist of a list -------------------------------------------------------
_FEATURED: Final = re.compile(
    r"\s+[(\[]?(?:feat\.?|ft\.?|featuring)\s+(?!of\b).*$", re.IGNORECASE | re.DOTALL
)
_CERTAIN: Final = re.compile(r"\s*;\s*|\s+/\s+|\s+(?:vs\.?|presents|pres\.)\s+", re.IGNORECASE)
_COMMA: Final = re.compile(r"\s*,\s+(?!(?:the|jr|sr|inc)\b)", re.IGNORECASE)
# "Earth, Wind & Fire", "Crosby, Stills, Nash & Young": single words up to an "and" are one band
_ONE_BAND: Final = re.compile(r"^[^\s,]+(?:,\s[^\s,]+)+,?\s(?:&|and)\s[^\s,]+$", re.IGNORECASE)
_JOINED: Final = re.compile(
    r"\s*(?:,(?!\d)|[&;])\s*|\s+(?:and|x|with|vs\.?|con|und|et|y|\+|/)\s+", re.IGNORECASE
)

# --- remarks in titles --------------------------------------------------------------------------
_SUSPECT: Final = re.compile(r"[(\[{-]|\sf(?:ea)?t")
_PLAIN: Final = re.compile(r"[a-z0-9 ']*")
_LIST_WORDS: Final = _vocabulary("ft feat featuring vs presents pres")
_FEATURE_WORD: Final = re.compile(r"\s(?:ft|feat|featuring|vs|presents|pres)\s")
_BRACKET: Final = re.compile(r"\s*(?:\(([^()]*)\)|\[([^\[\]]*)\]|\{([^{}]*)\})")
_DASHED: Final = re.compile(r"^(.*\S)\s+-\s*(.+)$|^(.*\S)-\s+(.+)$", re.DOTALL)
_YEAR_AT_END: Final = re.compile(r"\s+-\s*(?:19|20)\d\d$")
_FEATURING: Final = re.compile(
    r"(?<=\S)(?<!\d)\s+(?:feat|ft|featuring)\b\.?\s*(?!of\b)[^\s()\[\]{}][^()\[\]{}]*?"
    r"(?=\s+-\s|\s*[(\[{]|$)"
)
_GUEST: Final = re.compile(r"^(?:feat|ft|featuring|with|w/)(?:\b|(?<=/))\.?\s*(?!of\b)\S")
_ORIGIN: Final = re.compile(
    r'^(?:from\s+"|(?:music\s+)?from\s+the\s+(?:\w+\s+){0,3}'
    r"(?:soundtrack|picture|film|movie|series)\b)"
)
_LIVE: Final = re.compile(
    r"^(?:recorded\s+)?live(?:$|\s*[/,@:;-]|\s+(?:at|in|from|on|version|sessions?|recording"
    r"|performance|mix|edit|bonus|bbc|mono|stereo|remaster\w*|lp|the\s+\w+|(?:19|20)\d\d)\b)"
    r"|^(?:19|20)\d\d\s*(?:/\s*)?live$|^(?:en vivo|ao vivo|en directo)\b"
)
_OTHER_SONG: Final = re.compile(
    r"\b(?:remix(?:ed)?|rmx|acoustic|instrumental|karaoke|cover|demo|unplugged|reprise|medley"
    r"|orchestral|symphonic|a\s?cappella|dub|mashup|bootleg|piano|part|pt|vol)\b"
)
_NUMBER: Final = re.compile(r"^\d+(?:st|nd|rd|th)?$")
_SAME_SONG: Final = _vocabulary(
    "remaster remastered remasters remastering mono stereo deluxe bonus explicit clean edit "
    "original official"
)
_EDITIONS: Final = _vocabulary("version mix")
_EDITION_OF: Final = _vocabulary(
    "single album lp ep radio video main full live uk us soundtrack studio"
)
_NEUTRAL: Final = (
    _SAME_SONG
    | _EDITIONS
    | _EDITION_OF
    | _vocabulary(
        "digital digitally the in track edition expanded anniversary bit hd hq audio lyric lyrics "
        "music years new tracks and"
    )
)


def artist_key(name: str) -> str:
    """The normal form of an artist's name: of the first one, where the name is a plain list.

    Never empty for a name that is not; `artist_key(artist_key(x)) == artist_key(x)`.

    >>> artist_key("The Beatles"), artist_key("Beyoncé feat. JAY-Z"), artist_key("AC/DC")
    ('beatles', 'beyonce', 'ac dc')
    """
    return _artist_key(name)


@lru_cache(maxsize=1 << 17)
def title_key(title: str) -> str:
    """The normal form of a title, without the remarks that do not make it another song.

    Never empty for a title that is not; `title_key(title_key(x)) == title_key(x)`.

    >>> title_key("Let It Be - Remastered 2009"), title_key("Let It Be (Acoustic)")
    ('let it be', 'let it be acoustic')
    """
    if title.isascii():
        text = title.lower()
        if _PLAIN.fullmatch(text) and not (" ft " in text or " feat" in text):
            return _join(text.replace("'", "").split()) or _bare(text, title)
    return _settle(_title_once, title)


def song_key(artist: str, title: str) -> str:
    """One key for one song: the lead artist and the title in normal form, U+001F between.

    The lead artist is cut off at the first "&", "and", comma and so on, bands included ("Simon &
    Garfunkel" leads with "simon"): sources disagree about where a list begins, and two songs of
    one title by "Simon" and "Simon & …" are rarer than one song credited both ways.

    >>> song_key("Bob Marley & The Wailers", "Jamming (Live)") == song_key("Bob Marley", "Jamming")
    True
    """
    return f"{_lead_key(artist)}\x1f{title_key(title)}"


@lru_cache(maxsize=200_000)
def first_artist(name: str) -> str:
    """The first artist of a list as written; a band whose name looks like a list stays whole.

    >>> first_artist("Drake, WizKid, Kyla"), first_artist("Earth, Wind & Fire")
    ('Drake', 'Earth, Wind & Fire')
    """
    lead = _FEATURED.sub("", name)
    lead = _CERTAIN.split(lead, maxsplit=1)[0]
    if not _ONE_BAND.match(lead):
        lead = _COMMA.split(lead, maxsplit=1)[0]
    lead = lead.strip()
    return lead if _words(_fold(lead)) else name


@lru_cache(maxsize=200_000)
def _artist_key(name: str) -> str:
    if name.isascii() and _PLAIN.fullmatch(text := name.lower()):
        words = text.replace("'", "").split()
        if _LIST_WORDS.isdisjoint(words):
            return _join(words) or _bare(text, name)
    return _settle(_artist_once, name)


@lru_cache(maxsize=200_000)
def _lead_key(name: str) -> str:
    lead = _JOINED.split(_FEATURED.sub("", name), maxsplit=1)[0]
    return _artist_key(lead) if _words(_fold(lead)) else _artist_key(name)


def _artist_once(name: str) -> str:
    text = _TRAILING_THE.sub("", _fold(first_artist(name)))
    return _words(text) or _bare(text, name)


def _title_once(title: str) -> str:
    text = _fold(title)
    return _words(_without_remarks(text)) or _words(text) or _bare(text, title)


def _settle(once: Callable[[str], str], name: str) -> str:
    """Apply until nothing changes, so that a key is its own key."""
    key = once(name)
    for _ in range(8):
        if _PLAIN.fullmatch(key) and not _FEATURE_WORD.search(key):
            break
        again = once(key)
        if again == key:
            break
        key = again
    return key


def _fold(name: str) -> str:
    """Case and diacritics away; Latin and Greek lose their marks, other scripts keep them."""
    if name.isascii():
        return name.lower()
    text = unicodedata.normalize("NFKD", name.translate(_LETTERS)).casefold()
    text = _MARK.sub("", unicodedata.normalize("NFKD", text).translate(_LETTERS))
    return unicodedata.normalize("NFKC", text).translate(_LETTERS)


def _words(text: str) -> str:
    """Folded text as words: letters and digits only, without a leading "the"; may be empty."""
    if "." in text:
        text = _ACRONYM.sub(r"\1", text)
    if "$" in text:
        text = _DOLLAR.sub("s", text)
    if "!" in text:
        text = _BANG.sub("i", text)
    if "+" in text:
        text = _SPACED_PLUS.sub("and", text)
    text = text.translate(_PUNCTUATION)
    if not text.isascii():
        text = "".join(ch if unicodedata.category(ch)[0] in "LNM" else " " for ch in text)
        text = _CJK_SPACE.sub("", text)
    return _join(text.split())


def _join(words: list[str]) -> str:
    while len(words) > 1 and words[0] == "the":
        del words[0]
    if "n" in words[1:-1]:  # "Rock 'n' Roll"
        words[1:-1] = ["and" if word == "n" else word for word in words[1:-1]]
    return " ".join(words)


def _bare(text: str, name: str) -> str:
    """The key of a name without letters or digits: its signs, without spaces."""
    return "".join(text.split()) or name


def _without_remarks(text: str) -> str:
    """The folded title without its remarks; what is no remark stays, brackets and all."""
    if not _SUSPECT.search(text):
        return text
    before = ""
    while before != text:
        before = text
        text = _BRACKET.sub(_bracket, text)
        text = _FEATURING.sub("", text)
        dashed = _DASHED.match(text)
        if dashed and _is_remark(dashed[2] or dashed[4] or ""):
            text = _YEAR_AT_END.sub("", dashed[1] or dashed[3])
    return text


def _bracket(match: re.Match[str]) -> str:
    inside = (match[1] or match[2] or match[3] or "").strip()
    return " " if _is_remark(inside) else match[0]


def _is_remark(remark: str) -> bool:
    """Whether the words in brackets or after a dash leave the song what it is."""
    if _GUEST.match(remark):
        return not _OTHER_SONG.search(remark)
    if _ORIGIN.match(remark) or _LIVE.match(remark):
        return not _OTHER_SONG.search(remark)
    words = set(_words(remark).split())
    named = {word for word in words if not _NUMBER.match(word)}
    if not named or not named <= _NEUTRAL:
        return False
    if named & _SAME_SONG:
        return True
    return bool(named & _EDITIONS) and (bool(named & _EDITION_OF) or words != named)
