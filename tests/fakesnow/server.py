"""fakesnow's server, with what it lacks and Segue needs; runs in `.venv-fakesnow`.

Reads one line of JSON from standard input and writes one with the port to standard output:

    {"users": {"SEGUE": {"password": "…", "public_key": "PEM"}}, "roles": […], "warehouses": […]}

What is mended here is what real Snowflake does, as its documentation says; each with its reason.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import os
import re
import shutil
import socket
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import fakesnow.conn
import fakesnow.macros
import jwt
import uvicorn
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.instance import FakeSnow
from fakesnow.transforms import stage
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import fakesnow.server as fake

KNOWN: dict[str, Any] = {}
LOG: list[tuple[str, str]] = []
"""(query tag, statement) of everything that was asked since the last `/log`."""
FAULTS: list[dict[str, Any]] = []
"""What goes wrong: {"matches": regular expression, "after": statements to let pass, …}.

With "code" and "message" Snowflake says no, once; else the connection is cut, again and again:
after "wait" seconds, and when it is "done", if these are there.
"""
WAITING = asyncio.Event()

NOTHING = "select 'Statement executed successfully.' as status"


class Cursor(FakeSnowflakeCursor):  # type: ignore[misc]  # fakesnow is not installed where mypy runs
    """Statements as Snowflake takes them."""

    def execute(self, command: str, *args: Any, **kwargs: Any) -> Any:
        """Run one statement."""
        connection = self._conn
        tag = getattr(connection, "query_tag", "")
        LOG.append((tag, command))
        # fakesnow knows no query tags; Snowflake keeps one for the session
        if found := re.fullmatch(
            r"\s*alter session set query_tag\s*=\s*'(.*)'\s*", command, re.IGNORECASE
        ):
            connection.query_tag = found[1]
            command = NOTHING
        # fakesnow knows one time zone only, UTC
        if re.fullmatch(r"\s*alter session set timezone\s*=\s*'UTC'\s*", command, re.IGNORECASE):
            command = NOTHING
        # fakesnow cannot remove files from a stage
        if found := re.fullmatch(r"\s*remove\s+@([\w.]+)/([\w/.-]*)\s*", command, re.IGNORECASE):
            parts = stage.parts_from_var(found[1], connection.database, connection.schema)
            shutil.rmtree(Path(stage.internal_dir(".".join(parts))) / found[2], ignore_errors=True)
            command = NOTHING
        # fakesnow has no virtual warehouses; without one Snowflake runs no query
        needs_one = re.match(
            r"\s*(select|with|insert|update|delete|merge|copy)\b", command, re.IGNORECASE
        )
        if needs_one and not connection.warehouse and command != NOTHING:
            raise ProgrammingError(
                msg="No active warehouse selected in the current session.  Select an active"
                " warehouse with the 'use warehouse' command.",
                errno=606,
                sqlstate="57P03",
            )
        return super().execute(command, *args, **kwargs)

    def _transform(self, expression: Any, params: Any) -> Any:
        return super()._transform(expression.transform(_as_duckdb, copy=False), params)


def _as_duckdb(node: Any) -> Any:
    """What fakesnow leaves as it is, or translates into something else."""
    # sqlglot drops the format of to_char(number, 'XXXX') on its way to DuckDB
    if isinstance(node, exp.ToChar) and set(node.text("format")) == {"X"}:
        return exp.Anonymous(this="_segue_hex", expressions=[node.this])
    # fakesnow keeps arrays as JSON, which DuckDB does not take for a list
    if isinstance(node, exp.ArrayToString):
        return exp.Anonymous(this="_segue_joined", expressions=[node.this, node.expression])
    # temporary tables of Snowflake may belong to a schema, those of DuckDB may not
    if isinstance(node, exp.Create) and (table := node.find(exp.Table)) and table.db:
        given = node.args.get("properties")
        for one in list(given.expressions) if given else ():
            if isinstance(one, exp.TemporaryProperty):
                one.pop()
    # sqlglot adds microseconds to a time by way of a double, which is not exact after 2255
    if isinstance(node, exp.DateAdd) and node.text("unit").upper() == "MICROSECOND":
        return exp.Anonymous(this="_segue_later", expressions=[node.this, node.expression])
    return node


_fake_macros = fakesnow.macros.creation_sql
_MACROS = {
    "_segue_hex(n)": "upper(to_hex(n::hugeint))",
    "_segue_later(moment, n)": "moment + to_microseconds(n::bigint)",
    "_segue_joined(list, between)": "array_to_string(list::varchar[], between)",
}


def _macros(catalog: str) -> str:
    mine = "".join(
        f"create or replace macro {catalog}.{name} as {body};" for name, body in _MACROS.items()
    )
    return f"{_fake_macros(catalog)}; {mine}"


# --- signing in: fakesnow lets everybody in ----------------------------------------------------


async def login(request: Request) -> Response:
    """Only known users, by password or key pair, with roles and warehouses that exist."""
    content = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        content = gzip.decompress(content)
    data = json.loads(content)["data"]
    name = str(data.get("LOGIN_NAME", "")).upper()
    user = KNOWN["users"].get(name)
    if data.get("AUTHENTICATOR") == "SNOWFLAKE_JWT":
        if user is None or not _key_fits(user, data["TOKEN"]):
            return _refused(
                "390144", "JWT token is invalid. [0ce9eb56-821d-4ca9-a774-04ae89a0cf5a]"
            )
    elif user is None or user.get("password") != data.get("PASSWORD"):
        return _refused("390100", "Incorrect username or password was specified.")
    role = request.query_params.get("roleName", "")
    if role and role.upper() not in KNOWN["roles"]:
        return _refused(
            "390189",
            f"Role '{role}' specified in the connect string does not exist or not authorized."
            " Contact your local system administrator, or attempt to login with another role.",
        )
    answer: Response = await fake.login_request(request)
    token = json.loads(bytes(answer.body))["data"]["token"]
    warehouse = request.query_params.get("warehouse", "").upper()
    connection = fake.sessions[token]
    connection.warehouse = warehouse if warehouse in KNOWN["warehouses"] else ""
    connection.query_tag = data["SESSION_PARAMETERS"].get("QUERY_TAG", "")
    # a database has a schema PUBLIC, which is the session's unless it says otherwise
    if connection.database_set and not connection.schema_set:
        cursor = FakeSnowflakeCursor(connection, connection._duck_conn)
        cursor.execute(f"create schema if not exists {connection.database}.PUBLIC")
        cursor.execute(f"use schema {connection.database}.PUBLIC")
    return answer


def _key_fits(user: dict[str, Any], token: str) -> bool:
    if not user.get("public_key"):
        return False
    key = load_pem_public_key(user["public_key"].encode())
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    print_of_key = "SHA256:" + b64encode(sha256(der).digest()).decode()
    try:
        claims = jwt.decode(token, user["public_key"], algorithms=["RS256"])
    except jwt.PyJWTError:
        return False
    return bool(claims["iss"] == f"{claims['sub']}.{print_of_key}")


def _refused(code: str, message: str) -> JSONResponse:
    return JSONResponse({"data": None, "code": code, "message": message, "success": False})


# --- faults and the log --------------------------------------------------------------------------


async def query(request: Request) -> Response:
    """A statement, unless it is one that is to go wrong."""
    content = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        content = gzip.decompress(content)
    sql = json.loads(content)["sqlText"]
    for fault in list(FAULTS):
        if re.search(fault["matches"], sql, re.IGNORECASE):
            if fault.get("after", 0) > 0:
                fault["after"] -= 1
                continue
            if "message" in fault:  # Snowflake says no, once
                FAULTS.remove(fault)
                return _refused(fault["code"], fault["message"])
            if "wait" in fault:
                WAITING.set()
                await asyncio.sleep(fault["wait"])
            if fault.get("done"):  # it is done, but the answer is lost
                await fake.query_request(request)
            cycle = request.scope["segue.cycle"]
            cycle.disconnected = True
            cycle.transport.abort()  # stays a fault: the connector tries again
            return Response()
    answer: Response = await fake.query_request(request)
    return answer


async def log(_: Request) -> Response:
    """What was asked since the last time."""
    said = list(LOG)
    LOG.clear()
    return JSONResponse(said)


async def faults(request: Request) -> Response:
    """Set what goes wrong."""
    FAULTS[:] = json.loads(await request.body())
    WAITING.clear()
    return Response()


async def waiting(_: Request) -> Response:
    """Answer as soon as a statement waits."""
    await WAITING.wait()
    return Response()


async def hang_up(_: Request) -> Response:
    """End all sessions and roll back what they have not committed, as Snowflake does in time."""
    for connection in fake.sessions.values():
        connection.close()
    fake.sessions.clear()
    return Response()


class KeepsCycle:
    """Lets a handler reach the connection that it answers on, to cut it."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            scope["segue.cycle"] = send.__self__  # uvicorn's, which holds the connection
        await self.app(scope, receive, send)


def main() -> None:
    """Serve until standard input ends."""
    # tests provoke errors; FAKESNOW_LOG=ERROR shows what went wrong in fakesnow itself
    logging.getLogger("sqlglot").setLevel("CRITICAL")
    fake.logger.setLevel(os.environ.get("FAKESNOW_LOG", "CRITICAL"))
    KNOWN.update(json.loads(sys.stdin.readline()))
    fakesnow.conn.FakeSnowflakeCursor = Cursor
    fakesnow.macros.creation_sql = _macros
    # databases do not appear because somebody connects to them
    fake.shared_fs = FakeSnow(create_database_on_connect=False, create_schema_on_connect=False)
    routes = [
        Route("/session/v1/login-request", login, methods=["POST"]),
        Route("/queries/v1/query-request", query, methods=["POST"]),
        Route("/log", log),
        Route("/faults", faults, methods=["POST"]),
        Route("/waiting", waiting),
        Route("/hang-up", hang_up),
        *fake.routes,
    ]
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    sys.stdout.write(json.dumps({"port": listener.getsockname()[1]}) + "\n")
    sys.stdout.flush()
    app = Starlette(routes=routes)
    server = uvicorn.Server(uvicorn.Config(KeepsCycle(app), log_level="warning", access_log=False))
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
