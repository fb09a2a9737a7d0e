"""What a server says when it refuses or goes away, in plain words, each with its cure."""

from __future__ import annotations

from typing import Final

from segue.errors import BusyError, SegueError, StorageError, UnreachableError, WarehouseError

__all__ = ["first_line", "live_fault", "lost", "no_connection"]

_ADDRESS: Final = "See [postgresql] in docs/configuration.md."

# what libpq says -> what to do about it; the first that fits
_CONNECTING: Final = (
    (
        ("password authentication failed", "no password supplied"),
        "Check user and password: SEGUE_POSTGRESQL__PASSWORD, PGPASSWORD or ~/.pgpass.",
    ),
    (
        ("no pg_hba.conf entry", "authentication failed"),
        "Let this user sign in from here: the server's pg_hba.conf says who may.",
    ),
    (
        ("certificate", "SSL", "sslmode", "root.crt"),
        "Check postgresql.sslmode and sslrootcert; docs/warehouse.md shows a setup with TLS.",
    ),
    (
        ('database "',),
        "Make it (createdb NAME), or name another one in the setting postgresql.database.",
    ),
    (('role "',), "Make the role as docs/warehouse.md says, or set postgresql.user."),
    (("too many", "remaining connection slots"), "Wait until others are done, then try again."),
    (("starting up", "shutting down", "recovery"), "Wait until the server is up, then try again."),
)
_LIVE: Final = "docs/events.md under “PostgreSQL”"
_PASSING: Final = (
    "too many",
    "remaining connection slots",
    "starting up",
    "shutting down",
    "recovery",
)
_UNREACHABLE: Final = f"Is the server running, and are host and port right? {_ADDRESS}"


def no_connection(error: Exception, where: str) -> WarehouseError:
    """What to raise where no connection was made; UnreachableError where it may be made later.

    Args:
        error: What the driver raised.
        where: The address in words, without the password.
    """
    said = str(error)
    cure = next((cure for words, cure in _CONNECTING if any(w in said for w in words)), "")
    kind = WarehouseError if cure and not any(w in said for w in _PASSING) else UnreachableError
    return kind(f"{where} cannot be used: {_reason(said)}", cure=cure or _UNREACHABLE)


def live_fault(error: Exception, doing: str, where: str) -> SegueError:
    """What to raise where a statement of the live service failed.

    Args:
        error: What the driver raised, with `sqlstate` where the server said one.
        doing: What failed, such as "reading events".
        where: The address in words.
    """
    from psycopg import InterfaceError, OperationalError

    state = str(getattr(error, "sqlstate", None) or "")
    text = first_line(error)
    gone = not state and isinstance(error, OperationalError | InterfaceError)
    if state in ("55P03", "57014", "40001", "40P01"):
        return BusyError(
            f"{doing} took too long: others are writing to {where}", cure="Try again later."
        )
    # a server that may only be read has become a standby: the next connection finds the new one
    if state[:2] in ("08", "57") or state in ("25006", "53300") or gone:
        return UnreachableError(
            f"{doing} failed: {where} went away ({text})",
            cure="What was accepted is there; the rest can be sent again once the server is up.",
        )
    if state[:2] in ("53", "58"):
        return StorageError(
            f"{doing} failed: {where} has no room left ({text})",
            cure="Free space on the server; what was accepted is still there.",
        )
    if state[:2] == "22" or not state:
        return SegueError(f"{doing} failed: {text}", cure="Nothing of it was written.")
    if state == "42501":
        return WarehouseError(f"{doing} failed: {text}", cure=f"Grant it as {_LIVE} says.")
    return WarehouseError(f"{doing} failed: {text}", cure=f"See {_LIVE}.")


def first_line(error: Exception) -> str:
    """What the server said, without statement and place."""
    text = str(error).split("ERROR:  ", 1)[-1].split("FATAL:  ", 1)[-1]
    return text.split("\n", 1)[0].rstrip(" .")


def _reason(said: str) -> str:
    """The line of what libpq said that tells what went wrong, not what one might check."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for mark in ("FATAL:  ", "ERROR:  ", "failed: "):
        told = [line.split(mark, 1)[-1] for line in lines if mark in line]
        if told:
            return told[-1].split("failed: ", 1)[-1].rstrip(" .")
    return lines[0].rstrip(" .") if lines else "nobody answered"


def lost(error: Exception) -> bool:
    """Whether the driver says, without a state of the server's, that the connection is gone."""
    said = str(error)
    return any(
        words in said
        for words in (
            "server closed the connection",
            "connection not open",
            "no connection to the server",
            "could not receive data",
            "could not send data",
            "SSL connection has been closed",
            "terminating connection",
            "PQputCopyData",
            "PQputCopyEnd",
        )
    )
