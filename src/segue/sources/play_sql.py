"""SQL that sources of plays share: times, names, and the order in which faults are told.

Every function answers an expression (or WHEN branches) in DuckDB's SQL. A query that uses them
needs the parameters of `time_limits`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from segue.music import columns as c
from segue.sources import reject_reasons as why

__all__ = [
    "fault_detail",
    "fault_field",
    "instant",
    "ms_faults",
    "name_ref",
    "raw",
    "started",
    "time_faults",
    "time_limits",
    "unix_instant",
    "written",
]


def time_limits(now: datetime) -> dict[str, datetime]:
    """The parameters `$earliest` and `$latest`, in UTC without zone: times outside are rejected."""
    latest = now.astimezone(UTC) + timedelta(days=why.FUTURE_DAYS)
    return {
        "earliest": why.EARLIEST.replace(tzinfo=None),
        "latest": latest.replace(tzinfo=None),
    }


def written(column: str) -> str:
    """A text exactly as it was written, null when it is blank."""
    # what is greater than "!" begins with no space, which spares nearly every text the trimming
    return f"CASE WHEN {column} > '!' OR trim({column}) <> '' THEN {column} END"


def instant(column: str) -> str:
    """A text as TIMESTAMP in UTC: ISO 8601 with or without offset, or a Unix time; else null."""
    return (
        f"CASE WHEN suffix({column}, 'Z') THEN TRY_CAST({column} AS TIMESTAMP) ELSE coalesce("
        f"TRY_CAST({column} AS TIMESTAMPTZ) AT TIME ZONE 'UTC', {unix_instant(column)}) END"
    )


def unix_instant(column: str) -> str:
    """Seconds, milliseconds or microseconds of Unix as TIMESTAMP in UTC; null when it is neither.

    The size of the number tells its unit: between 1973 and 5138 there is no doubt.
    """
    number = f"TRY_CAST({column} AS BIGINT)"
    return (
        f"CASE WHEN {number} BETWEEN 1 AND 99999999999 THEN make_timestamp({number} * 1000000)"
        f" WHEN {number} BETWEEN 1 AND 99999999999999 THEN make_timestamp({number} * 1000)"
        f" WHEN {number} BETWEEN 1 AND 99999999999999999 THEN make_timestamp({number}) END"
    )


def started(ended: str, ms: str) -> str:
    """When a play began that ended at a TIMESTAMP and took that many milliseconds."""
    return f"make_timestamp(epoch_us({ended}) - {ms} * 1000)"


def time_faults(instant_column: str) -> str:
    """WHEN branches for an instant that is missing, too early or too late."""
    return (
        f"WHEN {instant_column} IS NULL THEN '{why.BAD_TIMESTAMP}'"
        f" WHEN {instant_column} > $latest THEN '{why.FUTURE_TIMESTAMP}'"
        f" WHEN {instant_column} < $earliest THEN '{why.TOO_OLD_TIMESTAMP}'"
    )


def ms_faults(ms_column: str) -> str:
    """WHEN branches for a time played that is missing, negative or longer than a day."""
    return (
        f"WHEN {ms_column} < 0 THEN '{why.NEGATIVE_MS_PLAYED}'"
        f" WHEN {ms_column} IS NULL OR {ms_column} > {why.LONGEST_MS} THEN '{why.BAD_MS_PLAYED}'"
    )


def name_ref(artist: str, title: str) -> str:
    """The `track_ref` of a play that is known by names only; null when one is missing."""
    return f"'name:' || {artist} || chr(31) || {title}"


def fault_field(at: str, ms: str, title: str, artist: str) -> str:
    """The field to blame for the `reason` of a record, given the names of its fields."""
    return (
        f"CASE {c.REASON}"
        f" WHEN '{why.BAD_TIMESTAMP}' THEN '{at}' WHEN '{why.FUTURE_TIMESTAMP}' THEN '{at}'"
        f" WHEN '{why.TOO_OLD_TIMESTAMP}' THEN '{at}' WHEN '{why.BAD_MS_PLAYED}' THEN '{ms}'"
        f" WHEN '{why.NEGATIVE_MS_PLAYED}' THEN '{ms}'"
        f" WHEN '{why.MISSING_TITLE}' THEN '{title}' WHEN '{why.MISSING_ARTIST}' THEN '{artist}'"
        " END"
    )


def fault_detail(at: str, ms: str) -> str:
    """What stands in the field to blame: a short quotation, "missing", or what is no record."""
    return (
        f"CASE WHEN {c.REASON} IS NULL THEN NULL WHEN {c.FIELD} = '{at}' THEN {_shown(at)}"
        f" WHEN {c.FIELD} = '{ms}' THEN {_shown(ms)} ELSE stray END"
    )


def _shown(column: str) -> str:
    return f"coalesce('“' || left({column}, 60) || '”', 'missing')"


def raw(fields: Iterable[str]) -> str:
    """The given fields of a record as JSON: only what is named here can reach the rejects."""
    pairs = ", ".join(f"{field} := {field}" for field in fields)
    return f"CAST(to_json(struct_pack({pairs})) AS VARCHAR)"
