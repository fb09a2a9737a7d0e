"""The roles of docs/warehouse.md: who builds needs no more than that, who reads can do no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from pydantic import SecretStr

from segue.music.lake_tables import LAKE_TABLES
from segue.music.marts import MARTS
from segue.progress import Silent
from segue.warehouse.postgresql import PostgreSQLWarehouse
from tests.flows.test_build import EXPORT, play
from tests.lake_files import HandLake
from tests.postgres_server import Server, database_of, server_of_tests

DOCS = Path(__file__).parents[2] / "docs" / "warehouse.md"


def documented(part: int, names: dict[str, str]) -> list[str]:
    """The statements of a block of SQL in the docs, on other names."""
    chapter = DOCS.read_text(encoding="utf-8").split("### Database and roles\n", 1)[1]
    block = re.findall(r"```sql\n(.*?)```", chapter, re.DOTALL)[part]
    for name, ours in names.items():
        block = re.sub(rf"\b{name}\b", ours, block)
    return [statement for statement in block.split(";\n") if statement.strip()]


@pytest.fixture
def names(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Roles and database of the docs, under names that no other test has."""
    base = database_of(tmp_path)
    names = {"segue_build": f"{base}_build", "segue_read": f"{base}_read", "segue": f"{base}_db"}
    server = server_of_tests()
    with psycopg.connect(server.url(), autocommit=True) as admin:
        for statement in documented(0, names):
            admin.execute(statement)
    with psycopg.connect(server.url(names["segue"]), autocommit=True) as admin:
        for statement in documented(1, names):
            admin.execute(statement)
        admin.execute(f"alter role {names['segue_read']} login")
    yield names
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(f"drop database {names['segue']} with (force)")
        admin.execute(f"drop role {names['segue_build']}")
        admin.execute(f"drop role {names['segue_read']}")


def build(names: dict[str, str], folder: Path, lake: HandLake) -> None:
    url = server_of_tests().url(names["segue"], names["segue_build"])
    warehouse = PostgreSQLWarehouse(folder / "warehouse", url=SecretStr(url), threads=2)
    with warehouse.writing():
        for table in LAKE_TABLES:
            warehouse.load(table, lake.files(table))
        warehouse.build(Silent())


def refused(server: Server, names: dict[str, str], statement: str) -> bool:
    url = server.url(names["segue"], names["segue_read"])
    with psycopg.connect(url, autocommit=True) as reader:
        try:
            reader.execute(statement)
        except errors.InsufficientPrivilege:
            return True
    return False


def test_who_reads_reads_the_marts_and_nothing_else(tmp_path: Path, names: dict[str, str]) -> None:
    lake = HandLake(tmp_path / "lake")
    for n in range(2):  # the tables of the second build are others
        lake.add("plays", [play("u", EXPORT, 900 * n, f"Song {n}", ms_played=40_000)])
        build(names, tmp_path, lake)
    server = server_of_tests()
    with psycopg.connect(server.url(names["segue"], names["segue_read"])) as reader:
        for mart in MARTS:
            reader.execute(f"select count(*) from marts.{mart}")
        assert reader.execute("select count(*) from marts.plays").fetchone() == (2,)
    for statement in (
        "select * from raw.plays",
        "select * from raw.migrations",
        "select * from intermediate.int_same_plays",
        "delete from marts.plays",
        "create table marts.mine (n integer)",
        "create table public.mine (n integer)",
        "create schema mine",
        "create temporary table mine (n integer)",
        "drop table marts.plays",
    ):
        assert refused(server, names, statement), statement
    with psycopg.connect(server.url(names["segue"])) as admin:
        found = admin.execute(
            "select rolsuper or rolcreatedb or rolcreaterole or rolbypassrls from pg_roles"
            " where rolname = %s",
            [names["segue_build"]],
        )
        assert found.fetchone() == (False,)
