"""SQL from the cells of a catalogue to its rows in the lake."""

from __future__ import annotations

from segue.music import columns as c
from segue.music.lake_tables import CATALOGUE
from segue.sources import cell_sql as sql
from segue.sources.base import ReadOptions
from segue.sources.column_names import Roles
from segue.sources.mapped_rows import Mapped
from segue.sources.open_table import Table, cell, name_key
from segue.sources.track_columns import RANGES, Range
from segue.sources.track_profile import Profile, feature_steps

__all__ = ["mapped_track"]

_NO_TRACK = "^spotify:(episode|show|chapter|album|artist|playlist):"
_LONGEST_MS = 86_400_000
_YEAR_OF = """coalesce(
    try_cast(regexp_extract({value}, '^[0-9]{{4}}') AS INTEGER),
    try_cast(regexp_extract({value}, '[^0-9]([0-9]{{4}})$', 1) AS INTEGER))"""


def mapped_track(roles: Roles, profile: Profile, table: Table, options: ReadOptions) -> Mapped:
    """How the cells of one catalogue become rows of CATALOGUE.

    Args:
        roles: Which column is what.
        profile: What the columns as a whole say about ids, artists and units.
        table: The file.
        options: The catalogue's name and the time of the import.
    """
    at = {role: cell(n) for role, n in roles.at.items()}
    texts = {
        role: f"text_of({at[role]})" if role in at else "NULL::VARCHAR"
        for role in (c.TITLE, c.ALBUM, c.ARTIST, c.TRACK_ID, c.SPOTIFY_URI, c.RECORDING_MBID)
    }
    steps = (
        f"""SELECT *, {", ".join(f"{found} AS {role}_text" for role, found in texts.items())},
            {_year(at, options.now.year + 1)} AS year_, {_released(at)} AS released_
            FROM before""",
        f"""SELECT *, {_names(profile, table)} AS names_,
            {_uri(profile)} AS uri_, mbid_of({c.RECORDING_MBID}_text) AS mbid_,
            {f"isrc_of({at[c.ISRC]})" if c.ISRC in at else "NULL::VARCHAR"} AS isrc_
            FROM before""",
        "SELECT *, array_to_string(names_, ', ') AS artist_ FROM before",
        f"SELECT *, {_ref(options.name)} AS ref_ FROM before",
        *feature_steps(roles, table),
    )
    return Mapped(CATALOGUE, steps, _columns(at, roles, profile, options), _fault(roles))


def _columns(
    at: dict[str, str], roles: Roles, profile: Profile, options: ReadOptions
) -> dict[str, str]:
    found = {
        c.CATALOGUE: sql.quoted(options.name),
        c.TRACK_REF: "ref_",
        c.TITLE: f"{c.TITLE}_text",
        c.ARTIST: "artist_",
        c.ARTISTS: "names_",
        c.ALBUM: f"{c.ALBUM}_text",
        c.SPOTIFY_URI: "uri_",
        c.RECORDING_MBID: "mbid_",
        c.ISRC: "isrc_",
        c.YEAR: "year_",
        c.RELEASED: "CASE WHEN year(released_) = year_ THEN released_ END",
    }
    if c.DURATION_MS in at:
        found[c.DURATION_MS] = _duration(at[c.DURATION_MS], profile)
    if c.EXPLICIT in at:
        found[c.EXPLICIT] = _flag(at[c.EXPLICIT])
    if c.GENRES in at:
        found[c.GENRES] = f"genres_of(known({at[c.GENRES]}))"
    for role, allowed in RANGES.items():
        if role in roles:
            found[role] = _value(role, allowed)
    return found


def _names(profile: Profile, table: Table) -> str:
    text = f"{c.ARTIST}_text"
    if not profile.artists_by_comma:
        return f"names_of({text})"
    ids = [cell(n) for n, name in enumerate(table.columns) if name_key(name) in _ARTIST_IDS]
    by_comma = f"names_by_comma({text})"
    if not ids:
        return by_comma
    # one id, one artist, however many commas the name has
    return (
        f"CASE WHEN instr({ids[0]}, ',') = 0 AND {ids[0]} <> '' THEN [{text}] ELSE {by_comma} END"
    )


_ARTIST_IDS = ("artisturis", "artistids")


def _uri(profile: Profile) -> str:
    return sql.coalesced(
        f"uri_of{'_bare' if role in profile.bare_ids else ''}({role}_text)"
        for role in (c.SPOTIFY_URI, c.TRACK_ID)
    )


def _ref(catalogue: str) -> str:
    return f"""coalesce(uri_, 'mbid:' || mbid_, 'isrc:' || isrc_,
        'name:' || artist_ || chr(31) || {c.TITLE}_text,
        {sql.quoted(f"id:{catalogue}:")}
            || coalesce({c.TRACK_ID}_text, {c.SPOTIFY_URI}_text, {c.RECORDING_MBID}_text))"""


def _year(at: dict[str, str], last: int) -> str:
    years = [
        _YEAR_OF.format(value=f"text_of({at[role]})") for role in (c.YEAR, c.RELEASED) if role in at
    ]
    if not years:
        return "NULL::INTEGER"
    sane = [f"CASE WHEN {year} BETWEEN 1000 AND {last} THEN {year} END" for year in years]
    return f"coalesce({', '.join(sane)})"


def _released(at: dict[str, str]) -> str:
    dates = [
        f"try_cast(regexp_extract({at[role]}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') AS DATE)"
        for role in (c.RELEASED, c.YEAR)
        if role in at
    ]
    return f"coalesce({', '.join(dates)})" if dates else "NULL::DATE"


def _duration(value: str, profile: Profile) -> str:
    clock = f"string_split(trim({value}), ':')"
    seconds = f"""try_cast({clock}[-1] AS DOUBLE) + 60 * try_cast({clock}[-2] AS DOUBLE)
        + 3600 * coalesce(try_cast({clock}[-3] AS DOUBLE), 0)"""
    ms = f"""round(CASE WHEN instr({value}, ':') > 0 THEN 1000 * ({seconds})
        ELSE {profile.ms_per_duration} * number_of({value}) END)"""
    return f"CASE WHEN {ms} BETWEEN 1 AND {_LONGEST_MS} THEN ({ms})::BIGINT END"


def _flag(value: str) -> str:
    return f"""CASE WHEN known({value}) IN ('true', '1', '1.0', 'yes', 't', 'y', 'explicit')
        THEN true WHEN known({value}) IN ('false', '0', '0.0', 'no', 'f', 'n', 'clean')
        THEN false END"""


def _value(role: str, allowed: Range) -> str:
    value = f"{role}_value"
    return value if allowed.unknown is None else f"nullif({value}, {allowed.unknown})"


def _fault(roles: Roles) -> str:
    faults = {
        f"regexp_matches({c.SPOTIFY_URI}_text, '{_NO_TRACK}')": sql.fault(
            "'not_a_track'", roles.name(c.SPOTIFY_URI), f"{c.SPOTIFY_URI}_text"
        ),
        "ref_ IS NULL": sql.fault("'no_id'", "", "'has neither an id nor an artist and a title'"),
    }
    for role, allowed in RANGES.items():
        if role not in roles:
            continue
        value = f"{role}_value"
        reason = f"""CASE WHEN {value} IS NULL THEN 'not_a_number'
            WHEN isnan({value}) OR isinf({value}) THEN 'feature_not_finite'
            ELSE 'feature_out_of_range' END"""
        whole = "a whole number " if allowed.whole else ""
        detail = f"trim({role}_cell) || ' is not {whole}from {allowed.low:g} to {allowed.high:g}'"
        faults[f"{role}_wrong"] = sql.fault(reason, roles.name(role), detail)
    return sql.first_fault(faults)
