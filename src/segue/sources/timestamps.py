"""Reading the moments that exports write down, in every spelling that is in circulation."""

from __future__ import annotations

import re
from collections.abc import Iterable

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.sources.database import over_table

__all__ = [
    "any_ambiguous",
    "day_comes_first",
    "is_clock",
    "looks_like_time",
    "read_times",
]

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_LOOKS = re.compile(
    rf"""^\s*(?:
        (?:[0-9]{{9,10}}(?:\.[0-9]+)? | [0-9]{{12,13}})\s*$    # epoch seconds, milliseconds
      | [0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}(?:$|[T\s,]+[0-9])
      | [0-9]{{1,2}}[-/.][0-9]{{1,2}}[-/.](?:[0-9]{{4}}|[0-9]{{2}})(?:$|[\s,])
      | (?:[a-z]{{3,9}}\.?,?\s+)?[0-9]{{1,2}}(?:st|nd|rd|th)?[\s-]
            (?:{_MONTHS})[a-z]*[\s.,-]+[0-9]{{2}}
      | (?:[a-z]{{3,9}}\.?,?\s+)?(?:{_MONTHS})[a-z]*\.?\s[0-9]{{1,2}}(?:st|nd|rd|th)?,?\s+[0-9]{{4}}
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_CLOCK = re.compile(
    r"^\s*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?\s*(?:[ap]m)?\s*$", re.IGNORECASE
)
_SLASHED = re.compile(r"^\s*([0-9]{1,2})[/-]([0-9]{1,2})[/-](?:[0-9]{4}|[0-9]{2})(?![0-9])")

# What almost every file is written in; DuckDB reads these many times faster than the rest.
_QUICK = """
SELECT CASE WHEN regexp_full_match(text, '[0-9]{9,10}') THEN text::BIGINT * 1000000
    ELSE epoch_us(try_strptime(replace(text, ',', ''), [
        '%d %b %Y %H:%M', '%Y-%m-%dT%H:%M:%SZ', '%Y-%m-%d %H:%M:%S', '%d %b %Y %H:%M:%S']))
    END AS at
FROM texts ORDER BY n
"""
_YEAR_1000 = -30_610_224_000_000_000

# Each step works on a whole column. A zone is applied by hand: DuckDB reads one and ignores it.
_READ = rf"""
WITH plain AS (
    SELECT n, lower(trim(regexp_replace(
        text, '[\s,\x{{A0}}\x{{2009}}\x{{202F}}]+', ' ', 'g'))) AS t
    FROM texts
), kinds AS (
    SELECT n, t, CASE
        WHEN regexp_full_match(t, '[+-]?[0-9]{{1,19}}([.][0-9]+)?') THEN 'number'
        WHEN regexp_matches(t, '^[0-9]{{4}}[-/.][0-9]') THEN 'year first'
        WHEN regexp_matches(t, '^[0-9]{{1,2}}[-/.][0-9]') THEN 'year last'
        ELSE 'words' END AS kind
    FROM plain
), tidy AS (
    SELECT n, kind, CASE WHEN kind = 'words' THEN
        regexp_replace(regexp_replace(regexp_replace(t,
            '^(mon|tue|wed|thu|fri|sat|sun)[a-z]*[.]? ', ''),
            '^([a-z ]*[0-9]{{1,2}})(st|nd|rd|th)\b', '\1'),
            '({_MONTHS})[a-z]*[.]?', '\1')
        ELSE t END AS t
    FROM kinds
), parts AS (
    SELECT n, kind, t, CASE
        WHEN kind = 'number' THEN NULL
        WHEN kind = 'year first' THEN regexp_extract(t,
            '^([0-9]{{4}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{1,2}})(.*)$', ['y', 'm', 'd', 'rest'])
        WHEN kind = 'year last' THEN {{year_last}}
        WHEN regexp_matches(t, '^[0-9]') THEN regexp_extract(t,
            '^([0-9]{{1,2}})[ -]({_MONTHS})[ -]([0-9]{{4}}|[0-9]{{2}})\b(.*)$',
            ['d', 'm', 'y', 'rest'])
        ELSE regexp_extract(t,
            '^({_MONTHS}) ([0-9]{{1,2}}) ([0-9]{{4}})\b(.*)$', ['m', 'd', 'y', 'rest'])
        END AS part
    FROM tidy
), clocks AS (
    SELECT n, kind, t,
        if(length(part.y) = 2, '20' || part.y, part.y) AS y,
        if(part.m >= 'a', ((instr('{_MONTHS}', part.m) + 3) // 4)::VARCHAR, part.m) AS m,
        part.d AS d,
        trim(part.rest) = '' AS no_clock,
        regexp_extract(trim(part.rest),
            '^(?:t|at )? ?([0-9]{{1,2}}):([0-9]{{2}})(?::([0-9]{{2}})(?:[.,]([0-9]{{1,9}}))?)?'
            || ' ?([ap])?(?:[.]?m[.]?)? ?(z|utc|gmt)?'
            || ' ?(?:([+-])([0-9]{{2}}):?([0-9]{{2}})?)?(?: ?utc| [(].*[)])?$',
            ['h', 'mi', 's', 'f', 'half', 'z', 'sign', 'zh', 'zm']) AS clock
    FROM parts
), numbers AS (
    SELECT n, kind, no_clock,
        try_cast(t AS DOUBLE) AS number,
        epoch_us(try_cast(y || '-' || m || '-' || d AS DATE)::TIMESTAMP) AS midnight,
        clock.half AS half,
        try_cast(clock.h AS INTEGER) AS h,
        try_cast(clock.mi AS INTEGER) AS mi,
        coalesce(try_cast(clock.s AS INTEGER), 0) AS s,
        coalesce(round(try_cast('0.' || clock.f AS DOUBLE) * 1e6)::BIGINT, 0) AS us,
        if(clock.sign = '-', -60, 60) * (60 * coalesce(try_cast(clock.zh AS INTEGER), 0)
            + coalesce(try_cast(clock.zm AS INTEGER), 0)) AS offset_s
    FROM clocks
)
SELECT CASE
    WHEN kind = 'number' THEN CASE
        WHEN abs(number) < 1e11 THEN round(number * 1e6)::BIGINT
        WHEN abs(number) < 1e14 THEN round(number * 1e3)::BIGINT
        WHEN abs(number) < 1e17 THEN round(number)::BIGINT
        WHEN abs(number) < 9e18 THEN round(number / 1e3)::BIGINT END
    WHEN no_clock THEN midnight
    WHEN half <> '' AND h NOT BETWEEN 1 AND 12 THEN NULL
    WHEN h < 24 AND mi < 60 AND s < 61 THEN midnight + us + 1000000::BIGINT * (
        3600 * CASE half WHEN 'a' THEN h % 12 WHEN 'p' THEN h % 12 + 12 ELSE h END
        + 60 * mi + s - offset_s)
    END AS at
FROM numbers ORDER BY n
"""

_YEAR_LAST = r"""
    CASE WHEN {day_first} THEN
        regexp_extract(t, '^([0-9]{{1,2}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{4}}|[0-9]{{2}})\b(.*)$',
            ['d', 'm', 'y', 'rest'])
    WHEN {month_first} THEN
        regexp_extract(t, '^([0-9]{{1,2}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{4}}|[0-9]{{2}})\b(.*)$',
            ['m', 'd', 'y', 'rest'])
    END"""
_FIRST = "regexp_extract(t, '^([0-9]+)', 1)::INTEGER"
_SECOND = "regexp_extract(t, '^[0-9]+[-/.]([0-9]{1,2})', 1)::INTEGER"
_DOTTED = r"regexp_matches(t, '^[0-9]+[.]')"


def read_times(
    connection: duckdb.DuckDBPyConnection, texts: pa.Array, day_first: bool | None = None
) -> pa.Array:
    """The moments that texts name; times without a zone are taken as UTC.

    Understood are epoch seconds, milliseconds, microseconds and nanoseconds (told apart by their
    size), ISO 8601 with or without T, seconds, fraction and zone, `01 Jan 2024, 13:05` and
    `January 1, 2024 1:05 PM` with English month names, `01.02.2024 13:05` (day first), and
    `01/02/2024`, whose order `day_first` decides where the numbers themselves do not.

    Args:
        connection: Where to compute; nothing stays in it.
        texts: Strings.
        day_first: Whether 03/04/2024 is in April (True) or in March (False); None: unreadable.

    Returns:
        int64, one for each text: microseconds since 1970, UTC; null where the text is no moment.
    """
    quick = _column(connection, _QUICK, texts)
    # a year of two digits is a year of the first century to DuckDB
    rest = pc.fill_null(pc.less(quick, _YEAR_1000), True)
    if not pc.any(rest, min_count=0).as_py():
        return quick
    # A dash or a slash says nothing about the order; dots are written day first everywhere.
    same = f"{_FIRST} = {_SECOND}"
    default_day = "true" if day_first else same
    default_month = "true" if day_first is False else "false"
    year_last = _YEAR_LAST.format(
        day_first=f"{_DOTTED} OR {_FIRST} > 12 OR ({_SECOND} <= 12 AND {default_day})",
        month_first=f"{_SECOND} > 12 OR {default_month}",
    )
    slow = _column(connection, _READ.replace("{year_last}", year_last), texts.filter(rest))
    return pc.replace_with_mask(quick, rest, slow)


def _column(connection: duckdb.DuckDBPyConnection, sql: str, texts: pa.Array) -> pa.Array:
    table = pa.table({"n": np.arange(len(texts)), "text": texts})
    return over_table(connection, sql, "texts", table).column("at").combine_chunks()


def looks_like_time(text: str) -> bool:
    """Whether a text is written like a moment (or a day), as the exports write it.

    >>> looks_like_time("01 Jan 2024, 13:05"), looks_like_time("1999")
    (True, False)
    """
    return _LOOKS.match(text) is not None


def is_clock(text: str) -> bool:
    """Whether a text is a time of day alone, such as 13:05."""
    return _CLOCK.match(text) is not None


def _is_ambiguous(text: str) -> bool:
    """Whether a date could be read day first or month first, and the two differ."""
    match = _SLASHED.match(text)
    if match is None:
        return False
    first, second = int(match[1]), int(match[2])
    return first != second and 1 <= first <= 12 and 1 <= second <= 12


def day_comes_first(texts: Iterable[str]) -> bool | None:
    """What the unambiguous dates of a file say about the others.

    Returns:
        True: 25/12/2024 occurs. False: 12/25/2024 occurs. None: neither, or both.
    """
    day_first = month_first = False
    for text in texts:
        match = _SLASHED.match(text)
        if match is not None:
            first, second = int(match[1]), int(match[2])
            day_first = day_first or (first > 12 >= second)
            month_first = month_first or (second > 12 >= first)
            if day_first and month_first:
                return None
    return day_first if day_first != month_first else None


def any_ambiguous(texts: pa.ChunkedArray) -> bool:
    """Whether a column has a date that could be read both ways."""
    slashed = pc.match_substring_regex(texts, r"^\s*[0-9]{1,2}[/-][0-9]{1,2}[/-][0-9]{2}")
    return any(_is_ambiguous(text) for text in texts.filter(slashed).to_pylist())
