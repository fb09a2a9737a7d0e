"""The stand-in for Snowflake refuses what Snowflake refuses, else tests of it prove little."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakesnow.client import PASSWORD, FakeSnowflake, serving


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeSnowflake]:
    with serving() as server:
        yield server


def connect(fake: FakeSnowflake, **changes: Any) -> Any:
    import snowflake.connector

    wanted = {
        "account": "fakesnow",
        "user": "SEGUE",
        "password": PASSWORD,
        "host": "127.0.0.1",
        "port": int(fake.url.rpartition(":")[2]),
        "protocol": "http",
        "login_timeout": 3,
        "network_timeout": 3,
    }
    return snowflake.connector.connect(**wanted | changes)


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"password": "wrong"}, 390100),
        ({"user": "NOBODY"}, 390100),
        ({"role": "NO_SUCH_ROLE"}, 390189),
    ],
)
def test_who_may_not_sign_in(fake: FakeSnowflake, changes: dict[str, Any], number: int) -> None:
    from snowflake.connector.errors import DatabaseError

    with pytest.raises(DatabaseError) as caught:
        connect(fake, **changes)
    assert caught.value.errno == number


def test_queries_need_a_warehouse(fake: FakeSnowflake) -> None:
    from snowflake.connector.errors import ProgrammingError

    with (
        connect(fake, warehouse="NO_SUCH_WAREHOUSE") as connection,
        pytest.raises(ProgrammingError, match="No active warehouse"),
    ):
        connection.cursor().execute("select 1")


def test_numbers_become_hexadecimal(fake: FakeSnowflake) -> None:
    settings = fake.new_settings()
    with connect(
        fake, warehouse=settings["warehouse"], database=settings["database"]
    ) as connection:
        found = connection.cursor().execute("select to_char(4095, 'XXXX')").fetchall()
    assert found == [("FFF",)]
