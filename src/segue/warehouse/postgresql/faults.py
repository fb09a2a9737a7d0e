"""The server's errors in plain words, each with its cure."""

from __future__ import annotations

from typing import Final

from segue.errors import StorageError, WarehouseError

__all__ = ["fault", "first_line", "no_connection"]

_ADDRESS: Final = "See [postgresql] in docs/configuration.md."
_ROLES: Final = "Grant it as docs/warehouse.md says under “PostgreSQL”, then build again."

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
_UNREACHABLE: Final = f"Is the server running, and are host and port right? {_ADDRESS}"


def no_connection(error: Exception, where: str) -> WarehouseError:
    """What to raise where no connection was made.

    Args:
        error: What the driver raised.
        where: The address in words, without the password.
    """
    said = str(error)
    cure = next((cure for words, cure in _CONNECTING if any(w in said for w in words)), "")
    return WarehouseError(f"{where} cannot be used: {_reason(said)}", cure=cure or _UNREACHABLE)


def fault(error: Exception, doing: str, where: str) -> WarehouseError:
    """What to raise where a statement failed.

    Args:
        error: What the driver raised, with `sqlstate` where the server said one.
        doing: What failed, such as "loading plays".
        where: The address in words.
    """
    state = str(getattr(error, "sqlstate", None) or "")
    text = first_line(error)
    if (state[:2] in ("08", "57") and state != "57014") or (not state and _broken(error)):
        return WarehouseError(
            f"{doing} failed: the connection to {where} was lost",
            cure="What was begun was undone. See that the server is up, and build again.",
        )
    if state in ("53100", "53200", "58030"):
        return StorageError(
            f"{doing} failed: the server has no room left ({text})",
            cure="Free space on the server (disk, or memory for 53200), and build again.",
        )
    if state == "42501":
        return WarehouseError(f"{doing} failed: {text}", cure=_ROLES)
    if state == "25006":
        return WarehouseError(
            f"{doing} failed: {where} may only be read",
            cure="Name the primary server in the settings, not its standby.",
        )
    return WarehouseError(f"{doing} failed: {text}", cure="See docs/warehouse.md, “PostgreSQL”.")


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


def _broken(error: Exception) -> bool:
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
