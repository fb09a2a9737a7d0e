"""SQL for the cells of tables: texts, numbers, lists, ids, from however files write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = [
    "MACROS",
    "NO_FAULT",
    "coalesced",
    "fault",
    "first_fault",
    "quoted",
]

_TRACK = (
    "^(?:spotify:track:|(?:https?://)?(?:open|play)[.]spotify[.]com/"
    "(?:intl-[A-Za-z-]+/)?(?:embed/)?track/)([0-9A-Za-z]{22})(?:[?/#].*)?$"
)
_ITEM = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_LITERAL = r"""(?s)\[\s*(?:['"].*)?\]"""


def quoted(value: str) -> str:
    """A Python text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


MACROS = rf"""
-- a text, trimmed; null when there is nothing; most texts begin and end with plain characters
CREATE MACRO text_of(x) AS CASE
    WHEN x[1] BETWEEN '!' AND '~' AND x[-1] BETWEEN '!' AND '~' THEN x
    ELSE nullif(trim(x, ' ' || chr(9) || chr(10) || chr(13) || chr(160)), '') END;

-- a value in lower case; null for every way to write that there is none
CREATE MACRO known(x) AS nullif(regexp_replace(lower(trim(x)),
    '^(?:null|none|na|n/a|<na>|-|--|\\n|[?]|undefined|unknown)$', ''), '');

-- a number, possibly nan or inf, with or without its unit; null when it is none
CREATE MACRO number_of(x) AS coalesce(try_cast(x AS DOUBLE),
    try_cast(regexp_replace(lower(trim(x)), '\s*(?:bpm|db)$', '') AS DOUBLE),
    try_cast(regexp_extract(x, '^\s*([0-9.]+)\s*%\s*$', 1) AS DOUBLE) / 100);
CREATE MACRO decimal_point(x) AS regexp_replace(x, '^([+-]?\d*),(\d+)', '\1.\2');

-- ['A', "B"] as Python, NumPy or JSON write lists; [] but not [x], which is a name
CREATE MACRO is_list(x) AS regexp_full_match(x, {quoted(_LITERAL)});
CREATE MACRO as_json_text(x) AS '"' || replace(replace(
    regexp_replace(x, '\\x([0-9a-f][0-9a-f])', '\\u00\1', 'g'),
    '\''', ''''), '"', '\"') || '"';
CREATE MACRO unescaped(x) AS CASE
    WHEN instr(x, '\') = 0 THEN x
    WHEN json_valid(as_json_text(replace(x, '\"', '"')))
        THEN json_extract_string(as_json_text(replace(x, '\"', '"')), '$')
    ELSE x END;
CREATE MACRO items_of(x) AS CASE
    WHEN instr(x, '\') = 0
        THEN list_transform(regexp_extract_all(x, {quoted(_ITEM)}), lambda item: item[2:-2])
    ELSE list_transform(
        regexp_extract_all(x, {quoted(_ITEM)}), lambda item: unescaped(item[2:-2])) END;

-- names without blanks around them, and none that is empty; null for no names
CREATE MACRO tidy(names) AS nullif(
    list_filter(list_transform(names, lambda name: text_of(name)), lambda name: name IS NOT NULL),
    []::VARCHAR[]);

-- artists from one text of text_of(): a list, or joined by ; or |
CREATE MACRO names_of(x) AS CASE
    WHEN x IS NULL THEN NULL
    WHEN is_list(x) THEN tidy(items_of(x))
    WHEN instr(x, ';') > 0 THEN tidy(string_split(x, ';'))
    WHEN instr(x, '|') > 0 THEN tidy(string_split(x, '|'))
    ELSE [x] END;

-- artists joined by commas, where a comma within a name stands after a backslash
CREATE MACRO names_by_comma(x) AS CASE
    WHEN is_list(x) THEN tidy(items_of(x))
    ELSE tidy(list_transform(string_split(replace(x, '\,', chr(31)), ','),
        lambda name: replace(name, chr(31), ','))) END;

-- genres: lower case, each once, in alphabetical order
CREATE MACRO genres_of(x) AS list_sort(list_distinct(tidy(CASE
    WHEN is_list(x) THEN items_of(lower(x))
    ELSE string_split_regex(lower(x), '[;|,]') END)));

-- spotify:track:... from a URI or a link; from a bare id; null for anything else
CREATE MACRO uri_of(x) AS CASE
    WHEN regexp_full_match(x, 'spotify:track:[0-9A-Za-z]{{22}}') THEN x
    ELSE 'spotify:track:' || nullif(regexp_extract(x, {quoted(_TRACK)}, 1), '') END;
CREATE MACRO is_bare_id(x) AS regexp_full_match(x, '[0-9A-Za-z]{{22}}');
CREATE MACRO uri_of_bare(x) AS CASE
    WHEN is_bare_id(x) THEN 'spotify:track:' || x ELSE uri_of(x) END;

-- 0 for C to 11 for B, from "c#", "db minor", "f sharp", "c♯/d♭"
CREATE MACRO key_of(x) AS (SELECT CASE WHEN part.letter <> '' THEN
    ((instr('c d ef g a b', part.letter) - 1
        + CASE WHEN part.sign IN ('#', '♯', 'sharp') THEN 1 WHEN part.sign <> '' THEN -1 ELSE 0 END
        + 12) % 12)::DOUBLE END
    FROM (SELECT regexp_extract(x,
        '^([a-g])[ -]?(#|♯|b|♭|sharp|flat)?(?:\s*/.*)?(?: ?(?:major|minor|maj|min|m|moll|dur))?$',
        ['letter', 'sign']) AS part));

-- a MusicBrainz id in lower case, also from a link; an ISRC of twelve characters
CREATE MACRO mbid_of(x) AS nullif(regexp_extract(lower(x),
    '[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}'), '');
CREATE MACRO isrc_of(x) AS nullif(regexp_extract(
    upper(regexp_replace(x, '[- ]', '', 'g')), '^[A-Z]{{2}}[A-Z0-9]{{3}}[0-9]{{7}}$'), '');
"""
"""Functions that every query over cells may use."""

NO_FAULT = "NULL::STRUCT(reason VARCHAR, field VARCHAR, detail VARCHAR)"


def coalesced(values: Iterable[str | None]) -> str:
    """The first of some SQL values that is not null; those a table lacks are None."""
    present = [value for value in values if value]
    return f"coalesce({', '.join(present)})" if present else "NULL::VARCHAR"


def fault(reason: str, field: str, detail: str) -> str:
    """What is wrong with a row, as SQL.

    Args:
        reason: SQL of the reason's name.
        field: The file's name of the column.
        detail: SQL of what is wrong with the value.
    """
    return (
        f"{{'reason': {reason}, 'field': nullif({quoted(field)}, ''),"
        f" 'detail': ({detail})::VARCHAR}}"
    )


def first_fault(faults: Mapping[str, str]) -> str:
    """The first fault whose condition holds; condition -> `fault`, all SQL."""
    cases = " ".join(f"WHEN {condition} THEN {found}" for condition, found in faults.items())
    return f"CASE {cases} ELSE {NO_FAULT} END"
