"""Words of names as they are looked for: without case, accents and punctuation."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["plain_words", "plain_words_of"]

_LETTERS: Final = {
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "æ": "ae",
    "œ": "oe",
    "ß": "ss",
    "ı": "i",
    "&": " and ",
    "$": "s",
}
"""Letters and signs that do not decompose, and what people type for them."""

_MARKS: Final = r"\p{Mn}"
_INSIDE: Final = ("([a-z])!([a-z])", r"\1i\2")  # P!nk
_BANG: Final = re.compile(_INSIDE[0])
_QUOTES: Final = "'’ʼ`´‘"
_APOSTROPHES: Final = f"[{_QUOTES}]"
_NO_WORD: Final = r"[^\p{L}\p{N}]+"
_SPACES: Final = r"[\s\p{C}]+"


def plain_words(names: pa.Array) -> pa.Array:
    """Words apart by one space; a name that is all punctuation keeps it; null becomes "".

    >>> plain_words(pa.array(["Beyoncé", "AC/DC", "Don't Stop", "!!!", None])).to_pylist()
    ['beyonce', 'ac dc', 'dont stop', '!!!', '']
    """
    lower = pc.utf8_lower(pc.utf8_normalize(names.fill_null(""), "NFKD"))
    text = lower
    for letter, plain in _LETTERS.items():
        text = pc.replace_substring(text, letter, plain)
    text = pc.replace_substring_regex(text, _MARKS, "")
    text = pc.replace_substring_regex(text, *_INSIDE)
    text = pc.replace_substring_regex(text, _APOSTROPHES, "")
    text = pc.utf8_trim_whitespace(pc.replace_substring_regex(text, _NO_WORD, " "))
    signs = pc.replace_substring_regex(lower, _SPACES, "")
    return pc.if_else(pc.equal(text, ""), signs, text)


def plain_words_of(text: str) -> str:
    """The same of one text, at once."""
    lower = unicodedata.normalize("NFKD", text).lower()
    plain = "".join(_LETTERS.get(sign, sign) for sign in lower)
    plain = "".join(sign for sign in plain if unicodedata.category(sign) != "Mn")
    plain = _BANG.sub(_INSIDE[1], plain)
    words = "".join(
        sign if unicodedata.category(sign)[0] in "LN" else "" if sign in _QUOTES else " "
        for sign in plain
    )
    signs = (sign for sign in lower if not sign.isspace() and unicodedata.category(sign)[0] != "C")
    return " ".join(words.split()) or "".join(signs)
