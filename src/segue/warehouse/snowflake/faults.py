"""What Snowflake's errors mean, and what to do about them."""

from __future__ import annotations

from typing import Final

from snowflake.connector.errors import Error

from segue.errors import ConfigError, SegueError, WarehouseError
from segue.warehouse.snowflake.account import SnowflakeAccount

__all__ = ["told"]

_WRONG_PASSWORD: Final = {390100, 390101, 390102}
_WRONG_KEY: Final = {390144, 394300, 394301, 394302, 394303, 394304}
_NO_ROLE: Final = {390189, 390186}
_NO_WAREHOUSE: Final = {606}
_NO_DATABASE: Final = {90105, 90106, 390201}
_NOT_ALLOWED: Final = {3001}
_NOT_THERE: Final = {2003, 2043}
_UNREACHABLE: Final = range(250001, 250010)
_GRANTS: Final = "See docs/warehouse.md, “Snowflake”, for what the role needs."


def told(error: Error, doing: str, account: SnowflakeAccount) -> SegueError:
    """The error in our words; `doing` says what failed. Snowflake's messages hold no secret."""
    number = error.errno or 0
    text = " ".join(str(error.raw_msg or error.msg or error).split()).rstrip(". ")
    refused = _refused(number, account)
    if refused is not None:
        return ConfigError(refused[0], field=refused[1], cure=refused[2])
    if number in _NO_WAREHOUSE:
        return ConfigError(
            f"{doing} failed: no virtual warehouse is at hand ({text})",
            field="snowflake.warehouse",
            cure="Set SNOWFLAKE_WAREHOUSE to one that the role may use: grant usage on warehouse"
            f" {account.warehouse or '…'} to role {account.role or '…'}.",
        )
    if number in _NO_DATABASE:
        return ConfigError(
            f"{doing} failed: the role {account.role or 'of the user'} sees no database"
            f" {account.database}",
            field="snowflake.database",
            cure=f"Correct SNOWFLAKE_DATABASE, or: grant usage, create schema on database"
            f" {account.database} to role {account.role or '…'}.",
        )
    if number in _NOT_ALLOWED or number in _NOT_THERE:
        return WarehouseError(f"{doing} failed: {text}", cure=_GRANTS)
    if number in _UNREACHABLE or number // 1000 == 290:
        return WarehouseError(
            f"{doing} failed: the connection to {account.where} was lost, or cannot be made",
            cure="Check the network and the account's name, then run the command again: nothing is"
            " lost and nothing is counted twice.",
        )
    return WarehouseError(
        f"{doing} failed: {text}",
        cure="Run `segue build` again; if it fails again, report this message.",
    )


def _refused(number: int, account: SnowflakeAccount) -> tuple[str, str, str] | None:
    """Message, field and cure, where signing in was refused."""
    who = f"user {account.user}, account {account.account}"
    if number in _WRONG_PASSWORD:
        return (
            f"Snowflake does not know this user with this password ({who})",
            "snowflake.password",
            "Correct SNOWFLAKE_USER and SNOWFLAKE_PASSWORD, or sign in with a key pair.",
        )
    if number in _WRONG_KEY:
        return (
            f"Snowflake does not take this private key ({who})",
            "snowflake.private_key_path",
            "Check account and user, and that the user has its public half: alter user … set"
            " rsa_public_key = '…'.",
        )
    if number in _NO_ROLE:
        return (
            f"the role {account.role} does not exist, or is not granted ({who})",
            "snowflake.role",
            f"Correct SNOWFLAKE_ROLE, or: grant role {account.role} to user {account.user}.",
        )
    return None
