"""How dbt reaches the server: the output of its profile, and the environment beside it."""

from __future__ import annotations

from typing import Any, Final

from segue.postgresql.address import Reached

__all__ = ["environment", "profile"]

_SECRET: Final = "DBT_ENV_SECRET_SEGUE_POSTGRESQL"  # noqa: S105 -- the name of a variable
_IN_PROFILE: Final = ("host", "port", "user", "password", "dbname", "options")


def profile(reached: Reached) -> dict[str, Any]:
    """Output of dbt's profile, without the password."""
    known = reached.parameters
    return {
        "type": "postgres",
        "host": known["host"],
        "port": int(known["port"]),
        "user": known["user"],
        "password": f"{{{{ env_var('{_SECRET}') }}}}",
        "dbname": known["dbname"],
        "schema": "marts",
        "connect_timeout": int(known.get("connect_timeout", 10)),
    }


def environment(reached: Reached) -> dict[str, str]:
    """What dbt needs beside the profile; holds the password."""
    from psycopg.pq import Conninfo

    variables = {
        option.keyword.decode(): option.envvar.decode()
        for option in Conninfo.get_defaults()
        if option.envvar
    }
    return {
        **{
            variables[name]: str(value)
            for name, value in reached.parameters.items()
            if name in variables and name not in _IN_PROFILE
        },
        "PGOPTIONS": reached.options,
        # dbt wants one, whoever asks for it
        _SECRET: reached.parameters.get("password") or "none",
    }
